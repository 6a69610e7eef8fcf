"""The folder of one run: claimed by its study, filled atomically, resumed where it stopped."""

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import StudyError

if TYPE_CHECKING:
    from fusion.models.protocol import FittedRisk
    from fusion.predictions import Predictions

RECORD = "run.json"
PACKAGES = ("numpy", "pandas", "torch", "monai", "scipy")
PART = ".part-"
_FILES = {"data_hash": "the data", "code_version": "the version of the workbench"}
_DERIVED = {"study_hash", "definition_hash", *_FILES}


@dataclass(frozen=True)
class RunFolder:
    """Where a run writes. Use :meth:`claim`.

    Parameters
    ----------
    path
        The folder.
    """

    path: Path

    @classmethod
    def claim(cls, path: str | os.PathLike[str], identity: Mapping[str, Any]) -> "RunFolder":
        """Take an empty folder, or one that the same study left unfinished.

        Parameters
        ----------
        path
            The folder; made if it is not there.
        identity
            What must be equal for results to be shared: the study's entries, and the hashes of
            study, definition, data and code.

        Raises
        ------
        StudyError
            If the folder holds anything else.
        """
        folder = cls(Path(path))
        if folder.path.exists() and not folder.path.is_dir():
            raise StudyError(f"{path} is a file: name a folder for the results")
        record = folder.path / RECORD
        if record.exists():
            _check_same(path, _read(record)["identity"], identity)
            folder._remove_parts()
        elif folder.path.exists() and any(folder.path.iterdir()):
            raise StudyError(f"{path} is not empty and holds no run: choose an empty folder")
        folder.path.mkdir(parents=True, exist_ok=True)
        started = {"identity": dict(identity), "state": "running", "started": _now()}
        folder.write_json(RECORD, {**started, **_environment()})
        return folder

    def holds_finished(self, identity: Mapping[str, Any]) -> bool:
        """Whether a run of that identity was finished here.

        Raises
        ------
        StudyError
            If the folder's record is none.
        """
        record = self.path / RECORD
        if not record.exists():
            return False
        found = _read(record)
        return found["identity"] == dict(identity) and found.get("state") == "complete"

    def finish(self) -> None:
        """Mark the run as complete, and drop the parts that it would have resumed from."""
        record = _read(self.path / RECORD)
        self.write_json(RECORD, {**record, "state": "complete", "finished": _now()})
        shutil.rmtree(self.path / "parts", ignore_errors=True)

    def note(self, **entries: Any) -> None:
        """Add to the record what is known only after the run, such as which files were made."""
        self.write_json(RECORD, {**_read(self.path / RECORD), **entries})

    def record(self) -> dict[str, Any]:
        """What ``run.json`` says.

        Raises
        ------
        StudyError
            It is no run record, or there is none.
        """
        if not (self.path / RECORD).is_file():
            raise StudyError(f"{self.path} holds no {RECORD}: name the folder of a finished run")
        return _read(self.path / RECORD)

    def _remove_parts(self) -> None:
        """What a killed process had not finished writing."""
        for pattern in (f"{PART}*", ".report.*"):
            for part in self.path.glob(pattern):
                shutil.rmtree(part) if part.is_dir() else part.unlink()

    def write_json(self, name: str, content: Mapping[str, Any]) -> Path:
        """Write one JSON file, whole or not at all."""
        text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        return self.write(name, lambda path: path.write_text(text + "\n", encoding="utf-8"))

    def write(self, name: str, fill: Callable[[Path], Any]) -> Path:
        """Have ``fill`` write a temporary file, then put it in place."""
        handle, part = tempfile.mkstemp(dir=self.path, prefix=PART)
        os.close(handle)
        try:
            fill(Path(part))
            os.chmod(part, 0o644)
            os.replace(part, self.path / name)
        finally:
            Path(part).unlink(missing_ok=True)
        return self.path / name

    def finished_folds(self, split: str) -> dict[int, dict[str, "Predictions"]]:
        """Predictions of the folds that an earlier, interrupted run finished."""
        return {fold: kept["predictions"] for fold, kept in self._folds(split).items()}

    def judged_models(self, split: str) -> dict[int, "FittedRisk"]:
        """The judged model of each finished fold, for what explains its predictions."""
        kept = self._folds(split).items()
        return {fold: parts["judged"] for fold, parts in kept if parts["judged"] is not None}

    def _folds(self, split: str) -> dict[int, dict[str, Any]]:
        from fusion.saving import load_record

        folder = self.path / "parts" / split
        parts = sorted(folder.iterdir()) if folder.is_dir() else []
        finished = {}
        for part in parts:
            try:
                finished[int(part.name)] = load_record(part)
            except ValueError:  # Unfinished, or damaged since: this fold is trained again.
                shutil.rmtree(part, ignore_errors=True)
        return finished

    def keep_fold(
        self,
        split: str,
        fold: int,
        predictions: dict[str, "Predictions"],
        judged: "FittedRisk | None" = None,
    ) -> None:
        """Keep one fold's predictions and judged model: a killed run need not repeat them."""
        from fusion.saving import save_record

        record = {"predictions": predictions, "judged": judged}
        save_record(record, self.path / "parts" / split / str(fold))

    def replace_folder(self, name: str, fill: Callable[[Path], Any]) -> Path:
        """Have ``fill`` make a folder beside, then put it in place of an older one."""
        target = self.path / name
        part = Path(tempfile.mkdtemp(dir=self.path, prefix=PART))
        try:
            fill(part / name)
            shutil.rmtree(target, ignore_errors=True)
            os.rename(part / name, target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return target


def _check_same(path: object, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    different = sorted(k for k in {*before, *now} if before.get(k) != now.get(k))
    if not different:
        return
    named = [_change(k, before.get(k), now.get(k)) for k in different if k not in _DERIVED]
    named += [words for k, words in _FILES.items() if k in different]
    raise StudyError(
        f"{path} holds the run of another study, which differs in "
        f"{'; '.join(named) or 'its patients'}: choose another folder (--out, or out= in Python)"
    )


def _change(name: str, before: Any, now: Any) -> str:
    short = all(isinstance(value, str | int | float) for value in (before, now))
    return f"{name} (there {before}, now {now})" if short else name


def _read(record: Path) -> dict[str, Any]:
    try:
        content = json.loads(record.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        content = None
    if not isinstance(content, dict) or not isinstance(content.get("identity"), dict):
        raise StudyError(f"{record} is not a run record: choose another folder")
    return content


def _environment() -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: version(name) for name in PACKAGES},
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
