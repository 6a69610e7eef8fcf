"""A report, made again from its own ``report.json``, and whether every number agrees."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench import study_steps as steps
from workbench.data.open_card import open_card
from workbench.errors import StudyError
from workbench.report.number_differences import ABSENT, Difference, number_differences
from workbench.report.read import read_document
from workbench.study import StudyResult, run
from workbench.study_practice import environment
from workbench.study_settings import Study
from workbench.study_steps import OnProgress

RECORD = "reproduction.json"
TOLERANCE = 1e-6
"""Relative, where the environment differs: sums are then taken in another order."""
WORDS = {
    "data_hash": "the data",
    "definition_hash": "the definition of the cohort",
    "study_hash": "the study",
    "code_version": "the code",
}


@dataclass(frozen=True)
class Reproduction:
    """What came of repeating a run.

    Parameters
    ----------
    provenance
        What of data, definition, code and environment differs from the first run.
    tolerance
        Relative difference that counts as equal; 0 where the environment is the same.
    n_numbers
        Numbers of the first report.
    differences
        Places at which the reports differ by more.
    result
        Of the new run.
    """

    provenance: tuple[Difference, ...]
    tolerance: float
    n_numbers: int
    differences: tuple[Difference, ...]
    result: StudyResult

    @property
    def agrees(self) -> bool:
        """Whether every number of the first report was found again."""
        return not self.differences

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a person reads: provenance first."""
        within = f"within {self.tolerance:g} (relative)" if self.tolerance else "exactly"
        differ = len(self.differences)
        verdict = (
            f"All {self.n_numbers:,} numbers agree {within}."
            if self.agrees
            else f"{differ:,} of {self.n_numbers:,} places do not agree {within}."
        )
        return (*provenance_sentences(self.provenance), verdict)


def provenance_sentences(provenance: tuple[Difference, ...]) -> tuple[str, ...]:
    """One a difference; one that says so where there is none."""
    if not provenance:
        return ("Data, definition, code and environment are those of the first run.",)
    return tuple(f"Differs from the first run: {each}" for each in provenance)


def provenance_differences(
    document: Mapping[str, Any], study: Study, *, data_dir: str | os.PathLike[str] | None = None
) -> tuple[Difference, ...]:
    """What of data, definition, code and environment is not as it was when a report was made."""
    card = open_card(study.card, data_dir)
    now = steps.identity(study, steps.choose(study, card))
    found = [
        Difference(words, document.get(name, ABSENT), now[name])
        for name, words in WORDS.items()
        if document.get(name) != now[name]
    ]
    before, here = _flat(document.get("environment") or {}), _flat(environment())
    found += [
        Difference(name, before.get(name, ABSENT), here.get(name, ABSENT))
        for name in sorted({*before, *here})
        if before.get(name) != here.get(name)
    ]
    return tuple(found)


def reproduce(
    report: str | os.PathLike[str],
    out: str | os.PathLike[str],
    *,
    card: str | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    on_provenance: Callable[[tuple[Difference, ...]], None] = lambda provenance: None,
    on_progress: OnProgress = lambda progress: None,
) -> Reproduction:
    """Repeat the run of a report into another folder, and compare every number.

    Parameters
    ----------
    report
        ``report.json``.
    out
        Folder for the new run, which also gets ``reproduction.json``.
    card, data_dir
        As of :meth:`Study.of_report` and :func:`workbench.study.run`.
    on_provenance
        Called with what differs in data, definition, code and environment, before anything is
        trained.
    on_progress
        As of :func:`workbench.study.run`.

    Raises
    ------
    WorkbenchError
        If the file is no report, its study cannot be run, or ``out`` is the report's own folder.
    """
    file = Path(report)
    if file.name != "report.json":
        raise StudyError(f"{file.name} is no report.json: name the one in the folder of a run")
    if file.parent.resolve() == Path(out).resolve():
        raise StudyError(
            f"{out} holds the report itself: choose another folder (--out, or out= in Python)"
        )
    before = read_document(file.parent)
    study = Study.of_report(before["study"], card)
    provenance = provenance_differences(before, study, data_dir=data_dir)
    on_provenance(provenance)
    result = run(study, out, data_dir=data_dir, on_progress=on_progress)
    after = read_document(result.report.parent)
    same_place = (before.get("environment") or {}) == after["environment"]
    tolerance = 0.0 if same_place else TOLERANCE
    differences, n_numbers = number_differences(before, after, tolerance=tolerance)
    found = Reproduction(provenance, tolerance, n_numbers, differences, result)
    _write(found, result.report.parent / RECORD)
    return found


def _write(found: Reproduction, path: Path) -> None:
    written = {
        "agrees": found.agrees,
        "tolerance": found.tolerance,
        "n_numbers": found.n_numbers,
        "provenance": [asdict(each) for each in found.provenance],
        "differences": [asdict(each) for each in found.differences],
    }
    text = json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def _flat(environment: Mapping[str, Any]) -> dict[str, Any]:
    packages = environment.get("packages", {})
    rest = {name: value for name, value in environment.items() if name != "packages"}
    return rest | dict(packages)
