"""Missing modalities by the published schedules of DisPro: the same patients lack the same things.

A schedule withholds slides and omics from training patients; those held out keep everything. The
same stack is trained twice: on everyone, as scheduled, and on the patients whom the schedule leaves
complete. All models are judged on the published held-out patients.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd

from workbench import study_steps as steps
from workbench.benchmarks.comparison_rows import calibration_note, dataset_rows, mean_rows
from workbench.benchmarks.dispro_patients import SLIDE_RISK, Scheduled, scheduled
from workbench.benchmarks.dispro_schedules import Rate, Schedules, find_schedules
from workbench.benchmarks.mcat import RISKS, SLIDES, published_risks
from workbench.benchmarks.missing import COMPLETE_ONLY
from workbench.benchmarks.record import BenchmarkResult, BenchmarkRow, claim
from workbench.benchmarks.tcga_members import COLLECTION, HORIZON, data_hash, read_members
from workbench.data.fingerprint import sha256_of
from workbench.data.open_card import card_members
from workbench.data.paths import data_folder
from workbench.errors import CohortError, DataCardError, StudyError, SurvivalError
from workbench.evaluation import evaluate
from workbench.run_folder import RunFolder
from workbench.study_steps import OnProgress

if TYPE_CHECKING:
    from fusion.predictions import Predictions

NAME = "missing_dispro"
MODELS = ("clinical", "stack", COMPLETE_ONLY, "selected")
LOWEST_SLOPE, HIGHEST_SLOPE = 0.75, 1.3


@dataclass(frozen=True)
class _Found:
    """Of one study at one rate: the rows, and what may be claimed, in words."""

    rows: tuple[BenchmarkRow, ...]
    claims: tuple[str, ...]


def missing_dispro(
    data_dir: str | os.PathLike[str] | None,
    out: str | os.PathLike[str],
    on_progress: OnProgress,
) -> BenchmarkResult:
    """Judge the stack on every cancer with published schedules, at each of their rates.

    Parameters
    ----------
    out
        Folder of the benchmark; finished folds are kept there until the benchmark is done.

    Raises
    ------
    DataCardError
        If no schedule or no table of its cancer lies in the data folder, or one is damaged.
    StudyError
        If no cancer can be judged.
    """
    schedules = {each.study.lower(): each for each in find_schedules(data_dir)}
    studies, left_out = _read(schedules, data_dir, on_progress)
    folder = claim(NAME, _data_hash(studies, data_dir), out)
    found: dict[str, dict[Rate, _Found]] = {}
    for name, study in studies.items():
        try:
            found[name] = {
                rate: _judged(study, rate, folder, on_progress) for rate in study.schedules.rates
            }
        except (CohortError, StudyError, SurvivalError) as error:
            left_out += (f"{name} is left out: {error}",)
    if not found:
        raise StudyError("; ".join(left_out))
    rows = [row for of in found.values() for each in of.values() for row in each.rows]
    claims = [
        f"{titled(name, rate)}. {line}"
        for name, of in found.items()
        for rate, each in of.items()
        for line in each.claims
    ]
    judged = {name: studies[name] for name in found}
    return BenchmarkResult(
        NAME,
        (*_means(judged, rows), *rows),
        {},
        (*left_out, *_notes(judged, rows), *claims),
        {
            "studies": list(judged),
            "horizon_months": HORIZON,
            "rates": {name: [list(rate) for rate in of] for name, of in found.items()},
        },
    )


def titled(dataset: str, rate: Rate) -> str:
    """A dataset with what the schedule nominally withholds."""
    return f"{dataset}, {rate.slides}% without slides, {rate.omics}% without omics"


def _read(
    schedules: Mapping[str, Schedules],
    data_dir: str | os.PathLike[str] | None,
    on_progress: OnProgress,
) -> tuple[dict[str, Scheduled], tuple[str, ...]]:
    """Every cancer with schedules and a table, and in words those that cannot be judged."""
    here = card_members(COLLECTION, data_dir)
    lacking = tuple(
        f"{name} is left out: the folder {COLLECTION} holds no {name}.parquet"
        for name in schedules
        if name not in here
    )
    if len(lacking) == len(schedules):
        raise DataCardError("; ".join(lacking))
    members, left_out = read_members("clinical_staged", data_dir, on_progress, schedules)
    risks = None
    if (data_folder(COLLECTION, data_dir) / RISKS).exists():
        risks = published_risks(data_dir)
    studies = {name: scheduled(of, schedules[name], risks) for name, of in members.items()}
    return studies, (*lacking, *left_out)


def _data_hash(studies: Mapping[str, Scheduled], data_dir: str | os.PathLike[str] | None) -> str:
    """One hash for the tables, the schedules and the published risks that are read."""
    files = [path for study in studies.values() for path in study.schedules.files]
    if any(study.risks is not None for study in studies.values()):
        files.append(data_folder(COLLECTION, data_dir) / RISKS)
    hashes = dict(zip([path.name for path in files], sha256_of(files), strict=True))
    hashes["members"] = data_hash({name: study.member for name, study in studies.items()})
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def _judged(study: Scheduled, rate: Rate, folder: RunFolder, on_progress: OnProgress) -> _Found:
    predictions = _cross_fitted(study, rate, folder, on_progress)
    member = study.member
    held_out = predictions["null"].patient_id
    cohort = replace(member.cohort, patients=member.cohort.patients.loc[held_out])
    evaluation = evaluate(
        cohort,
        predictions,
        horizons=(HORIZON,),
        groups=cohort.group_masks(member.study.groups),
        calibrated=MODELS,
        seed=member.study.seed,
    )
    title = titled(member.name, rate)
    rows = list(dataset_rows(title, evaluation, MODELS))
    claims = [each["sentence"] for each in evaluation.claims if each["group"] == "all"]
    if all(study.complete(rate, fold).all() for fold in study.schedules.rates[rate]):
        return _Found(tuple(rows), tuple(claims))
    against = evaluate(
        cohort,
        {name: predictions[name] for name in ("null", COMPLETE_ONLY, "stack")},
        horizons=(HORIZON,),
        clinical=COMPLETE_ONLY,
        judged="stack",
        calibrated=(),
        seed=member.study.seed,
    )
    for row in against.ladder:
        value = row["delta_harrell_c"]
        if row["model"] == "stack" and value is not None and value["lower"] is not None:
            rows.append(
                BenchmarkRow(title, "stack", f"delta_harrell_c over {COMPLETE_ONLY}", **value)
            )
    claims += [each["sentence"] for each in against.claims]
    return _Found(tuple(rows), tuple(claims))


def _cross_fitted(
    study: Scheduled, rate: Rate, folder: RunFolder, on_progress: OnProgress
) -> "dict[str, Predictions]":
    """Predictions of everyone held out, each fold trained as scheduled; finished ones are kept."""
    from fusion.predictions import concatenate

    own = RunFolder(folder.path / "parts" / study.member.name)
    own.path.mkdir(parents=True, exist_ok=True)
    split = f"W{rate.slides}_O{rate.omics}"
    folds = list(study.schedules.rates[rate])
    parts = {fold: of for fold, of in own.finished_folds(split).items() if fold in folds}
    step = titled(study.member.name, rate)
    on_progress(steps.Progress(step, len(parts), len(folds)))
    for fold in folds:
        if fold not in parts:
            try:
                parts[fold] = _one_fold(study, rate, fold)
            except ValueError as error:
                raise StudyError(f"{step}, fold {fold}: {error}") from error
            own.keep_fold(split, fold, parts[fold])
            on_progress(steps.Progress(step, len(parts), len(folds)))
    return {
        name: concatenate([parts[fold][name] for fold in folds], provenance={})
        for name in parts[folds[0]]
    }


def _one_fold(study: Scheduled, rate: Rate, fold: int) -> "dict[str, Predictions]":
    """Fit every model on the training patients of one schedule, and predict the held-out ones."""
    from fusion.cross_fit import fit_all
    from fusion.models import Stack

    dataset = study.arrays(rate, fold)
    held_out = study.table(rate, fold)["held_out"].to_numpy()
    if not held_out.any():
        raise ValueError("nobody who is held out is in the data")
    base = steps.models(study.member.study, dataset, single=False)
    seed = study.member.study.seed
    everyone = {name: base[name] for name in ("null", "clinical", "stack", "selected")}
    only = {COMPLETE_ONLY: Stack(COMPLETE_ONLY, dataset.clinical, study.member.added)}
    fitted = fit_all(everyone, dataset.take(~held_out), seed=seed)
    complete = study.complete(rate, fold) & ~held_out
    fitted |= fit_all(only, dataset.take(complete), seed=seed)
    grid = steps.curve_grid((HORIZON,))
    tested = dataset.take(held_out)
    return {name: model.predict(tested, grid, fold) for name, model in fitted.items()}


def _means(studies: Mapping[str, Scheduled], rows: Sequence[BenchmarkRow]) -> list[BenchmarkRow]:
    """Means over cancers at each rate that all of them have; none of one cancer alone."""
    if len(studies) < 2:
        return []
    common = set.intersection(*({*study.schedules.rates} for study in studies.values()))
    return [
        row
        for rate in sorted(common)
        for row in mean_rows(titled("mean", rate), rows, [titled(name, rate) for name in studies])
    ]


def _notes(studies: Mapping[str, Scheduled], rows: Sequence[BenchmarkRow]) -> Iterator[str]:
    for name, study in studies.items():
        yield _who(name, study)
        yield f"{name}: {_withheld_words(study)}"
        if study.risks is None:
            yield (
                f"{name}: no features and no published risks of slides are in the data: of the "
                "schedules, only what concerns omics is followed."
            )
        titles = [titled(name, rate) for rate in study.schedules.rates]
        for model in ("clinical", "stack", "selected"):
            words = calibration_note(
                rows, model, titles, LOWEST_SLOPE, HIGHEST_SLOPE, called="rates"
            )
            yield f"{name}, {words}"
    if any(study.risks is not None for study in studies.values()):
        yield (
            f"Slides are no images here but one number a patient, {SLIDE_RISK}: the risk that the "
            f"published network of slides alone ({SLIDES}) gave. The schedules withhold it from "
            "our models; the networks were trained on all slides. A patient's network saw neither "
            "their slide nor their outcome, but the outcomes of others who are held out here: "
            "weights learned for it are a little too favourable to it."
        )
    yield (
        f"{COMPLETE_ONLY} is the same stack, trained on the patients whom the schedule leaves "
        "complete. All models are judged on the same held-out patients, who keep everything."
    )
    yield "No results are published with the schedules, so no published number stands beside ours."


def _who(name: str, study: Scheduled) -> str:
    tables = next(iter(study.schedules.rates.values())).values()
    n_all = len(study.schedules.event)
    n_held_out = sum(
        int(table.loc[study.member.dataset.patient_id, "held_out"].sum()) for table in tables
    )
    other = (
        f" The event of {study.n_other_event} is another in the schedules: ours is used."
        if study.n_other_event
        else ""
    )
    return (
        f"{name}: {study.n_without_data} of {n_all} patients of the schedules are not in the data, "
        f"and {study.n_unscheduled} of the data are in no schedule; they are left out. Each of "
        f"{n_held_out} patients is held out once, in {len(tables)} folds; the others only train."
        f"{other}"
    )


def _withheld_words(study: Scheduled) -> str:
    """What the schedules withhold in fact, for titles give the nominal rates."""
    shares = []
    for rate, of in study.schedules.rates.items():
        tables = [study.table(rate, fold) for fold in of]
        training = pd.concat([table[~table["held_out"]] for table in tables])
        slides, omics = (float(1 - training[column].mean()) for column in ("slides", "omics"))
        complete = float(training[list(study.followed)].all(axis=1).mean())
        shares.append(
            f"W{rate.slides}_O{rate.omics} {slides:.0%} without slides, {omics:.0%} without omics, "
            f"{complete:.0%} complete"
        )
    return (
        "titles give nominal rates; in fact, of the training patients in the data, are at "
        f"{'; at '.join(shares)}."
    )
