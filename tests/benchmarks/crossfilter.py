"""Brushing linked histograms beside DuckDB and pandas in one run: medians of alternating turns.

Run: python tests/benchmarks/crossfilter.py [--patients 1000000 10000000] [--peer-limit 1000000]

All three count the same: eleven histograms under a brush on the twelfth column, and events and
censorings in bins of time. The peers read the bins that the index made, so that none has to make
them again; DuckDB gets them as a table in its memory, and two threads. A peer answers a move from
all rows, and DuckDB also from tiles that it counted when the brush was taken up, as the index does.
The counts are compared before they are timed. On a busy machine read the processors' time.
"""

import argparse
import time
from collections.abc import Callable
from typing import NamedTuple

import duckdb
import numpy as np
import pandas as pd

from workbench.cohort.crossfilter import (
    Brushes,
    CrossFilter,
    Display,
    Drag,
    Levels,
    Range,
    RangeBins,
    crossfilter,
    select,
    take_up,
)

ACTIVE = "age"


def simulate(n_patients: int) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Twelve columns: six measurements, one count, two categories, a truth value, two dates."""
    rng = np.random.default_rng(n_patients)
    frame = pd.DataFrame(index=range(n_patients))
    frame[ACTIVE] = np.round(np.clip(rng.normal(62, 14, n_patients), 18, 100), 1)
    for name, scale in (("crp", 1.2), ("ldh", 0.4), ("creatinine", 0.5)):
        frame[name] = np.exp(rng.normal(1, scale, n_patients))
        frame.loc[rng.random(n_patients) < 0.1, name] = np.nan
    frame["bmi"] = rng.normal(26, 5, n_patients)
    frame["haemoglobin"] = np.round(rng.normal(13, 2, n_patients), 1)
    frame["metastases"] = rng.poisson(2, n_patients)
    sites = pd.Index([f"site {i:02d}" for i in range(35)])
    frame["site"] = pd.Categorical.from_codes(rng.integers(-1, 35, n_patients), sites)
    frame["grade"] = pd.Categorical.from_codes(rng.integers(0, 4, n_patients), list("1234"))
    frame["smoker"] = rng.random(n_patients) < 0.3
    for name, first, span in (("diagnosed", "2008-01-01", 4000), ("referred", "2018-01-01", 300)):
        frame[name] = np.datetime64(first, "ns") + rng.integers(0, span, n_patients).astype(
            "timedelta64[D]"
        )
    died = rng.exponential(1500, n_patients) * np.exp(-(frame[ACTIVE].to_numpy() - 62) / 60)
    censored = rng.uniform(0, 3000, n_patients)
    return frame, np.minimum(died, censored), died <= censored


class Taken(NamedTuple):
    """Median milliseconds: by the clock, and of processors (all threads)."""

    clock: float
    processor: float


def medians(turns: int, *calls: Callable[[], object]) -> list[Taken]:
    """What each call takes, the calls taking turns."""
    taken: list[list[tuple[float, float]]] = [[] for _ in calls]
    for _ in range(turns):
        for call, each in zip(calls, taken, strict=True):
            clock, processor = time.perf_counter(), time.process_time()
            call()
            each.append((time.perf_counter() - clock, time.process_time() - processor))
    return [middle([Taken(a * 1e3, b * 1e3) for a, b in each]) for each in taken]


def middle(taken: list[Taken]) -> Taken:
    """The median of both."""
    return Taken(*(float(np.median(each)) for each in zip(*taken, strict=True)))


def line(name: str, ours: Taken, **peers: Taken) -> None:
    """One row: milliseconds by the clock (of processors), and the ratios of the peers to ours."""
    beside = "".join(
        f" | {peer} {taken.clock:8.1f} ({taken.processor:8.1f}), "
        f"{taken.clock / ours.clock:6.1f}x ({taken.processor / ours.processor:6.1f}x)"
        for peer, taken in peers.items()
    )
    print(f"  {name:42s} {ours.clock:8.2f} ({ours.processor:8.2f}){beside}", flush=True)


def coded(index: CrossFilter) -> pd.DataFrame:
    """The codes as a table for the peers."""
    table = pd.DataFrame({name: each.codes for name, each in index.dimensions.items()})
    assert index.outcome is not None
    return table.assign(outcome=index.outcome.codes)


class DuckDB:
    """The same counts in SQL."""

    def __init__(self, table: pd.DataFrame) -> None:
        self.connection = duckdb.connect(config={"threads": 2})
        self.connection.register("frame", table)
        self.connection.execute("create table codes as select * from frame")
        self.columns = [name for name in table.columns if name != ACTIVE]

    def all_rows(self, first: int, end: int) -> dict[str, dict[int, int]]:
        """Every histogram from all rows: one query a column, faster here than grouping sets."""
        within = f'where "{ACTIVE}" >= {first} and "{ACTIVE}" < {end}'
        return {
            name: dict(
                self.connection.execute(
                    f'select "{name}", count(*) from codes {within} group by 1'
                ).fetchall()
            )
            for name in self.columns
        }

    def grouping_sets(self, first: int, end: int) -> object:
        """Every histogram in one query."""
        sets = ", ".join(f'("{name}")' for name in self.columns)
        return self.connection.execute(
            f"select {', '.join(self.columns)}, count(*) from codes "
            f'where "{ACTIVE}" >= {first} and "{ACTIVE}" < {end} group by grouping sets ({sets})'
        ).fetchall()

    def take_up(self) -> None:
        """Tiles: a table a column."""
        for name in self.columns:
            self.connection.execute(
                f'create or replace table "tile {name}" as select "{ACTIVE}" as active, '
                f'"{name}" as bin, count(*) as n from codes group by 1, 2'
            )

    def move(self, first: int, end: int) -> object:
        """Every histogram from the tiles."""
        return [
            self.connection.execute(
                f'select bin, sum(n) from "tile {name}" '
                f"where active >= {first} and active < {end} group by 1"
            ).fetchall()
            for name in self.columns
        ]


def with_pandas(table: pd.DataFrame, first: int, end: int) -> dict[str, dict[int, int]]:
    """The same counts with a mask and value_counts."""
    within = table[(table[ACTIVE] >= first) & (table[ACTIVE] < end)]
    return {
        name: within[name].value_counts(sort=False).to_dict()
        for name in table.columns
        if name != ACTIVE
    }


def ranges(index: CrossFilter, n: int = 40) -> list[tuple[int, int, Range]]:
    """Brushes of many widths and places, as bins and as values."""
    bins, rng, found = index.dimensions[ACTIVE].bins, np.random.default_rng(0), []
    assert isinstance(bins, RangeBins)
    edges = bins.edges
    for _ in range(n):
        first, end = sorted(rng.choice(len(edges), 2, replace=False).tolist())
        found.append((first + 1, end + 1, Range(ACTIVE, edges[first].item(), edges[end].item())))
    return found


def compare(drag: Drag, counted: dict[str, dict[int, int]], clause: Range) -> None:
    """Stops where a peer counts otherwise."""
    counts = drag.move(clause)
    for name, bars in counts.selected.items():
        if name != ACTIVE and counted[name] != {i: n for i, n in enumerate(bars.tolist()) if n}:
            raise SystemExit(f"counts of {name} differ")


def report(n_patients: int, peer_limit: int) -> None:
    """Every row for one number of patients."""
    frame, times, event = simulate(n_patients)
    print(f"\n{n_patients:,} patients x {frame.shape[1]} columns and survival: ms (of processors)")
    turns = 7 if n_patients <= 1_000_000 else 3
    [built] = medians(turns, lambda: crossfilter(frame, times, event))
    line("build", built)
    index = crossfilter(frame, times, event)
    nothing = select(index, Brushes())
    drag, brushes = take_up(nothing, ACTIVE), ranges(index)
    display = Display(index)
    display.counts(drag.move(None))
    peers = n_patients <= peer_limit
    table = coded(index) if peers else pd.DataFrame()
    duck = DuckDB(table) if peers else None
    all_rows: dict[str, Taken] = {}
    moves, shown = [], []
    for _, _, clause in brushes:
        moves += medians(3, lambda clause=clause: drag.move(clause))
        counts = drag.move(clause)
        shown += medians(3, lambda counts=counts: display.counts(counts))
    move = middle(moves)
    if duck is None:
        line("move", move)
    else:
        peers_taken = []
        for first, end, clause in brushes[:7]:
            compare(drag, duck.all_rows(first, end), clause)
            compare(drag, with_pandas(table, first, end), clause)
            duck.take_up()
            peers_taken.append(
                medians(
                    1,
                    lambda f=first, e=end: duck.all_rows(f, e),
                    lambda f=first, e=end: duck.grouping_sets(f, e),
                    lambda f=first, e=end: duck.move(f, e),
                    lambda f=first, e=end: with_pandas(table, f, e),
                )
            )
        by_row, by_sets, by_tile, by_pandas = map(middle, map(list, zip(*peers_taken, strict=True)))
        all_rows = {"DuckDB": min(by_row, by_sets), "pandas": by_pandas}
        line("move; peers from all rows", move, **all_rows)
        line("move; peer from tiles", move, DuckDB=by_tile)
    line("move, slowest of 40", max(moves))
    line("small cells withheld, all views and curves", middle(shown))
    [taken_up] = medians(turns, lambda: take_up(nothing, ACTIVE))
    duck_tiles = {} if duck is None else {"DuckDB": medians(3, duck.take_up)[0]}
    line("brush taken up (tiles)", taken_up, **duck_tiles)
    cut = Range(ACTIVE, 40.05, 70.05)
    once = Brushes().with_clause(ACTIVE, cut)
    earlier = select(index, once.with_clause("grade", Levels("grade", ("1", "2", "3"))))
    line("brush taken up beside two clauses", medians(turns, lambda: take_up(earlier, "crp"))[0])
    mask, release, anew, curve = medians(
        turns,
        lambda: select(index, once, nothing),
        lambda: drag.release(cut),
        lambda: select(index, once).counts,
        lambda: drag.release(cut).survival,
    )
    line("mask of rows", mask)
    line("release: mask, exact counts of all views", release, **all_rows)
    line("the same with no brush before", anew, **all_rows)
    line("release and exact Kaplan-Meier", curve)


def main() -> None:
    """Reads the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--peer-limit", type=int, default=1_000_000)
    arguments = parser.parse_args()
    print(f"numpy {np.__version__}, pandas {pd.__version__}, duckdb {duckdb.__version__}")
    for n_patients in arguments.patients:
        report(n_patients, arguments.peer_limit)


if __name__ == "__main__":
    main()
