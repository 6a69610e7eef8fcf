"""The whole path on one screen: a question in, a report out."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench import study_steps as steps
from workbench.cohort.cohort import Cohort
from workbench.cohort.composition import composition_warnings
from workbench.data.croissant import croissant
from workbench.data.open_card import open_card
from workbench.data.store import population
from workbench.evaluation import Evaluation
from workbench.finished_run import keep_finished, open_finished
from workbench.report import Format, ReportContent, write_report
from workbench.run_folder import RunFolder
from workbench.run_formats import write_run_formats
from workbench.study_checks import check, release
from workbench.study_explanation import explain
from workbench.study_practice import environment, in_practice, saved_model
from workbench.study_results import save_model, save_predictions, write_cards
from workbench.study_settings import Study
from workbench.study_steps import OnProgress, Progress

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution
    from fusion.predictions import Predictions

__all__ = ["Progress", "Study", "StudyResult", "run"]


@dataclass(frozen=True)
class StudyResult:
    """What a study found, and where it lies.

    Parameters
    ----------
    cohort
        Everyone who trains or is evaluated; ``cohort.evaluated`` leaves out who only trains.
    predictions
        Out-of-fold predictions of every model, by name.
    evaluation
        Every metric with its interval.
    report
        Path of ``report.html``; beside it ``report.json``, ``predictions.parquet``, ``model`` and
        ``run.json``; and the cards of data and model for other tools, ``croissant.json`` and
        ``model_card.json``.
    attributions
        What moved the judged model's predictions, by what is explained: the risk score, down to
        single features, and survival over time.
    """

    cohort: Cohort
    predictions: Mapping[str, "Predictions"]
    evaluation: Evaluation
    report: Path
    attributions: Mapping[str, "Attribution"]


def run(
    study: Study,
    out: str | os.PathLike[str],
    *,
    data_dir: str | os.PathLike[str] | None = None,
    formats: Sequence[Format] = (),
    on_progress: OnProgress = lambda progress: None,
) -> StudyResult:
    """Run a study: choose, load, learn, predict, judge, explain, write.

    Parameters
    ----------
    study
        The question.
    out
        Folder for the results. The same study resumes there, and once finished is opened again
        without training; anything else is refused.
    data_dir
        Folder that holds the dataset's folder.
    formats
        Of the report, besides the page and its numbers: ``"pdf"``, ``"docx"``, ``"zip"``. What
        could not be made, since a library is missing, is recorded in ``run.json``.
    on_progress
        Called as the work goes on.

    Raises
    ------
    WorkbenchError
        If the study, the data or the folder are not as they should be.
    """
    card = open_card(study.card, data_dir)
    cohort = steps.choose(study, card)
    other_cohorts = dict(study.other_cohorts(cohort))
    for each in (cohort, *other_cohorts.values()):
        check(study, each)
    release(cohort, other_cohorts)
    identity = steps.identity(study, cohort)
    asked = identity | study.resolved(card)
    before = open_finished(RunFolder(Path(out)), asked)
    if before is not None:
        on_progress(Progress("opening the finished run", 1, 1))
        write_run_formats(RunFolder(Path(out)), formats, population(card))
        found = before.predictions, before.evaluation, before.report, before.attributions
        return StudyResult(cohort, *found)
    dataset = steps.load(study, cohort)
    folder = RunFolder.claim(out, asked)

    ladder = steps.models(study, dataset)
    predictions = steps.cross_fit(study, cohort, dataset, ladder, folder, on_progress)

    others = {}
    for title, other in other_cohorts.items():
        dataset_there = steps.load(study, other)
        rungs = steps.models(study, dataset_there, single=False)
        there = steps.cross_fit(study, other, dataset_there, rungs, folder, on_progress)
        others[title] = steps.other_split(study, other, there)

    on_progress(Progress("judging", 0, 1))
    evaluation = steps.judge(study, cohort, predictions)
    explained = explain(study, cohort, dataset, folder)
    save_predictions(study, cohort, predictions, folder)
    kept = save_model(study, cohort, dataset, folder)
    content = ReportContent(
        study=study.resolved(card),
        card=card,
        cohort=cohort,
        evaluation=evaluation,
        other_splits=others,
        chosen=steps.choices(predictions[steps.JUDGED]),
        attribution=explained.risk_score,
        explanation=explained.summary,
        provenance=identity | {"environment": environment()},
        warnings=composition_warnings(cohort.evaluated, study.modalities),
        practice=in_practice(study, cohort, dataset, predictions),
        saved_model=saved_model(kept),
        croissant=croissant(card),
    )
    report = write_report(content, folder.path)
    write_cards(report, folder)
    keep_finished(folder, asked, predictions, evaluation, explained.attributions)
    folder.finish()
    write_run_formats(folder, formats, population(card))
    on_progress(Progress("judging", 1, 1))
    return StudyResult(cohort, predictions, evaluation, report, explained.attributions)
