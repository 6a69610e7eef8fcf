"""The published schedules of DisPro: who trains, who is held out, and who lacks which modality.

One file a study, fold and rate: ``BLCA_fold_0_W20_O40.csv`` withholds slides (W) of a nominal
20 % of the training patients of fold 0, and omics (O) of 40 %.

References
----------
Xu, Y. et al. (2025). Distilled prompt learning for incomplete multimodal survival prediction. CVPR.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from workbench.data.card import did_you_mean
from workbench.data.paths import data_folder
from workbench.data.tables import read_arrow
from workbench.errors import DataCardError

SCHEDULES = "missing_dispro"
INSIDE = Path("splits") / "csv_missing_cleaned"
COLUMNS = ("Study", "ID", "Event", "Status", "WSI", "Omics", "Split")
HELD_OUT = {"train": False, "val": True}
"""Words of the column ``Split``."""
STATUS = {"0.0": False, "1.0": True, "0": False, "1": True}
_NUMBER = "(0|[1-9][0-9]*)"
_FILE = re.compile(rf"(\w+)_fold_{_NUMBER}_W{_NUMBER}_O{_NUMBER}\.csv")


class Rate(NamedTuple):
    """Nominal percentages of training patients who lack slides, and omics."""

    slides: int
    omics: int


@dataclass(frozen=True)
class Schedules:
    """Every published schedule of one study.

    Parameters
    ----------
    study
        As the files name it, such as ``BLCA``.
    files
        From which they were read, in order.
    rates
        Rate → fold → one row a patient: index ``patient_id``; bool columns ``held_out``,
        ``event``, ``slides`` and ``omics`` (whether the patient has them). All speak of the same
        patients, every rate has the same folds, a fold holds out the same patients at every rate,
        and no patient is held out twice.
    """

    study: str
    files: tuple[Path, ...]
    rates: Mapping[Rate, Mapping[int, pd.DataFrame]]

    @property
    def event(self) -> pd.Series:
        """Whether each patient died, as the first file says."""
        return next(iter(next(iter(self.rates.values())).values()))["event"]


def find_schedules(data_dir: str | os.PathLike[str] | None) -> tuple[Schedules, ...]:
    """Read the schedules of every study in the data folder.

    Raises
    ------
    DataCardError
        If there is none, or a file is damaged or not such a schedule.
    """
    folder = data_folder(SCHEDULES, data_dir) / INSIDE
    inside = folder.iterdir() if folder.is_dir() else ()
    studies = sorted(p for p in inside if p.is_dir() and not p.name.startswith("."))
    found = tuple(read_schedules(study) for study in studies)
    if not found:
        raise DataCardError(
            f"{SCHEDULES}: no schedule lies in {folder}: put one folder a study there, such as "
            "BLCA, with files named as BLCA_fold_0_W20_O40.csv"
        )
    return found


def read_schedules(folder: Path) -> Schedules:
    """Read the schedules of one study, which is the folder's name.

    Raises
    ------
    DataCardError
        If a file is damaged or not such a schedule, or the files do not belong together.
    """
    rates: dict[Rate, dict[int, pd.DataFrame]] = {}
    files = sorted(folder.glob("*.csv"))
    for path in files:
        named = _FILE.fullmatch(path.name)
        if named is None or named[1] != folder.name:
            raise _refused(path, f"expected a name such as {folder.name}_fold_0_W20_O40.csv")
        rate = Rate(int(named[3]), int(named[4]))
        rates.setdefault(rate, {})[int(named[2])] = _read(path, folder.name)
    if not rates:
        raise DataCardError(
            f"{SCHEDULES}: {folder.name} holds no schedule: put files named as "
            f"{folder.name}_fold_0_W20_O40.csv there"
        )
    _check_together(folder.name, rates)
    ordered = {rate: dict(sorted(rates[rate].items())) for rate in sorted(rates)}
    return Schedules(folder.name, tuple(files), ordered)


def _read(path: Path, study: str) -> pd.DataFrame:
    try:
        table = read_arrow(path, missing=("",), text=COLUMNS).to_pandas()
    except DataCardError as error:
        raise _refused(path, str(error)) from None
    _check_columns(path, table)
    held_out, event = table["Split"].map(HELD_OUT), table["Status"].map(STATUS)
    n_words, n_status = int(held_out.isna().sum()), int(event.isna().sum())
    if n_words:
        raise _refused(
            path, f"Split must be {' or '.join(HELD_OUT)}, got something else in {n_words} rows"
        )
    if n_status:
        raise _refused(
            path, f"Status must be 0 (alive) or 1 (died), got something else in {n_status} rows"
        )
    _check_patients(path, table, study)
    for part, word in enumerate(HELD_OUT):
        if not (held_out == bool(part)).any():
            raise _refused(path, f"no patient stands in {word}")
    found = {
        "held_out": held_out,
        "event": event,
        "slides": table["WSI"].notna(),
        "omics": table["Omics"].notna(),
    }
    return pd.DataFrame(found).astype(bool).set_index(pd.Index(table["ID"], name="patient_id"))


def _check_columns(path: Path, table: pd.DataFrame) -> None:
    unknown = [name for name in table.columns if name not in COLUMNS]
    if unknown:
        near = did_you_mean(unknown[0], COLUMNS)
        raise _refused(
            path, f"unknown column {unknown[0]!r}{near}; it must hold {', '.join(COLUMNS)}"
        )
    lacking = [name for name in COLUMNS if name not in table.columns]
    if lacking:
        raise _refused(path, f"no column {lacking[0]}: it must hold {', '.join(COLUMNS)}")


def _check_patients(path: Path, table: pd.DataFrame, study: str) -> None:
    patient = table["ID"]
    if patient.isna().any():
        raise _refused(path, f"{int(patient.isna().sum())} rows have no ID")
    n_parts = table.groupby("ID")["Split"].nunique()
    n_both = int((n_parts > 1).sum())
    if n_both:
        raise _refused(
            path, f"{n_both} patients stand in both train and val: nobody may be judged by a model "
            "that saw them"
        )  # fmt: skip
    n_again = int(patient.duplicated().sum())
    if n_again:
        raise _refused(path, f"{n_again} rows repeat a patient: keep one row a patient")
    n_other = int((table["Study"] != f"TCGA-{study}").sum())
    if n_other:
        raise _refused(path, f"Study must be TCGA-{study}, got something else in {n_other} rows")
    for column in ("WSI", "Omics"):
        pairs = zip(table[column], patient, strict=True)
        n_foreign = sum(name is not None and not name.startswith(own) for name, own in pairs)
        if n_foreign:
            raise _refused(
                path, f"{column} must name a file of the row's own patient or be empty, got "
                f"something else in {n_foreign} rows"
            )  # fmt: skip


def _check_together(study: str, rates: Mapping[Rate, Mapping[int, pd.DataFrame]]) -> None:
    folds = sorted({fold for of in rates.values() for fold in of})
    for rate, of in rates.items():
        lacking = [fold for fold in folds if fold not in of]
        if lacking:
            raise DataCardError(
                f"{SCHEDULES}: {study} has no file of fold {lacking[0]} at "
                f"W{rate.slides}_O{rate.omics}: every rate needs the same folds"
            )
    everyone = set(next(iter(next(iter(rates.values())).values())).index)
    if any(set(table.index) != everyone for of in rates.values() for table in of.values()):
        raise DataCardError(
            f"{SCHEDULES}: {study}: the files do not list the same patients: fetch them again"
        )
    before: set[str] = set()
    for fold in folds:
        own, *others = (set(of[fold].index[of[fold]["held_out"]]) for of in rates.values())
        if any(other != own for other in others):
            raise DataCardError(
                f"{SCHEDULES}: {study}, fold {fold}: the rates hold out different patients, so "
                "their numbers could not be compared"
            )
        if before & own:
            raise DataCardError(
                f"{SCHEDULES}: {study}: {len(before & own)} patients are held out in fold {fold} "
                "and in an earlier one: each may be judged once"
            )
        before |= own


def _refused(path: Path, why: str) -> DataCardError:
    return DataCardError(f"{SCHEDULES}: {path.name}: {why}")
