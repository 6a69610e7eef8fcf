"""Maps of images in the report: checks first, the lesion in one sentence, good or bad."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fusion.explanation.attribution import Attribution
from fusion.explanation.checks import Check, at_least
from fusion.explanation.lesion_agreement import Compared, LesionAgreement, lesion_agreement
from workbench.evaluation.explained_images import summary
from workbench.report import ReportContent, write_report
from workbench.report.document import report_document
from workbench.report.sections.contributions import SECTION
from workbench.report.sections.explained_images import lesion_sentence

SOUND = at_least("overlap of maps", 0.7, 0.5, meaning="Another seed, another picture.")
UNSOUND = at_least("other overlap of maps", 0.1, 0.5, meaning="Another seed, another picture.")
N = 45


def agreement() -> LesionAgreement:
    draw = np.random.default_rng(0)
    lesion = np.zeros((N, 1, 16, 16), dtype=bool)
    for one, (top, left) in zip(lesion, draw.integers(0, 12, (N, 2)), strict=True):
        one[0, top : top + 4, left : left + 4] = True
    found = lesion_agreement(lesion + 0.01 * draw.random(lesion.shape), lesion)
    assert found is not None
    return found


def row(*checks: Check, minimum: int = 0, lesion: LesionAgreement | None = None) -> dict[str, Any]:
    moved = np.linspace(-1, 1, N)
    found = Attribution(
        method="saliency",
        target="log_hazard",
        horizons=np.array([]),
        reference="flat images",
        patient_id=np.array([f"p{i}" for i in range(N)]),
        modality_names=("imaging",),
        modalities=moved[None, :, None],
        checks=checks,
    )
    return summary(found, "imaging", moved, lesion or agreement(), n_models=2, minimum=minimum)


def with_images(content: ReportContent, *rows: dict[str, Any]) -> ReportContent:
    return replace(content, explanation={**content.explanation, "images": list(rows)})


def test_maps_stand_in_the_report_with_checks_and_lesion(
    content: ReportContent, tmp_path: Path, read_page: Callable[[str], Any]
) -> None:
    given = with_images(content, row(SOUND))
    (found,) = report_document(given)["contributions"]["images"]
    assert found["n_failed"] == 0
    assert [each["name"] for each in found["typical"]] == ["lowest", "middle", "highest"]
    assert found["typical"][0]["contribution"] == pytest.approx(np.linspace(-1, 1, N)[:10].mean())
    page = write_report(given, tmp_path).read_text(encoding="utf-8")
    assert "by the models of 2 folds, which read them" in page
    assert "In 45 patients, 9" in page
    assert "the maps point at the lesion." in page
    pointers = {pointer for pointer, _, _ in read_page(page).cells}
    for part in ("checks/0/value", "lesion/measures/0/difference", "typical/2/contribution"):
        assert f"/contributions/images/0/{part}" in pointers


def test_failed_maps_say_so_first_and_of_patients_nothing(content: ReportContent) -> None:
    document = report_document(with_images(content, row(SOUND, UNSOUND)))
    (found,) = document["contributions"]["images"]
    assert [check["passed"] for check in found["checks"]] == [False, True]
    assert found["typical"] == []
    assert found["mean_absolute"] is None
    (shown,) = SECTION.context(document)["images"]
    assert shown["soundness"].startswith("1 of 2 checks of these maps failed")
    assert shown["sentence"].endswith("do not rely on maps of which a check failed.")
    asked = replace(with_images(content, row(UNSOUND)), failed_contributions="shown")
    assert report_document(asked)["contributions"]["images"][0]["typical"]


def test_too_few_patients_are_not_told_of() -> None:
    assert row(SOUND, minimum=20)["typical"] == []
    assert row(SOUND, minimum=46)["lesion"] is None


@pytest.mark.parametrize(
    ("difference", "verdict"),
    [
        ((0.1, 0.05, 0.2), "the maps point at the lesion."),
        ((0.1, -0.05, 0.2), "it is not shown that the maps point at the lesion."),
        ((-0.1, -0.2, -0.05), "the maps point away from the lesion."),
    ],
)
def test_the_sentence_is_as_good_as_the_interval(
    difference: tuple[float, float, float], verdict: str
) -> None:
    found = agreement()
    worded = {n: Compared(c.own, c.others, difference) for n, c in found.measures.items()}
    given = row(SOUND, lesion=replace(found, measures=worded)) | {"n_failed": 0}
    assert lesion_sentence(given, "MRI").endswith(verdict)
    assert lesion_sentence(given | {"lesion": None}, "MRI") == ""
