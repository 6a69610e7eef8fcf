"""Two competing causes: simulated patients, R's answers about them, and public tables."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest

REFERENCE = Path(__file__).parents[3] / "reference" / "competing"


class Competing(NamedTuple):
    """A public table as competing.R reads it; ``features`` may be missing."""

    time: np.ndarray
    cause: np.ndarray
    group: np.ndarray
    features: np.ndarray


@pytest.fixture(scope="session")
def patients() -> pd.DataFrame:
    """What R saw: tests/reference/competing/inputs.csv."""
    return pd.read_csv(REFERENCE / "inputs.csv")


@pytest.fixture(scope="session")
def r_value() -> Callable[[str], pd.Series]:
    """R's values of a name, indexed by where they hold (competing.R, versions.txt)."""
    table = pd.read_csv(REFERENCE / "reference.csv")
    by_name = {name: rows.set_index("at")["value"] for name, rows in table.groupby("name")}
    return by_name.__getitem__


@pytest.fixture
def competing_table(public_table: Callable[[str], pd.DataFrame]) -> Callable[[str], Competing]:
    """A public table with the causes, groups and features that competing.R gives it."""
    return lambda name: MAKERS[name](public_table(name))


def first_of_two(happened: pd.Series, when: pd.Series, end: pd.Series, died: pd.Series):
    """Time and cause: 1 where it happened, 2 where the patient died without it."""
    time = np.where(happened, when, end).astype(np.float64)
    return time, np.where(happened, 1, 2 * died.to_numpy()).astype(np.int64)


def design(*columns: pd.Series) -> np.ndarray:
    return np.column_stack([column.to_numpy(dtype=np.float64) for column in columns])


def mgus2(t: pd.DataFrame) -> Competing:
    time, cause = first_of_two(t.pstat == 1, t.ptime, t.futime, t.death)
    return Competing(
        time, cause, t.sex.to_numpy(), design(t.age, t.sex == "M", t.hgb, t.creat, t.mspike)
    )


def pbc(t: pd.DataFrame) -> Competing:
    features = design(t.age, np.log(t.bili), t.albumin, t.edema, t.protime)
    return Competing(t.time.to_numpy(float), t.status.to_numpy(), t.edema.to_numpy(), features)


def transplant(t: pd.DataFrame) -> Competing:
    cause = t.event.map({"censored": 0, "ltx": 1, "death": 2, "withdraw": 3}).to_numpy()
    features = design(t.year - 1995, t.abo == "O", t.sex == "m")
    return Competing(t.futime.to_numpy(float), cause, t.abo.to_numpy(), features)


def colon(t: pd.DataFrame) -> Competing:
    recurrence = t[t.etype == 1].reset_index(drop=True)
    death = t[t.etype == 2].set_index("id").loc[recurrence.id].reset_index(drop=True)
    time, cause = first_of_two(recurrence.status == 1, recurrence.time, death.time, death.status)
    r = recurrence
    features = design(r.age, r.sex, r.obstruct, r.node4, r.extent, r.differ)
    return Competing(time, cause, r.rx.to_numpy(), features)


def rotterdam(t: pd.DataFrame) -> Competing:
    time, cause = first_of_two(t.recur == 1, t.rtime, t.dtime, t.death)
    features = design(t.age, t.nodes, t.chemo, t.hormon, t.grade)
    return Competing(time, cause, t["size"].to_numpy(str), features)


def myeloid(t: pd.DataFrame) -> Competing:
    time, cause = first_of_two(t.txtime < t.futime, t.txtime, t.futime, t.death)
    features = design(t.id % 7, t.trt == "A", t.sex == "f", t.flt3 == "A")
    return Competing(time, cause, t.trt.to_numpy(), features)


def flchain(t: pd.DataFrame) -> Competing:
    chapter = t.chapter.map({"Circulatory": 1, "Neoplasms": 2}).fillna(3).astype(np.int64)
    cause = np.where(t.death == 1, chapter, 0)
    features = design(t.age, t.sex == "M", t.kappa)
    return Competing(t.futime.to_numpy(float), cause, t["flc.grp"].to_numpy(), features)


MAKERS = {
    "mgus2": mgus2,
    "pbc": pbc,
    "transplant": transplant,
    "colon": colon,
    "rotterdam": rotterdam,
    "myeloid": myeloid,
    "flchain": flchain,
}
