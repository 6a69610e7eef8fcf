"""An explanation that failed its own check is withheld, unless somebody asks for it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from fusion.explanation.checks import at_least
from workbench.report import ReportContent, write_report
from workbench.report.document import report_document
from workbench.report.sections.contributions import SECTION

NOISE = at_least(
    "score test of the held-out risk (standard errors)",
    float("nan"),
    2.33,
    meaning="A model that ranks nobody has no reasons.",
)


def failing(content: ReportContent) -> ReportContent:
    attribution = content.attribution
    checks = (*attribution.checks, NOISE)
    return replace(content, attribution=replace(attribution, checks=checks))


def test_it_is_withheld_and_the_failed_check_stands_first(
    content: ReportContent, tmp_path: Path, read_page: Callable[[str], Any]
) -> None:
    found = report_document(failing(content))["contributions"]
    assert found["modalities"] == []
    assert found["n_failed"] == 1
    assert found["checks"][0]["name"] == NOISE.name
    assert found["checks"][0]["value"] is None
    page = write_report(failing(content), tmp_path).read_text(encoding="utf-8")
    assert "1 of 2 checks of this explanation failed: contributions are withheld." in page
    assert NOISE.meaning in page
    pointers = {pointer for pointer, _, _ in read_page(page).cells}
    assert not any(p.startswith("/contributions/modalities") for p in pointers)


def test_it_is_shown_and_marked_where_asked_for(content: ReportContent) -> None:
    asked = replace(failing(content), failed_contributions="shown")
    document = report_document(asked)
    assert (
        document["contributions"]["modalities"]
        == (report_document(content)["contributions"]["modalities"])
    )
    context = SECTION.context(document)
    assert context["soundness"].endswith("do not rely on what follows.")
    assert context["drawing"]


def test_nothing_is_said_of_checks_that_passed(content: ReportContent) -> None:
    context = SECTION.context(report_document(content))
    assert context["soundness"] == ""
    assert context["content"].rows


def test_nothing_finer_is_told_either(content: ReportContent) -> None:
    assert report_document(failing(content))["contributions"]["explained"] == {}
    context = SECTION.context(report_document(failing(content)))
    assert not any(context[name] for name in ("sizes", "features", "times", "profiles"))


def test_an_explanation_goes_from_kinds_of_data_to_genes_and_patients(
    content: ReportContent,
) -> None:
    context = SECTION.context(report_document(content))
    assert {cells[0].text for cells in context["features"].rows[:3]} == {
        "Age at diagnosis (clinical variables)",
        "gene0 (gene expression)",
        "gene0 (MRI)",
    }
    assert {cells[4].text for cells in context["features"].rows} == {"raise the risk"}
    assert {cells[1].text for cells in context["gene_sets"].rows} == {"ONE"}
    assert {cells[0].text for cells in context["genes"].rows} == {"Gene expression", "MRI"}
    assert [table.caption.split(":")[0] for table in context["within"]] == [
        "Within low",
        "Within high",
        "Within Low-grade, under sixty",
    ]
    assert context["swarm"].caption.endswith("at most 250 of them drawn at random.")
    assert "+" in context["dependence"].description
    assert len(context["times"].columns) == 3
    names = [cells[0].text for cells in context["profiles"].rows]
    assert names[0].startswith("typical of the lowest third")


def test_a_card_that_protects_patients_has_no_point_of_one(
    example_content: Callable[..., ReportContent], tmp_path: Path
) -> None:
    document = report_document(example_content(tmp_path, minimum_cell=10))
    explained = document["contributions"]["explained"]
    assert explained["points"] == []
    assert min(min(row["n_patients"]) for row in explained["dependence"]) >= 10
    assert min(row["n_patients"] for row in explained["profiles"]) >= 10
    context = SECTION.context(document)
    assert context["swarm"].caption.endswith("median, and 5 % to 95 %.")


def test_folds_of_fewer_than_the_minimum_leave_a_page_that_names_no_variable(
    example_content: Callable[..., ReportContent], tmp_path: Path
) -> None:
    content = example_content(tmp_path, minimum_cell=100)
    explained = report_document(content)["contributions"]["explained"]
    assert [explained[part] for part in ("modality_importance", "features")] == [[], []]
    page = write_report(content, tmp_path).read_text(encoding="utf-8")
    assert "What single variables" not in page


def test_the_most_important_genes_come_before_single_contributions(
    content: ReportContent, tmp_path: Path
) -> None:
    page = write_report(content, tmp_path).read_text(encoding="utf-8")
    places = [page.index(f"<h3>{t}") for t in ("Which genes matter most", "What single variables")]
    assert places == sorted(places)
    between = page[slice(*places)]
    assert "Most important genes" in between
    assert "Two lists name genes, and they differ." in between
