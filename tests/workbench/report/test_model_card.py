"""The card of the saved model, the methods and their references: written from the numbers."""

import copy
import json
from typing import Any

import pytest

from workbench.report.bibliography import bibliography
from workbench.report.methods_text import methods_sentences
from workbench.report.model_card import model_card
from workbench.report.provenance import withheld_folds, withheld_practice
from workbench.report.words import RESEARCH_USE

Document = dict[str, Any]


def test_the_card_repeats_the_report(document: Document) -> None:
    card = model_card(document)
    assert json.loads(json.dumps(card)) == card
    assert card["use"] == RESEARCH_USE
    assert card["weights"] == document["saved_model"]
    assert card["version"] == document["saved_model"]["sha256"][:12]
    assert card["population"]["n_patients"] == 360
    assert card["limits"] == document["limits"]
    judged = [row for row in document["ladder"] if row["model"] == "selected"]
    assert [row["harrell_c"] for row in card["performance"]] == [r["harrell_c"] for r in judged]
    assert card["performance"][0]["group"] == "all"
    assert all(not row["refused"] for table in card["subgroups"] for row in table["rows"])
    assert "by 365 days (1.0 years) and 1,095 days (3.0 years)" in card["intended_use"]
    assert any("single patients" in line for line in card["not_for"])


def test_no_card_without_a_model(document: Document) -> None:
    with pytest.raises(ValueError, match="kept no model"):
        model_card({**document, "saved_model": None})


def test_methods_are_written_from_the_numbers(document: Document) -> None:
    told = {title: " ".join(lines) for title, lines in methods_sentences(document).items()}
    assert "360 patients with" in told["Patients and outcome"]
    assert "5 random folds, stratified by event (seed 0)" in told["Division of the data"]
    assert "20 bootstraps of patients within folds" in told["Measures"]
    assert "MRI may be absent altogether" in told["Missing data"]
    assert "Of 5 outer folds, the selected model is combined model in 5" in told["Models"]
    assert "U-Net" not in told["Preparation"]
    assert "each of 4 sites" in told["Sites"]
    assert "Python 3.11.2 with numpy 2.3.5" in told["Software"]
    changed = copy.deepcopy(document)
    changed["evaluation_settings"]["n_bootstrap"] = 777
    changed["modalities"][2]["kind"] = "image"
    again = {title: " ".join(lines) for title, lines in methods_sentences(changed).items()}
    assert "777 bootstraps" in again["Measures"]
    assert "U-Net" in again["Preparation"]
    changed["study"]["image_encoder"] = "patches"
    preparation = " ".join(methods_sentences(changed)["Preparation"])
    assert "U-Net" not in preparation
    assert "patch of a dictionary" in preparation
    cited = {reference.used_for for reference in bibliography(changed)}
    assert {"Dictionary of image patches", "Spherical k-means of whitened patches"} <= cited
    assert "Image encoder" not in cited


def test_only_methods_that_were_used_are_cited(document: Document) -> None:
    used = {reference.used_for for reference in bibliography(document)}
    assert {"Survival curves", "Stacking", "Decision curves", "Harrell’s C"} <= used
    assert not {"Image encoder", "Contributions of modalities"} & used
    fewer = {
        **document,
        "ladder": [row for row in document["ladder"] if row["model"] not in ("stack",)],
        "decision_curves": [],
    }
    less = {reference.used_for for reference in bibliography(fewer)}
    assert used - less == {"Stacking", "Decision curves"}
    dois = [reference.doi for reference in bibliography(document) if reference.doi]
    assert len(dois) == len(set(dois))
    assert all(doi.startswith("10.") for doi in dois)


def test_the_page_holds_methods_references_and_the_card(html: str, document: Document) -> None:
    for lines in methods_sentences(document).values():
        assert lines[0] in html.replace("&#39;", "'")
    assert "10.1136/bmj-2023-078378" in html
    assert 'data-json="/saved_model/sha256"' in html


def row(group: str, kind: str, n: int, n_events: int) -> Document:
    return {
        "kind": kind,
        "group": group,
        "n": n,
        "n_events": n_events,
        "n_at_risk": n,
        "refused": None,
    }


def test_small_groups_and_sites_are_withheld_with_what_gives_them_away() -> None:
    rows = [
        row("all", "all", 100, 50),
        row("patients with mri", "group", 94, 47),
        row("patients without mri", "group", 6, 3),
        row("A", "site", 60, 30),
        row("B", "site", 36, 16),
        row("C", "site", 4, 4),
    ]
    table = {"rows": rows, "sites": None, "settings": {"censoring_strata": []}}
    practice = {
        "subgroups": [table],
        "failure_cases": [
            {"horizon": 1.0, "group": "all", "low": 30, "low_events": 3, "high": 30,
             "high_survivors": 15},
            {"horizon": 1.0, "group": "A", "low": 30, "low_events": 15, "high": 30,
             "high_survivors": 15},
        ],
    }  # fmt: skip
    kept = withheld_practice(practice, 10, refused=())
    shown = {each["group"]: each["n"] for each in kept["subgroups"][0]["rows"]}
    assert shown["all"] == 100
    assert shown["patients without mri"] in ("<10", "withheld")
    assert shown["patients with mri"] == "withheld"
    assert shown["C"] in ("<10", "withheld")
    assert [shown["A"], shown["B"]].count("withheld") == 1
    [failures] = kept["failure_cases"]
    assert failures["group"] == "all"
    assert failures["low_events"] == failures["high_survivors"] == "withheld"
    assert withheld_practice(practice, 0, refused=()) == practice


def test_a_third_of_few_patients_is_withheld() -> None:
    row = {"horizon": 1.0, "group": "all", "low": 8, "low_events": 0, "high": 30,
           "high_survivors": 15}  # fmt: skip
    [kept] = withheld_practice({"failure_cases": [row]}, 10, refused=())["failure_cases"]
    assert (kept["low"], kept["low_events"], kept["high"]) == ("withheld", "withheld", 30)


def test_a_refused_group_tells_no_count() -> None:
    table = {
        "rows": [row("all", "all", 100, 50), row("young", "group", 40, 20)],
        "sites": None,
        "settings": {"censoring_strata": []},
    }
    kept = withheld_practice({"subgroups": [table]}, 10, refused={"young"})
    assert kept["subgroups"][0]["rows"][1]["n"] == "withheld"
    assert kept["subgroups"][0]["rows"][1]["n_events"] == "withheld"


def test_the_patients_whom_a_criterion_asks_for_are_nobody() -> None:
    sentence = "At least 1,007 patients with 9 events (1.2 a parameter) are needed."
    kept = withheld_practice({"sample_size": {"n_events": 9, "sentence": sentence}}, 10, refused=())
    assert kept["sample_size"] == {"n_events": "<10", "sentence": sentence}


EVENTS = (6, 17, 18, 28)


@pytest.mark.parametrize("beside", [True, False])
def test_no_fold_is_had_from_those_who_train(beside: bool) -> None:
    rows = [
        {"fold": i, "n": 50, "n_events": e, "n_train": 150, "events_train": sum(EVENTS) - e}
        for i, e in enumerate(EVENTS)
    ]
    if beside:
        kept = withheld_practice({"fold_balance": rows}, 10, refused=())["fold_balance"]
        assert [row["n_events"] for row in kept] == ["withheld", "withheld", 18, 28]
    else:
        chosen = [{n: row[n] for n in ("fold", "n_train", "events_train")} for row in rows]
        again = [{**row, "repeat": i} for i in (0, 1) for row in chosen]
        kept = withheld_folds(again, 10, {"n": 200, "n_events": sum(EVENTS)})
        assert kept[4:] == [{**row, "repeat": 1} for row in kept[:4]]
    assert [row["events_train"] for row in kept[:4]] == ["withheld", "withheld", 51, 41]
    assert {row["n_train"] for row in kept} == {150}


def test_a_fold_of_few_patients_tells_nobody_who_trains() -> None:
    rows = [{"fold": i, "n_train": 60 - n, "events_train": 15} for i, n in enumerate((4, 26, 30))]
    kept = withheld_folds(rows, 10, {"n": 60, "n_events": 30})
    assert [row["n_train"] for row in kept] == ["withheld", "withheld", 30]
    assert withheld_folds(rows, 0, {"n": 60, "n_events": 30}) == rows
