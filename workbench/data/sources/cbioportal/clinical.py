"""Clinical files: attributes of patients and of samples, with their four-line head."""

import re
from dataclasses import dataclass

import pandas as pd

from workbench.data.bad_rows import BadRows
from workbench.data.records import ColumnFacts, Kind
from workbench.data.sources.cbioportal.study import DataFile
from workbench.data.sources.cbioportal.tables import Table, read_table
from workbench.errors import RecordsError

_ID = re.compile(r"[A-Za-z0-9._-]+")
_NUMBER = re.compile(r"([<>]=?\s*)?([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)")
_TRUE, _FALSE = frozenset(("true", "yes", "1")), frozenset(("false", "no", "0"))
_KINDS: dict[str, Kind] = {"STRING": "categorical", "NUMBER": "numeric", "BOOLEAN": "boolean"}
_UNITS = {"_MONTHS": "months", "_DAYS": "days", "_YEARS": "years"}


@dataclass(frozen=True, eq=False)
class Attributes:
    """One clinical file as a table of typed columns, in the file's order.

    ``values`` is indexed by the identifier that no two rows share. ``bounds`` is how many numbers
    were written as bounds, such as ``>89``.
    """

    values: pd.DataFrame
    facts: dict[str, ColumnFacts]
    bounds: int


def read_attributes(data: DataFile, key: str, bad: BadRows) -> Attributes:
    """Read one clinical file.

    Parameters
    ----------
    data
        The file.
    key
        ``PATIENT_ID`` or ``SAMPLE_ID``; of the latter, the column ``PATIENT_ID`` is kept.
    bad
        Takes rows without a valid identifier, with one that stands before, or with a value that
        is not of the column's type.

    Raises
    ------
    RecordsError
        If the head is not as it should be.
    """
    ids = tuple(dict.fromkeys(("PATIENT_ID", key)))
    table = read_table(data.file, data.name, ids, bad)
    types, facts = _head(table, ids)
    kept: dict[str, dict[str, object]] = {}
    bounds = 0
    for line, cells in table.rows:
        written = [cells[name] for name in ids]
        if not all(_ID.fullmatch(value or "") for value in written):
            bad.add(
                data.name, f"line {line}", f"no {' or no '.join(ids)} of letters, digits, . _ and -"
            )
            continue
        identity = str(cells[key])
        if identity in kept:
            bad.add(data.name, f"line {line}", f"a {key} that stands before")
            continue
        typed: dict[str, object] = {}
        n_bounds = 0
        for name, kind in types.items():
            value, fits, bound = _typed(cells[name], kind)
            if not fits:
                bad.add(
                    data.name,
                    f"line {line}",
                    f"{name}: expected {kind.lower()}, got something else",
                )
                break
            typed[name] = value
            n_bounds += bound
        else:
            kept[identity] = {**typed, **({"PATIENT_ID": written[0]} if len(ids) > 1 else {})}
            bounds += n_bounds
    columns = [*types, *(["PATIENT_ID"] if len(ids) > 1 else [])]
    frame = pd.DataFrame.from_dict(kept, orient="index", columns=columns, dtype=object)
    frame.index = frame.index.astype(object)
    return Attributes(_with_types(frame, types), facts, bounds)


def _head(table: Table, ids: tuple[str, ...]) -> tuple[dict[str, str], dict[str, ColumnFacts]]:
    """Datatype and facts of each attribute, by the lines that start with ``#``."""
    head = [comment.split("\t") for comment in table.comments]
    # Files of before 2016 have a fifth line, of the level of each attribute.
    if len(head) not in (4, 5) or any(len(line) != len(table.columns) for line in head):
        raise RecordsError(
            f"{table.name}: expected four lines that start with # (display names, descriptions, "
            f"datatypes, priorities) with a cell for each of {len(table.columns)} columns"
        )
    types, facts = {}, {}
    for name, title, description, kind in zip(table.columns, *head[:3], strict=True):
        if name in ids:
            continue
        if kind.strip() not in _KINDS:
            raise RecordsError(
                f"{table.name}: the datatype of {name} is none of STRING, NUMBER and BOOLEAN"
            )
        types[name] = kind.strip()
        unit = next((unit for end, unit in _UNITS.items() if name.endswith(end)), None)
        meaning = description.strip() or title.strip() or name
        facts[name] = ColumnFacts(_KINDS[types[name]], meaning, unit)
    return types, facts


def _typed(cell: str | None, kind: str) -> tuple[object, bool, bool]:
    """Value, whether it is of that type, and whether it is a number written as a bound."""
    if cell is None or kind == "STRING":
        return cell, True, False
    if kind == "BOOLEAN":
        word = cell.lower()
        return word in _TRUE, word in _TRUE | _FALSE, False
    match = _NUMBER.fullmatch(cell)
    if match is None:
        return None, False, False
    value = float(match[2])
    return value, abs(value) < 1e300, match[1] is not None


def _with_types(frame: pd.DataFrame, types: dict[str, str]) -> pd.DataFrame:
    typed = {}
    for name in frame.columns:
        kind = types.get(name)
        if kind == "NUMBER":
            typed[name] = frame[name].astype("float64")
        elif kind == "BOOLEAN":
            typed[name] = frame[name].astype("boolean")
        elif kind == "STRING":
            typed[name] = frame[name].astype(object).astype("category")
        else:
            typed[name] = frame[name]
    return pd.DataFrame(typed, index=frame.index)
