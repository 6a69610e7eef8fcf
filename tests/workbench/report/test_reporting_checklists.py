"""Checklists: their inventories, and that an item is filled only where its evidence is there."""

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from workbench.report.evidence import RULES, holds
from workbench.report.report_title import report_title
from workbench.report.reporting_checklists import NAMES, applicable, fill, reporting_checklist
from workbench.report.sections import SECTIONS

Document = dict[str, Any]

TRIPOD = [
    *("1", "2", "3a", "3b", "3c", "4", "5a", "5b", "6a", "6b", "6c", "7", "8a", "8b", "8c"),
    *("9a", "9b", "9c", "10", "11", "12a", "12b", "12c", "12d", "12e", "12f", "12g", "13", "14"),
    *("15", "16", "17", "18a", "18b", "18c", "18d", "18e", "18f", "19", "20a", "20b", "20c"),
    *("21", "22", "23a", "23b", "24", "25", "26", "27a", "27b", "27c"),
]
AUTHORS_OWN = [
    *("2", "3a", "3b", "3c", "5b", "8b", "8c", "9c", "17", "18a", "18b", "18c", "18d", "19"),
    *("25", "27b", "27c"),
]

TAKEN_OUT: dict[str, Callable[[Document], Any]] = {
    "1": lambda d: d.update(author={"title": "A new dawn"}),
    "4": lambda d: d.update(claims=[]),
    "5a": lambda d: d["dataset"].update(source=""),
    "6a": lambda d: d.update(availability=[t for t in d["availability"] if t["by"] != "site"]),
    "6b": lambda d: d.update(attrition=[]),
    "6c": lambda d: d.update(inventory=[i for i in d["inventory"] if i["item"] != "Treatment"]),
    "7": lambda d: d.update(modalities=[]),
    "8a": lambda d: d["outcome"].update(time_zero=""),
    "9a": lambda d: d.update(inventory=[]),
    "9b": lambda d: d["data_card"]["modalities"][1].update(known=""),
    "10": lambda d: d.update(sample_size=None),
    "11": lambda d: d.update(availability=[]),
    "12a": lambda d: d["definition"].update(split=None),
    "12b": lambda d: d.update(modalities=[]),
    "12c": lambda d: d.update(chosen=[]),
    "12d": lambda d: d.update(subgroups=[], other_splits=[]),
    "12e": lambda d: d["evaluation_settings"].update(n_bootstrap=0),
    "12f": lambda d: d.update(ladder=[]),
    "12g": lambda d: d["evaluation_settings"].update(judged=""),
    "13": lambda d: d.update(n_events="withheld"),
    "14": lambda d: d.update(subgroups=[]),
    "15": lambda d: d.update(saved_model=None),
    "16": lambda d: d["definition"].update(split=None),
    "18e": lambda d: d["dataset"].update(licence=""),
    "18f": lambda d: d.update(code_version=""),
    "20a": lambda d: d["follow_up"]["median_follow_up"].update(estimate=None),
    "20b": lambda d: d["table_one"].update(rows=[]),
    "20c": lambda d: d.update(fold_balance=[]),
    "21": lambda d: d["chosen"][0].update(events_train=None),
    "22": lambda d: d["saved_model"].update(sha256=""),
    "23a": lambda d: [row.update(harrell_c=None) for row in d["ladder"]],
    "23b": lambda d: d.update(subgroups=[]),
    "24": lambda d: d.update(ladder=[]),
    "26": lambda d: d.update(limits=[]),
    "27a": lambda d: d.update(subgroups=[]),
}
"""Item of TRIPOD+AI → what takes its evidence out of a report."""


def statuses(name: str, document: Document) -> dict[str, str]:
    return {each.item.id: each.status for each in fill(reporting_checklist(name), document)}


@pytest.mark.parametrize("name", NAMES)
def test_the_inventory_is_whole(name: str) -> None:
    checklist = reporting_checklist(name)
    ids = [item.id for item in checklist.items]
    assert len(ids) == len(set(ids)) == checklist.n_subitems
    assert len({"".join(c for c in i if c.isdigit()) for i in ids}) in (checklist.n_items, 4)
    assert all(item.label and item.part for item in checklist.items)
    assert checklist.doi.startswith("10.")
    assert checklist.licence
    assert checklist.verified >= "2026-11-29"


def test_tripod_has_its_27_items_and_52_subitems() -> None:
    checklist = reporting_checklist("tripod_ai")
    assert [item.id for item in checklist.items] == TRIPOD
    assert (checklist.n_items, len(TRIPOD)) == (27, 52)


def test_remark_and_claim_count_from_one() -> None:
    for name, n in (("remark", 20), ("claim", 44)):
        ids = [item.id for item in reporting_checklist(name).items]
        assert ids == [str(i) for i in range(1, n + 1)]


def test_every_rule_and_section_is_known_and_used() -> None:
    items = [item for name in NAMES for item in reporting_checklist(name).items]
    assert {item.evidence for item in items} - {""} == set(RULES)
    assert {item.section for item in items} - {""} <= {section.anchor for section in SECTIONS}
    assert all(item.section for item in items if item.evidence)
    with pytest.raises(KeyError, match="no_such_rule"):
        holds("no_such_rule", {})


def test_a_run_fills_35_of_52_and_leaves_the_rest_to_the_author(document: Document) -> None:
    found = statuses("tripod_ai", document)
    assert Counter(found.values()) == {"auto": 35, "author": 17}
    assert [i for i, status in found.items() if status == "author"] == AUTHORS_OWN


def test_the_evidence_of_every_filled_item_can_be_taken_out() -> None:
    assert sorted(TAKEN_OUT) == sorted(set(TRIPOD) - set(AUTHORS_OWN))


@pytest.mark.parametrize("item", TAKEN_OUT)
def test_without_its_evidence_an_item_is_missing(item: str, document: Document) -> None:
    assert statuses("tripod_ai", document)[item] == "auto"
    less = copy.deepcopy(document)
    TAKEN_OUT[item](less)
    assert statuses("tripod_ai", less)[item] == "missing"


def test_an_item_whose_section_is_left_out_is_missing(document: Document) -> None:
    without = {**document, "left_out": ["table-one"]}
    assert statuses("tripod_ai", without)["20b"] == "missing"
    assert statuses("tripod_ai", without)["20a"] == "auto"


def test_a_report_of_an_older_version_is_not_filled_by_what_it_lacks(document: Document) -> None:
    new = {"data_card", "saved_model", "subgroups", "sample_size", "fold_balance"}
    older = {name: value for name, value in document.items() if name not in new}
    found = statuses("tripod_ai", older)
    assert {found[i] for i in ("6a", "9b", "10", "14", "15", "20c", "22", "27a")} == {"missing"}


def test_the_checklist_of_images_asks_for_images(document: Document) -> None:
    assert "claim" not in {each.name for each in applicable(document)}
    modalities = [{**m, "kind": "image"} for m in document["modalities"]]
    with_images = {**document, "modalities": modalities}
    assert "claim" in {each.name for each in applicable(with_images)}
    assert statuses("claim", with_images)["39"] == "auto"
    assert statuses("claim", with_images)["16"] == "author"


def test_the_title_names_kind_of_study_outcome_methods_and_data(
    html: str, document: Document, read_page: Callable[[str], Any]
) -> None:
    title = (
        "Development and internal validation of multivariable models that predict overall "
        "survival by Cox regression and deep learning, in An example of glioma: expression, shape "
        "and clinic"
    )
    assert report_title(document) == title
    assert f"<h1><bdi>{title}</bdi></h1>" in html
    assert statuses("claim", document)["1"] == "auto"
    ladder = [row for row in document["ladder"] if row["model"] != "fusion_net"]
    regression = {**document, "ladder": ladder}
    assert "by Cox regression, in" in report_title(regression)
    assert statuses("claim", regression)["1"] == "missing"
    assert statuses("tripod_ai", regression)["1"] == "auto"


@pytest.mark.parametrize(
    ("title", "status"),
    [
        ("A new dawn", "missing"),
        ("Overall survival in An example of glioma", "missing"),
        ("Evaluation of a model of age, in An example of glioma", "missing"),
        ("Validation of a model that predicts overall survival in an example of glioma", "auto"),
    ],
)
def test_it_is_the_title_that_is_shown_that_counts(
    title: str, status: str, document: Document
) -> None:
    named = {**document, "author": {"title": title}}
    assert statuses("tripod_ai", named)["1"] == status
    assert statuses("claim", named)["1"] == "missing"
    assert statuses("claim", named)["6"] == "auto"


@pytest.mark.parametrize(
    ("item", "is_treatment"),
    [
        ("Projection of the radiograph", False),
        ("Radiology report", False),
        ("Radiotherapy", True),
        ("Radiation dose", True),
        ("Whole-brain irradiation", True),
    ],
)
def test_only_treatments_fill_the_items_on_treatment(
    item: str, is_treatment: bool, document: Document
) -> None:
    with_item = {**document, "inventory": [{"item": item, "status": "used", "note": ""}]}
    status = "auto" if is_treatment else "missing"
    assert statuses("tripod_ai", with_item)["6c"] == status
    assert statuses("remark", with_item)["3"] == status


def test_sites_held_out_are_no_data_from_elsewhere(document: Document) -> None:
    assert document["other_splits"][0]["kind"] == "site"
    assert statuses("claim", document)["33"] == "author"


def test_the_form_is_the_authors(document: Document) -> None:
    assert set(statuses("probast_ai", document).values()) == {"author"}


def test_the_page_lists_every_item(html: str) -> None:
    start = html.index('<section id="checklists"')
    section = html[start : html.index("</section>", start)]
    assert "Of 52 items, 35 are filled by this run, 0 could be and are missing, 17 are" in section
    rows = section.split("<caption>")[1].split("</table>")[0].count("<tr>")
    assert rows == 53  # with its heading


def test_items_lead_to_sections_that_are_there(
    html: str, document: Document, read_page: Callable[[str], Any]
) -> None:
    from workbench.report.page import render_page

    assert '<a href="#table-one">Patients</a>' in html
    few = {**document, "left_out": ["table-one"], "subgroups": [], "sample_size": None}
    page = read_page(render_page(few))
    led = {href[1:] for href in page.values("href")}
    assert led <= set(page.values("id"))
    assert not {"table-one", "subgroups", "sample-size"} & led
