"""One of each widget, of made-up data that needs no training: what the notebook of tests imports.

The dataset's card is as strict as one of a hospital: small counts are withheld, and nothing of a
single patient may be kept.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import workbench as wb
from fusion.models import ladder
from fusion.models.protocol import RiskModel
from tests.workbench.data.test_guided_draft import spreadsheet
from tests.workbench.widgets.judged_study import (
    HORIZONS,
    attribution,
    identifiers,
    judged_study,
    restricted,
)
from workbench.cohort.cohort import Cohort
from workbench.data.imaging import Mask, OneScene, Scene, volume
from workbench.data.imaging.slide import slide_of
from workbench.evaluation import Evaluation
from workbench.report.content import ReportContent
from workbench.report.document import report_document
from workbench.study import Progress
from workbench.widgets import (
    AttritionFlow,
    CohortBuilder,
    CrossFilter,
    ExplanationView,
    ImageViewer,
    ModelEvaluation,
    PatientView,
    ReportBuilder,
    Selection,
    SlideViewer,
    StudySetup,
    SurvivalExplorer,
    TableOne,
    TrainingMonitor,
    Work,
)
from workbench.widgets.widget import NotebookWidget
from workbench.widgets.work import told_steps

N_STEPS = 6000


class EveryWidget:
    """Widgets as a notebook holds them, each under the name that a cell shows it by.

    ``make`` makes any of them anew.

    Parameters
    ----------
    folder
        For a spreadsheet, a report's numbers and the reports that are written.
    step
        Seconds that each step of the training takes.
    """

    def __init__(self, folder: Path, step: float = 0.1) -> None:
        study = judged_study()
        self.cohort = cohort = restricted(study.cohort)
        self.selection = selection = Selection.of(cohort)
        self.work = Work(training(step))
        everyone = restricted(cohort.card.cohort("os"))
        flow = everyone.select(wb.col("age") >= 50, wb.has("rna"))
        dataset = wb.materialise(cohort, ["clinical", "rna"])
        fitted = clinical_model().fit(dataset)
        scan, slide = OneScene(a_scan(), may_be_saved=False), slide_of(a_slide(), 0.5)
        (folder / "own").mkdir(parents=True, exist_ok=True)
        own = spreadsheet(folder / "own")
        run = a_report(folder / "run", cohort, study.evaluation)
        self.make: dict[str, Callable[[], NotebookWidget]] = {
            "setup": lambda: StudySetup(own),
            "builder": lambda: CohortBuilder(cohort.card),
            "cross_filter": lambda: CrossFilter(selection),
            "flow": lambda: AttritionFlow(flow),
            "table_one": lambda: TableOne(selection),
            "survival": lambda: SurvivalExplorer(selection, {"group": "grade"}),
            "evaluation": lambda: ModelEvaluation(
                study.evaluation, cohort, study.predictions, selection=selection
            ),
            "monitor": lambda: TrainingMonitor(self.work),
            "patient": lambda: PatientView(
                study.predictions["selected"],
                cohort,
                dataset=dataset,
                fitted=fitted,
                selection=selection,
            ),
            "image": lambda: ImageViewer(scan),
            "slide": lambda: SlideViewer(slide),
            "explanation": lambda: ExplanationView(attribution(), study.evaluation, cohort),
            "report": lambda: ReportBuilder(run),
        }
        self.shown = {name: make() for name, make in self.make.items()}

    def __getattr__(self, name: str) -> NotebookWidget:
        try:
            return self.__dict__["shown"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def identifiers(self) -> list[str]:
        """What must not be seen."""
        return identifiers(self.cohort)


def clinical_model() -> RiskModel:
    """What is fitted for the question what if."""
    rungs = ladder(
        ["null", "clinical", "selected"],
        clinical="clinical",
        added=["rna"],
        stratified_null=False,
    )
    return rungs["clinical"]


def training(step: float) -> Callable[[Callable[[Progress], None]], str]:
    """Steepest descent on a least-squares problem, slowed down so that it can be watched."""

    def descend(tell: Callable[[Progress], None]) -> str:
        rng = np.random.default_rng(0)
        features, truth = rng.normal(size=(80, 5)), rng.normal(size=5)
        target = features @ truth + rng.normal(size=80)
        weights, on_step = np.zeros(5), told_steps(tell)("training on everyone")
        for done in range(1, N_STEPS + 1):
            gap = features @ weights - target
            weights -= 0.01 * features[:60].T @ gap[:60] / 60
            look = {"held_out": float(np.square(gap[60:]).mean())} if done % 10 == 0 else {}
            on_step(done, N_STEPS, {"loss": float(np.square(gap[:60]).mean()), **look})
            time.sleep(step)
        return "trained"

    return descend


def a_scan() -> Scene:
    """A head of 64 voxels, with an outlined lesion."""
    place = np.stack(np.meshgrid(*[np.arange(64) - 31.5] * 3, indexing="ij"))
    far, noise = np.linalg.norm(place, axis=0), np.random.default_rng(0).normal(0, 6, (64,) * 3)
    lesion = np.linalg.norm(place - np.array([9, 5, 4])[:, None, None, None], axis=0) < 7
    values = np.where(far < 25, 40, np.where(far < 28, 700, -1000)) + 30 * lesion + noise
    affine = np.diag([2.5, 2.5, 2.5, 1.0])
    outline = Mask(volume(lesion.astype(np.uint8), affine), ("tumour",))
    return Scene(volume(values.astype(np.int16), affine, unit="HU"), outline)


def a_slide() -> np.ndarray:
    """Stained tissue of 1500 × 2400 pixels, (row, column, 3) uint8."""
    down, across = np.mgrid[:1500, :2400]
    inside = np.hypot((down - 750) / 600, (across - 1200) / 1000) < 1
    cells = np.sin(down / 9) * np.sin(across / 11) > 0.75
    pixels = np.full((1500, 2400, 3), 244, np.uint8)
    pixels[inside] = 226, 160, 196
    pixels[inside & cells] = 96, 62, 140
    return pixels


def a_report(folder: Path, cohort: Cohort, evaluation: Evaluation) -> Path:
    """The numbers of a finished study's report, in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    content = ReportContent(
        study={
            "schema": 1,
            "card": cohort.card.name,
            "outcome": "os",
            "select": [],
            "modalities": ["clinical", "rna"],
            "split": {"kind": "kfold", "k": 3, "seed": 0},
            "models": ["null", "clinical", "stack", "selected"],
            "horizons": list(HORIZONS),
            "groups": ["grade"],
            "seed": 0,
        },
        card=cohort.card,
        cohort=cohort,
        evaluation=evaluation,
        other_splits={},
        chosen=(),
        attribution=attribution(),
        provenance={
            "definition_hash": cohort.definition.hash,
            "data_hash": cohort.card.data_hash(),
            "code_version": wb.__version__,
            "seed": 0,
        },
        warnings=(),
    )
    numbers = json.dumps(report_document(content), ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(numbers, encoding="utf-8")
    return folder
