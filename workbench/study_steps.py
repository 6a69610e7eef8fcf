"""The steps of a study between the records: what :func:`workbench.study.run` calls."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import workbench
from workbench.cohort.cohort import Cohort
from workbench.cohort.criteria import parse
from workbench.data.open_card import DataCard
from workbench.data.paths import cache_folder
from workbench.errors import StudyError
from workbench.evaluation import Evaluation, evaluate
from workbench.evaluation.repeats import harrell_c_by_repeat, spread_sentence
from workbench.evaluation.words import terms_of
from workbench.materialisation import MARKERS, materialise
from workbench.report import OtherSplit
from workbench.run_folder import RunFolder
from workbench.study_settings import LearnedFrom, Study

if TYPE_CHECKING:
    from fusion.dataset import PatientDataset
    from fusion.embeddings import ImageEmbedder
    from fusion.models import FittedRisk, RiskModel
    from fusion.predictions import Predictions

CURVE_POINTS = 48
JUDGED = "selected"
CALIBRATED = (
    "clinical",
    "clinical_markers",
    "concatenation",
    "stack",
    "fusion_net",
    JUDGED,
)
"""Models whose calibration is judged: single modalities only describe."""


@dataclass(frozen=True)
class Progress:
    """One step of long work: ``done`` of ``total`` units of ``step``.

    ``metrics`` are numbers of the unit that was just done, such as ``loss`` and ``held_out``.
    """

    step: str
    done: int
    total: int
    metrics: Mapping[str, float] = field(default_factory=dict)


OnProgress = Callable[[Progress], None]


def choose(study: Study, card: DataCard) -> Cohort:
    """Who trains and is evaluated: whom the study selects and a model can read of, in folds.

    Raises
    ------
    WorkbenchError
        If a criterion, a modality or the folds do not fit the card.
    """
    selected = card.cohort(study.outcome).select(*map(parse, study.select))
    return study.split.apply(_with_input(selected, study.modalities))


def _with_input(cohort: Cohort, modalities: Sequence[str]) -> Cohort:
    """Without patients of whom no modality of the study is known, if there are any."""
    for name in modalities:
        cohort.features(name)
    has = np.logical_or.reduce([cohort.available[name] for name in modalities])
    if has.all() or not has.any():  # What nobody has, :func:`check` refuses by its name.
        return cohort
    sentence = f"at least one input of the models is known ({', '.join(modalities)})"
    return cohort.losing("model input", sentence, has)


def identity(study: Study, cohort: Cohort) -> dict[str, Any]:
    """What makes two runs the same run; no clock time, path or host."""
    return {
        "study_hash": _hash(study.resolved(cohort.card)),
        "definition_hash": cohort.definition.hash,
        "data_hash": cohort.card.data_hash(),
        "code_version": code_version(),
        "seed": study.seed,
    }


@cache
def code_version() -> str:
    """Version of the package, and a hash of the sources that ran."""
    import fusion

    digest = hashlib.sha256()
    for package in (Path(fusion.__file__).parent, Path(workbench.__file__).parent):
        for source in sorted(package.rglob("*.py")):
            digest.update(source.relative_to(package).as_posix().encode())
            digest.update(source.read_bytes())
    return f"{workbench.__version__}+source.{digest.hexdigest()[:12]}"


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def load(study: Study, cohort: Cohort) -> "PatientDataset":
    """Aligned arrays of the study's modalities, and of the card's known markers."""
    strata = next((g for g in study.groups if g in cohort.card.spec.columns), None)
    return materialise(cohort, study.modalities, strata=strata, markers=True)


def models(
    study: Study, dataset: "PatientDataset", *, single: bool = True
) -> Mapping[str, "RiskModel"]:
    """The rungs of the model comparison; ``single`` asks for those of one modality too."""
    from fusion.models import ladder
    from fusion.network import NetworkConfig

    shape = study.network
    return ladder(
        [rung for rung in study.models if single or rung != "each"],
        clinical=dataset.clinical,
        added=[m for m in study.modalities if m != dataset.clinical],
        markers=MARKERS if MARKERS in dataset.modalities else None,
        stratified_null=dataset.strata is not None,
        leave_one_out=single,
        network=NetworkConfig(fuser=shape.fuser, genomics=shape.genomics, ehr=shape.ehr),
    )


def cross_fit(
    study: Study,
    cohort: Cohort,
    dataset: "PatientDataset",
    ladder: Mapping[str, "RiskModel"],
    folder: RunFolder,
    on_progress: OnProgress,
) -> dict[str, "Predictions"]:
    """Out-of-fold predictions on the cohort's folds; finished folds are kept and reused.

    Repeats are averaged; each model's provenance then holds its C in each of them.

    Raises
    ------
    StudyError
        If a model cannot be fitted in a fold.
    """
    from fusion.cross_fit import average_repeats, cross_fit

    folds = cohort.folds
    titles = [split_title(cohort, repeat) for repeat in range(len(folds))]
    done = [folder.finished_folds(title) for title in titles]
    n_folds = sum(len(np.unique(fold[fold >= 0])) for fold in folds)
    finished = [
        (title, held_out) for title, parts in zip(titles, done, strict=True) for held_out in parts
    ]
    step = f"training on {_split_words(cohort)}"
    on_progress(Progress(step, len(finished), n_folds))

    def one_repeat(repeat: int) -> dict[str, "Predictions"]:
        judged: dict[int, FittedRisk | None] = {}

        def keep(held_out: int, predictions: dict[str, "Predictions"]) -> None:
            folder.keep_fold(titles[repeat], held_out, predictions, judged.pop(held_out))
            finished.append((titles[repeat], held_out))
            on_progress(Progress(step, len(finished), n_folds))

        return cross_fit(
            ladder,
            dataset,
            folds[repeat],
            predicted_at(study),
            seed=study.seed,
            embedder=embedder(study.image_encoder),
            on_fitted=lambda held_out, fitted: judged.update({held_out: fitted.get(JUDGED)}),
            on_fold=keep,
            done=done[repeat],
        )

    try:
        repeats = [one_repeat(repeat) for repeat in range(len(folds))]
    except ValueError as error:
        raise StudyError(f"{step}: {error}") from error
    if len(repeats) == 1:
        return repeats[0]
    return _with_spread(average_repeats(repeats), harrell_c_by_repeat(cohort.patients, repeats))


def _with_spread(
    predictions: Mapping[str, "Predictions"], by_repeat: Mapping[str, Sequence[float]]
) -> dict[str, "Predictions"]:
    """Averaged predictions whose provenance holds their model's C in each repeat."""
    return {
        name: replace(
            each, provenance={**each.provenance, "harrell_c_by_repeat": list(by_repeat[name])}
        )
        if name in by_repeat
        else each
        for name, each in predictions.items()
    }


def predicted_at(study: Study) -> np.ndarray:
    """Where models are asked: on a grid of times, or for the state of an outcome without any."""
    return curve_grid(study.horizons) if study.horizons else np.array(study.asked_at)


def curve_grid(horizons: Sequence[float]) -> np.ndarray:
    """Times at which survival is predicted: even steps to the last horizon, and each horizon."""
    even = np.linspace(0, horizons[-1], CURVE_POINTS + 1)[1:]
    return np.unique(np.concatenate([even, np.asarray(horizons, dtype=float)]))


def judge(
    study: Study,
    cohort: Cohort,
    predictions: Mapping[str, "Predictions"],
) -> Evaluation:
    """Every metric, overall and within the study's groups and those who have a modality."""
    cohort = cohort.evaluated
    groups = cohort.group_masks(study.groups)
    value_of = {}
    for name in study.modalities:
        has = cohort.patients[f"has_{name}"].to_numpy(bool)
        title = "all"
        if not has.all():
            title = f"patients with {name}"
            groups[title] = has
        if f"without_{name}" in predictions:
            value_of[name] = ("stack", f"without_{name}", title)
    evaluation = evaluate(
        cohort,
        predictions,
        horizons=study.asked_at,
        groups=groups,
        markers="clinical_markers" if "clinical_markers" in predictions else None,
        judged=JUDGED,
        modality_value=value_of,
        calibrated=CALIBRATED,
        seed=study.seed,
    )
    by_repeat = predictions[JUDGED].provenance.get("harrell_c_by_repeat")
    if by_repeat is None:
        return evaluation
    spread = spread_sentence(JUDGED, by_repeat, terms_of(cohort.time_unit))
    return replace(evaluation, notes=(*evaluation.notes, spread))


def other_split(
    study: Study, cohort: Cohort, predictions: Mapping[str, "Predictions"]
) -> OtherSplit:
    """The same on other folds, with what kind of folds they are."""
    return OtherSplit((cohort.definition.split or {})["kind"], judge(study, cohort, predictions))


def choices(predictions: "Predictions") -> tuple[dict[str, Any], ...]:
    """What the judged model turned out to be in each fold, one flat row a fold."""
    rows = []
    for fold in predictions.provenance["folds"]:
        chosen = dict(fold["chosen"])
        row = {
            **({"repeat": fold["repeat"]} if "repeat" in fold else {}),
            "fold": fold["fold"],
            "model": chosen.pop("model", predictions.model),
            "n_train": fold["n_training"],
            "events_train": fold["n_training_events"],
            "held_out_log_likelihood": _rounded(chosen.get("held_out_log_likelihood", {}), 1),
        }
        for name, dice in fold["image_dice"].items():
            row[f"outline_dice_{name}"] = round(dice, 3)
        rows.append(row)
    return tuple(rows)


def _rounded(values: Mapping[str, float], digits: int) -> dict[str, float]:
    return {name: round(value, digits) for name, value in values.items()}


def embedder(image_encoder: LearnedFrom) -> "ImageEmbedder":
    """Image encoders of a training set, as a study names them, kept in the cache by content."""
    import torch

    from fusion.embeddings import ImageEmbedder
    from fusion.encoders.image import ImageEncoderConfig
    from fusion.encoders.patches import PatchConfig

    device = "cuda" if torch.cuda.is_available() else "cpu"
    config = PatchConfig() if image_encoder == "patches" else ImageEncoderConfig()
    return ImageEmbedder(config, cache_folder() / "image_encoders", device)


def split_title(cohort: Cohort, repeat: int) -> str:
    """What a split of the cohort is called in the run folder."""
    title = _hash(dict(cohort.definition.split or {}))[:12]
    return title if repeat == 0 else f"{title}-{repeat + 1}"


def _split_words(cohort: Cohort) -> str:
    split = cohort.definition.split
    if split is None:
        raise StudyError("split the cohort before training on it")
    return {
        "given": "the published folds",
        "kfold": "random folds",
        "site": "folds of whole sites",
        "time": "the earlier patients",
    }[split["kind"]]
