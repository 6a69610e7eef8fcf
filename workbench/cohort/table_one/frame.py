"""Table one as text in a DataFrame."""

from typing import Literal

import pandas as pd

from workbench.cohort.table_one import wording
from workbench.cohort.table_one.grouping import MISSING
from workbench.cohort.table_one.record import Count, Summary, TableOne, Variable


def frame(table: TableOne, *, missing: Literal["of all", "by group"]) -> pd.DataFrame:
    """The table as text.

    Parameters
    ----------
    table
        What is shown.
    missing
        Whether how many lack a number is said of all patients alone, in the column ``missing``, or
        of each group too, in a row.

    Returns
    -------
    DataFrame
        ``variable`` (with its unit), ``statistic``, ``level``, one column a group, ``missing``
        (patients without the value, of all) and where there are groups ``smd``, the largest
        absolute standardised mean difference between two of them; where asked for ``p`` and
        ``test``.
    """
    names = [group.title for group in table.groups]
    sizes = [wording.size(group.size) for group in table.groups]
    rows = [{"variable": table.rows, "statistic": "n", **dict(zip(names, sizes, strict=True))}]
    if table.weighted:
        effective = [wording.value(group.effective_n) for group in table.groups]
        row = {"variable": "effective sample size", "statistic": "n"}
        rows.append(row | dict(zip(names, effective, strict=True)))
    for variable in table.variables:
        rows += _rows(variable, names, by_group=missing == "by group")
    columns = ["variable", "statistic", "level", *names, MISSING]
    columns += ["smd"] if len(names) > 1 else []
    columns += ["p", "test"] if any(variable.tests for variable in table.variables) else []
    return pd.DataFrame(rows).reindex(columns=columns).fillna("")


def _rows(variable: Variable, names: list[str], *, by_group: bool) -> list[dict[str, str]]:
    label = f"{variable.title}, {variable.unit}" if variable.unit else variable.title
    first = {"variable": label, "statistic": variable.statistic}
    shown = [(row.level, [_cell(cell, variable) for cell in row.cells]) for row in variable.rows]
    if variable.some_missing and (by_group or variable.statistic == "n (%)"):
        shown.append((MISSING, [wording.share(count) for count in variable.missing]))
    rows = [first | {"level": level} | dict(zip(names, c, strict=True)) for level, c in shown]
    rows[0] |= {MISSING: wording.share(variable.missing[0]), "smd": wording.smd(variable)}
    for test in variable.tests or ():
        rows[0] |= {"p": _and(rows[0].get("p"), wording.p_value(test.p))}
        rows[0] |= {"test": _and(rows[0].get("test"), test.name)}
    return rows


def _cell(cell: Count | Summary, variable: Variable) -> str:
    if isinstance(cell, Count):
        return wording.share(cell)
    return wording.summary(cell, variable.statistic)


def _and(before: str | None, text: str) -> str:
    return text if before is None else f"{before}; {text}"
