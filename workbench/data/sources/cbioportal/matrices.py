"""Matrices of a study: a row an entity, a column a sample, and what each cell may hold.

The values are not kept, for a card describes them better; but a row that no reader could use is
named here, by the rules of the portal's own validator.
"""

from collections.abc import Callable, Collection

from workbench.data.bad_rows import BadRows
from workbench.data.sources.cbioportal.study import DataFile
from workbench.data.sources.cbioportal.tables import known, open_table

_COPY_NUMBERS = frozenset(("-2", "-1.5", "-1", "0", "1", "2"))
_YES_NO = frozenset(("true", "false", "yes", "no"))
_TEXT = "CATEGORICAL"


def read_matrix(data: DataFile, entity: Collection[str], bad: BadRows) -> set[str]:
    """The samples of a matrix, or the patients where it is of patients.

    Parameters
    ----------
    data
        The file.
    entity
        Columns that say what a row is, among others.
    bad
        Takes rows without an entity, and with a value that is not of the matrix's datatype.
    """
    columns, rows = open_table(data.file, data.name, (), bad)[1:]
    datatype = data.kind[1]
    named = [i for i, column in enumerate(columns) if column in entity]
    values = [i for i, column in enumerate(columns) if column not in entity]
    fits, expected = _RULES.get(datatype, (_number, "a number"))
    for line, cells in rows:
        if not any(known(cells[i]) for i in named):
            bad.add(data.name, f"line {line}", "nothing says what the row is of")
        elif datatype != _TEXT and not all(map(fits, [cells[i] for i in values])):
            bad.add(data.name, f"line {line}", f"expected {expected} of every sample")
    return {columns[i] for i in values}


def _number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return known(cell) is None
    return "_" not in cell


def _bound(cell: str) -> bool:
    return _number(cell.strip().removeprefix(">").removeprefix("<").removeprefix("="))


def _among(words: frozenset[str]) -> Callable[[str], bool]:
    return lambda cell: cell in words or (word := known(cell)) is None or word.lower() in words


_RULES: dict[str, tuple[Callable[[str], bool], str]] = {
    "DISCRETE": (_among(_COPY_NUMBERS), "-2, -1.5, -1, 0, 1, 2 or NA"),
    "BINARY": (_among(_YES_NO), "true, false, yes, no or NA"),
    "LIMIT-VALUE": (_bound, "a number, or one after < or >,"),
}
