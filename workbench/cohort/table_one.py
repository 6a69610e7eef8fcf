"""Table one, and who has which modality: counts and summaries without small cells.

References
----------
[1] Yang, D. and Dalton, J. E. "A unified approach to measuring the effect size between two
    groups using SAS." SAS Global Forum 2012, paper 335: the standardised mean difference of a
    variable with several levels.
"""

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from workbench.cohort.privacy import SUPPRESSED, small, suppress
from workbench.cohort.time_zero import check_columns
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.cohort import Cohort

ALL = "all"
EVALUATED, ONLY_TRAIN = "evaluated", "only train"
"""Levels of ``fold`` where some patients are never held out, as in a temporal split."""
MISSING = "missing"
SKEWED = 1.0


def table_one(
    cohort: "Cohort", *, by: str | None = None, columns: Sequence[str] | None = None
) -> pd.DataFrame:
    """Describe the patients.

    Parameters
    ----------
    cohort
        Its patients.
    by
        Compare the levels of this column: one that the card declares and that is not numeric,
        ``event``, ``fold``, or ``has_<modality>``. In a temporal split ``fold`` has the levels
        ``evaluated`` and ``only train``.
    columns
        What to describe; features, groups and markers in the card's order, if not given.

    Returns
    -------
    DataFrame
        Text. ``variable`` (with its unit), ``statistic``, ``level``, ``all``, one column a level
        of ``by``, ``missing`` (patients without the value, of all) and with ``by`` ``smd``, the
        largest absolute standardised mean difference between two of its levels [1]. A number is
        given as mean (SD), or as median [IQR] where its skewness exceeds 1 in size; other
        columns as n (% of all patients in the group, so that a share gives no other count away).
        There are no p values: in a described cohort they test nothing that was asked. Counts
        that the card's privacy withholds read "suppressed".

    Raises
    ------
    CohortError
        If a column does not exist, or ``by`` is a number or observed after the index date.
    """
    if columns is None:
        roles = ("feature", "group", "marker")
        columns = [name for name, c in cohort.card.spec.columns.items() if c.role in roles]
    unknown = [name for name in columns if name not in cohort.card.spec.columns]
    if unknown:
        raise CohortError(f"table one: no column is called {unknown[0]!r}")
    groups, minimum = _groups(cohort, by), cohort.card.spec.privacy.minimum_cell
    tiny = _tiny(groups, minimum)
    rows = [{"variable": "patients", "statistic": "n", "level": "", **_sizes(groups, tiny)}]
    event = pd.Categorical(np.where(cohort.patients["event"], "yes", "no"), ["no", "yes"])
    described = {"event": event} if by != "event" else {}
    series = {name: pd.Series(v, cohort.patients.index) for name, v in described.items()}
    series |= {name: cohort.patients[name] for name in columns if name != by}
    for name, values in series.items():
        unit = cohort.card.spec.columns[name].unit if name in columns else None
        numeric = pd.api.types.is_float_dtype(values.dtype)
        describe = _describe_number if numeric else _describe_levels
        label = f"{name}, {unit}" if unit else name
        rows += [{"variable": label, **row} for row in describe(values, groups, tiny, minimum)]
    order = ["variable", "statistic", "level", *groups, MISSING, *(["smd"] if by else [])]
    return pd.DataFrame(rows).reindex(columns=order).fillna("")


def availability(cohort: "Cohort", *, by: str | None = None) -> pd.DataFrame:
    """Count who has each modality.

    Parameters
    ----------
    cohort
        Its patients.
    by
        As in :func:`table_one`; ``event`` shows availability by outcome.

    Returns
    -------
    DataFrame
        One row a modality and level of ``by`` ("all" first): ``modality``, ``level``,
        ``n_patients``, ``n_available``, ``percent``, ``n_events``, ``n_events_available``. Counts
        that the card's privacy withholds read "suppressed".
    """
    groups, minimum = _groups(cohort, by), cohort.card.spec.privacy.minimum_cell
    tiny, event = _tiny(groups, minimum), cohort.patients["event"].to_numpy()
    rows = []
    for name, has in cohort.available.items():
        # Patients and events with and without the modality: what is shown, and its complements.
        cells = [has & event, has & ~event, ~has & event, ~has & ~event]
        counts = np.array([[int((c & m).sum()) for m in groups.values()] for c in cells])
        hidden = small(counts, minimum).any(axis=0) | np.array(list(tiny.values()))
        hidden = _with_complement(counts.sum(axis=0), hidden)
        for (level, member), hide in zip(groups.items(), hidden, strict=True):
            n, n_available = int(member.sum()), int((member & has).sum())
            shown = {
                "n_patients": n,
                "n_available": n_available,
                "percent": round(100 * n_available / n, 1),
                "n_events": int((member & event).sum()),
                "n_events_available": int((member & has & event).sum()),
            }
            row = dict.fromkeys(shown, SUPPRESSED) if hide else shown
            rows.append({"modality": name, "level": level, **row})
    return pd.DataFrame(rows)


def _with_complement(sizes: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """If one level alone is hidden, hide the next smallest: the first column is their total."""
    hidden = hidden.copy()
    if hidden[1:].sum() == 1 and not hidden[0] and not hidden[1:].all():
        candidates = np.flatnonzero(~hidden[1:]) + 1
        hidden[candidates[np.argmin(sizes[candidates])]] = True
    return hidden


def _groups(cohort: "Cohort", by: str | None) -> dict[str, np.ndarray]:
    """All patients, and those of each level that occurs; (patient,) bool each."""
    groups = {ALL: np.ones(cohort.n_patients, bool)}
    if by is None:
        return groups
    own = {"event", "fold", *(f"has_{name}" for name in cohort.card.spec.modalities)}
    if by not in own:
        check_columns(cohort.card.spec, [by], "a group")
        if cohort.card.spec.columns[by].type == "numeric":
            raise CohortError(f"{by} is a number: compare groups by a column with levels")
    if by not in cohort.patients:
        raise CohortError(f"table by {by!r}: split the cohort first")
    values = cohort.patients[by]
    if by == "fold" and values.isna().any():
        held_out = values.notna().to_numpy(bool)
        return groups | {EVALUATED: held_out, ONLY_TRAIN: ~held_out}
    levels = (
        values.cat.categories
        if isinstance(values.dtype, pd.CategoricalDtype)
        else sorted(values.dropna().unique())
    )
    for level in levels:
        member = (values == level).fillna(False).to_numpy(bool)
        if member.any():
            groups[_title(by, level)] = member
    unknown = values.isna().to_numpy()
    if unknown.any():
        groups[f"{by} {MISSING}"] = unknown
    return groups


def _title(by: str, level: Any) -> str:
    if by == "fold":
        return f"fold {level}"
    if isinstance(level, bool | np.bool_):
        return f"{'with' if level else 'without'} {by.removeprefix('has_')}"
    return str(level)


def _tiny(groups: dict[str, np.ndarray], minimum: int) -> dict[str, bool]:
    """Groups whose size is withheld, and with it all they contain."""
    sizes = np.array([member.sum() for member in groups.values()])
    hidden = small(sizes, minimum)
    hidden[1:] |= suppress(sizes[1:, None], minimum, row_totals=False)[:, 0]
    return dict(zip(groups, hidden.tolist(), strict=True))


def _sizes(groups: dict[str, np.ndarray], tiny: dict[str, bool]) -> dict[str, str]:
    return {g: SUPPRESSED if tiny[g] else str(int(m.sum())) for g, m in groups.items()}


def _describe_number(
    values: pd.Series, groups: dict[str, np.ndarray], tiny: dict[str, bool], minimum: int
) -> list[dict[str, str]]:
    """One row: mean (SD) or median [IQR], and how many are missing."""
    x = values.to_numpy(float)
    skewness = pd.Series(x).skew()
    skewed = bool(np.abs(skewness) > SKEWED)
    cells = {}
    for group, member in groups.items():
        known = x[member & ~np.isnan(x)]
        withheld = tiny[group] or small(np.array(len(known)), minimum)
        cells[group] = SUPPRESSED if withheld else _summary(known, skewed)
    members = [m for g, m in groups.items() if g != ALL]
    n_missing = np.array([np.isnan(x).sum()])
    hide = small(n_missing, minimum) | small(len(x) - n_missing, minimum)
    few = any(small(np.array((m & ~np.isnan(x)).sum()), minimum) for m in members)
    return [
        {
            "statistic": "median [IQR]" if skewed else "mean (SD)",
            "level": "",
            **cells,
            MISSING: SUPPRESSED if hide[0] else _share(int(n_missing[0]), len(x)),
            "smd": SUPPRESSED if few else _largest(x, members, _smd_numbers),
        }
    ]


def _summary(known: np.ndarray, skewed: bool) -> str:
    if not len(known):
        return "–"
    if skewed:
        low, middle, high = np.quantile(known, [0.25, 0.5, 0.75])
        return f"{_short(middle)} [{_short(low)}, {_short(high)}]"
    spread = known.std(ddof=1) if len(known) > 1 else np.nan
    return f"{_short(known.mean())} ({_short(spread)})"


def _short(number: float) -> str:
    """Three digits, trailing zeros kept, so that the numbers of a row stand under each other."""
    if np.isnan(number):
        return "–"
    return f"{number:.0f}" if abs(number) >= 99.95 else f"{number:#.3g}"


def _describe_levels(
    values: pd.Series, groups: dict[str, np.ndarray], tiny: dict[str, bool], minimum: int
) -> list[dict[str, str]]:
    """One row a level, and one for missing values where there are any."""
    text = values.astype(object).where(values.notna(), MISSING).map(str)
    levels = (
        [str(level) for level in values.cat.categories]
        if isinstance(values.dtype, pd.CategoricalDtype)
        else sorted(set(text) - {MISSING})
    )
    rows = levels + ([MISSING] if values.isna().any() else [])
    code = pd.Categorical(text, rows).codes
    every = np.array([[(code[m] == i).sum() for m in groups.values()] for i in range(len(rows))])
    hidden = small(every, minimum)
    # The first column is the others' total, so it takes part as a total and not as a cell.
    body, compared = every[:, 1:], len(groups) > 1
    hidden[:, 1:] = suppress(body, minimum, row_totals=True) if compared else hidden[:, 1:]
    hidden[:, :1] = suppress(every[:, :1], minimum, row_totals=False)
    hidden |= np.array(list(tiny.values()))
    members = [m for g, m in groups.items() if g != ALL]
    smd = _largest(np.where(code < len(levels), code, -1), members, _smd_levels)
    sizes = [int(m.sum()) for m in groups.values()]
    table = []
    for i, level in enumerate(rows):
        cells = {
            group: SUPPRESSED if hidden[i, j] else _share(int(every[i, j]), sizes[j])
            for j, group in enumerate(groups)
        }
        table.append({"statistic": "n (%)", "level": level, **cells})
    table[0][MISSING] = table[-1][ALL] if rows[-1] == MISSING else _share(0, sizes[0])
    table[0]["smd"] = SUPPRESSED if hidden.any() else smd
    return table


def _share(n: int, n_all: int) -> str:
    return f"{n} ({100 * n / n_all:.1f})"


def _largest(x: np.ndarray, members: list[np.ndarray], smd: Any) -> str:
    pairs = [smd(x[a], x[b]) for a, b in combinations(members, 2)]
    known = [value for value in pairs if np.isfinite(value)]
    return f"{max(known):.2f}" if known else ""


def _smd_numbers(a: np.ndarray, b: np.ndarray) -> float:
    """|difference of means| over the root of the mean variance."""
    a, b = a[~np.isnan(a)], b[~np.isnan(b)]
    if len(a) < 2 or len(b) < 2:
        return np.nan
    variance = (a.var(ddof=1) + b.var(ddof=1)) / 2
    return float(abs(a.mean() - b.mean()) / np.sqrt(variance)) if variance > 0 else np.nan


def _smd_levels(a: np.ndarray, b: np.ndarray) -> float:
    """Mahalanobis distance of the two groups' proportions; codes below 0 are missing [1]."""
    a, b = a[a >= 0], b[b >= 0]
    if not len(a) or not len(b):
        return np.nan
    n_levels = int(max(a.max(), b.max())) + 1
    p, q = (np.bincount(x, minlength=n_levels)[1:] / len(x) for x in (a, b))
    covariance = (np.diag(p) - np.outer(p, p) + np.diag(q) - np.outer(q, q)) / 2
    return float(np.sqrt((p - q) @ np.linalg.pinv(covariance) @ (p - q)))
