"""A finished run, opened again in seconds: its predictions and numbers, kept beside the cache.

They hold patients' own identifiers, which a folder of results must not: so they lie in the cache
folder, where their owner alone can read them, and belong to one run folder. Where they are gone,
the study is trained again.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.data.paths import cache_folder
from workbench.data.prepared import key_of, prepared_folder
from workbench.evaluation import Evaluation
from workbench.run_folder import RunFolder

if TYPE_CHECKING:
    from fusion.explanation.attribution import Attribution
    from fusion.predictions import Predictions

KIND = "runs"
RESULTS = ("report.html", "report.json", "predictions.parquet", "model")
"""What a finished run has left; where one is missing, it is made again with the others."""


@dataclass(frozen=True)
class FinishedRun:
    """What a run found, as it was found then.

    Parameters
    ----------
    predictions
        Out-of-fold predictions of every model, by name.
    evaluation
        Every metric with its interval.
    attributions
        What moved the judged model's predictions, by what is explained.
    report
        Path of ``report.html``.
    """

    predictions: Mapping[str, "Predictions"]
    evaluation: Evaluation
    attributions: Mapping[str, "Attribution"]
    report: Path


def keep_finished(
    folder: RunFolder,
    identity: Mapping[str, Any],
    predictions: Mapping[str, "Predictions"],
    evaluation: Evaluation,
    attributions: Mapping[str, "Attribution"],
) -> None:
    """Keep what :func:`open_finished` gives back; called once the results are written."""
    from fusion.saving import save_record

    def write(kept: Path) -> None:
        save_record(dict(predictions), kept / "predictions")
        save_record(dict(attributions), kept / "attributions")
        text = json.dumps(evaluation.to_json(), allow_nan=False)
        (kept / "evaluation.json").write_text(text, encoding="utf-8")

    shutil.rmtree(_kept(folder, identity), ignore_errors=True)
    prepared_folder(KIND, _key(folder, identity), write)


def open_finished(folder: RunFolder, identity: Mapping[str, Any]) -> FinishedRun | None:
    """What the same study found in this folder, or None if it has to be trained.

    Parameters
    ----------
    folder
        The run folder, claimed or not.
    identity
        What must be equal, as :meth:`RunFolder.claim` takes it.

    Raises
    ------
    StudyError
        If the folder's record is none.
    """
    from fusion.saving import load_record

    kept = _kept(folder, identity)
    whole = all((folder.path / name).exists() for name in RESULTS)
    if not (kept.is_dir() and whole and folder.holds_finished(identity)):
        return None
    try:
        predictions = load_record(kept / "predictions")
        attributions = load_record(kept / "attributions")
        text = (kept / "evaluation.json").read_text(encoding="utf-8")
        evaluation = Evaluation.from_json(json.loads(text))
    except (ValueError, KeyError, TypeError, OSError):  # Damaged since: trained again.
        return None
    return FinishedRun(predictions, evaluation, attributions, folder.path / RESULTS[0])


def _key(folder: RunFolder, identity: Mapping[str, Any]) -> str:
    return key_of(str(folder.path.resolve()), json.dumps(identity, sort_keys=True))


def _kept(folder: RunFolder, identity: Mapping[str, Any]) -> Path:
    return cache_folder() / KIND / _key(folder, identity)
