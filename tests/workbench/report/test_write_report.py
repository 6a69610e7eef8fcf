"""The report: equal to its JSON, self-contained, safe, and the same each time."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.report import ReportContent, write_report
from workbench.report.document import plain
from workbench.report.format import WRITERS
from workbench.report.sections import SECTIONS
from workbench.report.table import resolve
from workbench.report.withhold import withhold_counts
from workbench.report.words import RESEARCH_USE, SIMULATED

Make = Callable[..., ReportContent]
Read = Callable[[str], Any]

HOSTILE = {
    "title": "<script>alert(1)</script> & \"quoted\" 'title'",
    "outcome": "Survival</script><script>alert(2)</script>",
    "limit": "\u202eright to left\u2066 <img src=x onerror=alert(3)> =HYPERLINK(1)",
    "citation": "N" * 10_000,
    "group": "<b>group</b> ]]> $x^2$ " + "g" * 10_000,
    "modality": "</svg></style><style>*{display:none}</style>",
    "meaning": "{{ 7 * 7 }} {% raw %} javascript:alert(4)",
    "item": "<!-- item",
    "warning": "a\x00b\x08c <iframe src='https://example.org'></iframe>",
}


def test_tables_equal_the_json(html: str, document: dict[str, Any], read_page: Read) -> None:
    cells = read_page(html).cells
    wrong = [
        (pointer, shown, WRITERS[written_as](resolve(document, pointer)))
        for pointer, written_as, shown in cells
        if shown != WRITERS[written_as](resolve(document, pointer))
    ]
    assert len(cells) > 500
    assert not wrong


def test_every_number_of_the_ladder_is_shown(
    html: str, document: dict[str, Any], read_page: Read
) -> None:
    shown = {pointer for pointer, _, _ in read_page(html).cells}
    expected = {
        f"/ladder/{i}/{name}"
        for i, row in enumerate(document["ladder"])
        if not row["model"].startswith("without_")
        for name in ("harrell_c", "uno_c", "ibs", "ipa", "delta_harrell_c", "delta_ipa")
    }
    assert expected <= shown


def test_json_has_the_promised_names(content: ReportContent, document: dict[str, Any]) -> None:
    promised = {
        *("study", "ladder", "definition_hash", "data_hash", "code_version", "seed"),
        *("at_horizons", "claims", "attrition", "table_one", "availability"),
        *("contributions", "limits", "warnings"),
    }
    assert promised <= document.keys()
    assert document["ladder"] == plain(content.evaluation.ladder)
    row = {"model", "group", "n", "n_events", "harrell_c", "harrell_c_fold_mean", "uno_c", "ibs"}
    assert row | {"ipa", "delta_harrell_c", "delta_ipa"} <= document["ladder"][0].keys()
    assert document["study"] == content.study


def test_json_is_sorted_and_names_no_machine(report: Path, content: ReportContent) -> None:
    text = (report.parent / "report.json").read_text(encoding="utf-8")
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    assert str(content.card.folder) not in text
    assert str(content.card.path) not in text
    assert "NaN" not in text


def test_same_content_gives_the_same_bytes(
    content: ReportContent, report: Path, tmp_path: Path
) -> None:
    again = write_report(content, tmp_path)
    assert again.read_bytes() == report.read_bytes()
    assert (tmp_path / "report.json").read_bytes() == (report.parent / "report.json").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_asks_the_network_for_nothing(html: str, read_page: Read) -> None:
    page = read_page(html)
    addresses = [*page.values("src"), *page.values("href"), *page.values("xlink:href")]
    assert [a for a in addresses if not a.startswith("#")] == []
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html
    assert "<link" not in html


def test_ids_are_unique_and_links_lead_somewhere(html: str, read_page: Read) -> None:
    page = read_page(html)
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    assert {href[1:] for href in page.values("href")} <= set(ids)
    assert {href[1:] for href in page.values("xlink:href")} <= set(ids)


def test_can_be_read_without_eyes(html: str, read_page: Read) -> None:
    page = read_page(html)
    elements = [tag for tag, _ in page.tags]
    assert {"main", "nav", "header", "footer"} <= set(elements)
    assert elements.count("caption") == elements.count("table")
    assert all(a.get("scope") in ("col", "row") for tag, a in page.tags if tag == "th")
    drawings = [a for tag, a in page.tags if tag == "svg"]
    assert drawings
    assert all(a["role"] == "img" and a["aria-label"] for a in drawings)


def test_small_enough_and_whole(html: str) -> None:
    assert len(html.encode()) < 5_000_000
    assert [f'id="{section.anchor}"' in html for section in SECTIONS] == [True] * len(SECTIONS)


def test_says_what_it_is(html: str, read_page: Read) -> None:
    text = "".join(read_page(html).text)
    assert text.count(RESEARCH_USE) == 2
    assert text.count(SIMULATED) == len(SECTIONS) + 3  # ribbon, title, every section, foot


def test_thirds_of_risk_have_no_p_value_and_the_page_says_why(
    html: str, read_page: Read, tmp_path: Path, example_content: Make
) -> None:
    text = " ".join("".join(read_page(html).text).split())
    assert "No p-value is given: whoever is held out trains" in text
    assert "Brief Bioinform 2011;12:203-214" in text
    assert "log-rank p" not in text.lower()
    assert "Log-rank test" not in text
    write_report(example_content(tmp_path), tmp_path / "out")
    document = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert not any("p_value" in stratum for stratum in document["risk_groups"]["strata"])


def test_says_nothing_of_simulation_of_real_patients(tmp_path: Path, example_content: Make) -> None:
    content = example_content(tmp_path, simulated=False)
    assert SIMULATED not in write_report(content, tmp_path / "out").read_text(encoding="utf-8")


def test_hostile_words_do_no_harm(tmp_path: Path, example_content: Make, read_page: Read) -> None:
    content = example_content(tmp_path, words=HOSTILE)
    html = write_report(content, tmp_path / "out").read_text(encoding="utf-8")
    page = read_page(html)
    elements = [tag for tag, _ in page.tags]
    assert elements.count("script") == 1
    assert elements.count("style") == 1
    assert not {"img", "iframe", "b"} & set(elements)
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert not re.search(r"[\u202a-\u202e\u2066-\u2069\x00\x08]", html)
    assert "{{ 7 * 7 }}" in html
    assert max(map(len, page.text)) < 25_000
    assert "N" * 2000 not in html
    numbers = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert numbers["dataset"]["citation"] == HOSTILE["citation"]


def test_a_restricted_card_shows_no_small_count(tmp_path: Path, example_content: Make) -> None:
    minimum = 25
    content = example_content(tmp_path, minimum_cell=minimum)
    write_report(content, tmp_path / "out")
    document = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    counts = list(_counts(document))
    assert f"<{minimum}" in counts
    assert [n for n in counts if isinstance(n, int) and 0 < n < minimum] == []
    curves = [c for s in document["risk_groups"]["strata"] for c in s["curves"]]
    times = set(content.cohort.patients["time"])
    assert all(not c["censored"] and c["time"][0] == 0 for c in curves)
    assert sum(t in times for c in curves for t in c["time"]) < 0.1 * len(times)


def _counts(value: Any) -> Any:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("n", "n_events", "n_at_risk", "n_patients", "n_available"):
                yield from inner if isinstance(inner, list) else [inner]
            yield from _counts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _counts(inner)


def test_a_failed_writing_leaves_the_old_report(
    content: ReportContent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = write_report(content, tmp_path)
    before = page.read_bytes()

    def fail(document: dict[str, Any]) -> str:
        raise RuntimeError("interrupted")

    monkeypatch.setattr("workbench.report.write.render_page", fail)
    with pytest.raises(RuntimeError, match="interrupted"):
        write_report(content, tmp_path)
    assert page.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_only_plain_values_reach_the_json() -> None:
    with pytest.raises(TypeError, match="text, numbers, lists and mappings"):
        plain({"path": Path("somewhere")})
    assert plain({"x": float("nan"), "n": 3, "ok": True}) == {"x": None, "n": 3, "ok": True}


def section(html: str, anchor: str) -> str:
    """One section of the page, as HTML."""
    start = html.index(f'<section id="{anchor}"')
    return html[start : html.index("</section>", start) + len("</section>")]


def test_what_a_modality_adds_stands_between_calibration_and_contributions(
    html: str, document: dict[str, Any], read_page: Read
) -> None:
    anchors = [s.anchor for s in SECTIONS]
    places = [anchors.index(a) for a in ("calibration", "modality-value", "contributions")]
    assert places == sorted(places)
    pointers = {pointer for pointer, _, _ in read_page(section(html, "modality-value")).cells}
    for i in range(len(document["modality_value"])):
        names = ("sentence", "delta_harrell_c", "delta_ipa", "verdict", "n", "n_events")
        assert {f"/modality_value/{i}/{name}" for name in names} <= pointers
    rna, imaging = (value["sentence"] for value in document["modality_value"])
    assert rna.startswith("In all 360 patients, the combined model with gene expression changed C")
    assert re.match(
        r"In the \d+ patients who have MRI, the combined model with MRI changed", imaging
    )
    assert "against the same without MRI: " in imaging


def test_models_without_a_modality_stay_out_of_the_comparison(html: str) -> None:
    comparison = section(html, "model-comparison")
    assert "Kaplan–Meier by group" in comparison
    assert "without" not in comparison
    captions = re.findall(r"<caption>(.*?): [\d,]+ patients", comparison)
    assert captions[0] == "All patients"
    assert captions[-1] == "Patients with MRI"


def test_the_summary_says_groups_first_and_warns(html: str, document: dict[str, Any]) -> None:
    summary = section(html, "summary")
    claims = [
        int(i) for i in re.findall(r'data-json="/claims/(\d+)/sentence"', summary.split("<svg")[0])
    ]
    groups = [document["claims"][i]["group"] for i in claims]
    assert groups[-1] == "all"
    assert set(groups[:-1]) == {
        row["group"] for row in document["ladder"] if not row["group"].startswith("patients with")
    } - {"all"}
    assert all(warning in summary for warning in document["warnings"])
    assert "With whole hospitals, the selected model changed C" in summary
    assert 'data-json="/other_splits/0/claims/' in summary
    assert 'data-json="/modality_value/1/delta_harrell_c"' in summary


def test_no_raw_name_reaches_the_reader(
    html: str, document: dict[str, Any], read_page: Read
) -> None:
    text = " ".join("".join(read_page(html).text).split()).split("Settings of the evaluation")[0]
    for raw in ("null_by_group", "clinical_markers", "without_", "uno_c", "patients with imaging"):
        assert raw not in text
    assert "Age at diagnosis, years: mean (SD)" in text
    assert document["definition_hash"] in section(html, "definition")
    assert document["definition_sentences"][1] == "Outcome: overall survival"
    assert not re.search(r"[+−-]0\.000", text)


def test_counts_that_give_others_away_leave_the_sentences_too() -> None:
    rows = [
        {"model": "selected", "group": group, "n": n, "n_events": n_events}
        for group, n, n_events in (("a", 60, 40), ("b", 30, 14), ("c", 25, 7))
    ]
    sentence = "In b, C changed (30 patients, 14 events)."
    evaluation = {
        "settings": {"censoring_strata": ["a", "b", "c"]},
        "ladder": rows,
        "risk_groups": {"strata": []},
        "calibration_curves": [],
        "claims": [{**rows[1], "sentence": sentence}],
    }
    [claim] = withhold_counts(evaluation, 10)["claims"]
    assert claim["n_events"] == "withheld"
    assert claim["sentence"] == "In b, C changed (30 patients, withheld events)."
