"""Curves of several groups and the test between them, from one sort of the patients."""

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from workbench.errors import SurvivalError
from workbench.survival.counting import (
    EventCounts,
    count_events,
    count_ordered,
    distinct_labels,
    order_patients,
    rows_by_code,
)
from workbench.survival.inputs import check_entry, check_outcome
from workbench.survival.kaplan_meier import KaplanMeier, curve_of
from workbench.survival.limits import Limits, check_limits, normal_quantile
from workbench.survival.logrank import LogRank, log_rank_of
from workbench.survival.risk_table import Stratum, risk_tables, tables_of_ordered, with_event


@dataclass(frozen=True)
class GroupCurves:
    """Kaplan-Meier curves of groups and whether they differ.

    Parameters
    ----------
    groups
        Labels, ascending, (group,).
    curves
        One curve a group.
    log_rank
        The test between them; None where there can be none.
    refusal
        Why there is no test; empty where there is one.
    """

    groups: np.ndarray
    curves: tuple[KaplanMeier, ...]
    log_rank: LogRank | None
    refusal: str

    def at_risk_at(self, times: np.ndarray | list[float]) -> np.ndarray:
        """The at-risk table: patients of each group just before ``times``, (group, time) int."""
        return np.stack([curve.at_risk_at(np.asarray(times)) for curve in self.curves])


def kaplan_meier_by_group(
    time: np.ndarray,
    event: np.ndarray,
    group: np.ndarray,
    *,
    entry: np.ndarray | None = None,
    confidence: float = 0.95,
    limits: Limits = "log-log",
) -> GroupCurves:
    """Kaplan-Meier curves of each group, their at-risk table and log-rank test, in one go.

    The numbers are those of :func:`workbench.survival.kaplan_meier` on each group and of
    :func:`workbench.survival.log_rank`; patients are sorted once for all of them. Conventions of
    ties, entry and limits are theirs.

    Parameters
    ----------
    time, event
        As of ``kaplan_meier``.
    group
        Label of each patient's group, (patient,); whole numbers of a narrow range, and
        booleans, are fastest.
    entry, confidence, limits
        As of ``kaplan_meier``.

    Raises
    ------
    SurvivalError
        As of ``kaplan_meier``. Fewer than two groups, or no event while two are at risk, is no
        error: the curves stand without a test, and the record says why.

    Examples
    --------
    >>> found = kaplan_meier_by_group(
    ...     np.array([1.0, 2, 3, 4]), np.array([True, True, True, True]), np.array([0, 0, 1, 1])
    ... )
    >>> found.at_risk_at([0, 2, 3.5]).tolist(), round(found.log_rank.statistic, 3)
    ([[2, 1, 0], [2, 2, 1]], 2.882)
    """
    time, event = check_outcome(time, event)
    entry = check_entry(entry, time)
    check_limits(limits)
    normal_quantile(confidence)  # refuses what is no coverage
    labels, code = distinct_labels("group", group, len(time))
    n_groups = len(labels)
    if entry is None:
        code = with_event(code, event, n_groups)
        ordered, code = order_patients(time, code, 2 * n_groups)
        members = rows_by_code(code >> 1, n_groups)

        def count(rows: np.ndarray) -> EventCounts:
            return count_ordered(ordered[rows], code[rows] & 1)

        def strata() -> Iterable[Stratum]:
            return [tables_of_ordered(ordered, code, n_groups)]

    else:
        members = rows_by_code(code, n_groups)

        def count(rows: np.ndarray) -> EventCounts:
            return count_events(time[rows], event[rows], entry=entry[rows])

        def strata() -> Iterable[Stratum]:
            return risk_tables(time, event, code, n_groups, entry=entry)

    def curve(rows: np.ndarray) -> KaplanMeier:
        return curve_of(count(rows), confidence, limits)

    # Work on large arrays lets other threads run.
    with ThreadPoolExecutor(min(n_groups, os.cpu_count() or 1)) as pool:
        curves = pool.map(curve, members)
        n_patients = np.array([len(rows) for rows in members])
        test, refusal = _test(strata(), labels, n_patients)
        return GroupCurves(labels, tuple(curves), test, refusal)


def _test(
    strata: Iterable[Stratum], labels: np.ndarray, n_patients: np.ndarray
) -> tuple[LogRank | None, str]:
    if len(labels) < 2:
        return None, "a log-rank test compares two or more groups, got 1"
    try:
        return log_rank_of(strata, labels, n_patients), ""
    except SurvivalError as refusal:
        return None, str(refusal)
