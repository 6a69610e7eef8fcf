"""Table one in words, for a page or a document."""

from itertools import groupby

from workbench.cohort.privacy.small_cells import SUPPRESSED
from workbench.cohort.sheet import Head, Line, Sheet
from workbench.cohort.table_one import wording
from workbench.cohort.table_one.grouping import MISSING
from workbench.cohort.table_one.record import Count, Group, Summary, TableOne, Variable

OF = {
    "mean (SD)": "mean (SD)",
    "median [IQR]": "median [first and third quartile]",
    "median [range]": "median [first and last]",
    "n (%)": "number (percentage)",
}


def layout(table: TableOne) -> Sheet:
    """The words of a table, with the heads of nested groups over each other."""
    compared = len(table.groups) > 1
    tested = any(variable.tests for variable in table.variables)
    extra = ["SMD"] * compared + ["p"] * tested
    return Sheet(
        caption=table.title,
        corner="Variable",
        heads=_heads(table.groups, extra, f"All {table.rows}"),
        bodies=(
            *(_effective(table, len(extra)) if table.weighted else ()),
            *(_body(variable, compared=compared, tested=tested) for variable in table.variables),
        ),
        notes=_notes(table),
        withheld=SUPPRESSED,
    )


def _heads(
    groups: tuple[Group, ...], extra: list[str], everyone: str
) -> tuple[tuple[Head, ...], ...]:
    """A line of heads a nested column; divisions side by side get a line that names the column."""
    depth = max(len(group.path) for group in groups) or 1
    columns = {tuple(column for column, _ in group.path) for group in groups[1:]}
    apart = len(columns) > 1
    n_lines = depth + apart
    lines: list[list[Head]] = [[] for _ in range(n_lines)]
    lines[0].append(Head(everyone, rows=n_lines, below=_n(groups[0])))
    if apart:
        runs = groupby(groups[1:], key=lambda group: group.path[0][0])
        lines[0] += [Head(column, columns=len(list(run))) for column, run in runs]
    for level in range(depth if len(groups) > 1 else 0):
        runs = groupby(groups[1:], key=lambda group: group.path[: level + 1])
        for path, run in runs:
            within = list(run)
            last = level == depth - 1
            column, title = path[-1]
            text = within[0].title if last and depth == 1 and not apart else title
            text = f"{column} {MISSING}" if title == MISSING and not apart else text
            head = Head(text, len(within), below=_n(within[0]) if last else "")
            lines[level + apart].append(head)
    lines[0] += [Head(name, rows=n_lines) for name in extra]
    return tuple(tuple(line) for line in lines)


def _n(group: Group) -> str:
    return f"n = {wording.size(group.size)}"


def _effective(table: TableOne, n_extra: int) -> tuple[tuple[Line, ...], ...]:
    cells = [wording.value(group.effective_n) for group in table.groups]
    return ((Line("Effective sample size", (*cells, *[""] * n_extra)),),)


def _body(variable: Variable, *, compared: bool, tested: bool) -> tuple[Line, ...]:
    title = variable.title + (f" ({variable.unit})" if variable.unit else "")
    extra = [wording.smd(variable)] * compared + [_tests(variable)] * tested
    blank = [""] * len(extra)
    shown = variable.rows
    if variable.kind == "boolean":
        shown = tuple(row for row in shown if row.level == "True")
    if len(shown) == 1 and (variable.kind == "boolean" or not shown[0].level):
        cells = [_cell(cell, variable) for cell in shown[0].cells]
        lines = [Line(title, (*cells, *extra), beside=variable.statistic)]
    else:
        empty = [""] * len(variable.missing)
        lines = [Line(title, (*empty, *extra), heads=True, beside=variable.statistic)]
        for row in shown:
            cells = [_cell(cell, variable) for cell in row.cells]
            lines.append(Line(row.level, (*cells, *blank), part=True))
    if variable.some_missing:
        cells = [wording.share(count) for count in variable.missing]
        lines.append(Line("Missing", (*cells, *blank), part=True, beside="n (%)"))
    return tuple(lines)


def _cell(cell: Count | Summary, variable: Variable) -> str:
    if isinstance(cell, Count):
        return wording.share(cell)
    written = wording.summary(cell, variable.statistic)
    # Three dates in a line would make their column the widest by far.
    return written.replace(" [", "\n[") if variable.kind == "date" else written


def _tests(variable: Variable) -> str:
    if variable.tests is None:
        return SUPPRESSED
    return "\n".join(f"{wording.p_value(test.p)}\n{test.name}" for test in variable.tests)


def _notes(table: TableOne) -> tuple[str, ...]:
    used = [key for key in OF if any(key == v.statistic for v in table.variables)]
    notes = [f"Shown are {_listed([OF[key] for key in used])}."] if used else []
    notes.append(f"Percentages are of all {table.rows} in the column.")
    if table.rows == "records":
        notes.append("Counted are records: a patient may have several.")
    if table.weighted:
        notes.append(
            "Patients are weighted: numbers of patients per level are sums of weights; n in the "
            "heads counts patients as they are."
        )
    largest = [v for v in table.variables if v.largest_difference is not None]
    if len(table.groups) > 1:
        notes.append("SMD: standardised mean difference, absolute.")
    if largest and len(table.groups) > 3:
        pairs = [
            f"{v.title}, {pair.first} versus {pair.second}"
            for v in largest
            if (pair := v.largest_difference) is not None
        ]
        notes[-1] = "SMD: the largest absolute standardised mean difference between two groups: "
        notes[-1] += f"{'; '.join(pairs)}."
    if table.minimum_cell > 1:
        few = f"Counts below {table.minimum_cell}"
        if table.rows == "records":
            few = f"Counts of records of fewer than {table.minimum_cell} patients"
        notes.append(
            f"{few} are withheld, and others where they would give those away. A withheld count "
            "is not zero."
        )
    if table.beside_earlier:
        notes.append(
            "A table of some of these patients, or of these and others, was shown before: withheld "
            "is also what the two together would tell of fewer than "
            f"{table.minimum_cell}. Of the cohort to be published, show the table first."
        )
    return tuple(notes)


def _listed(items: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]]))
