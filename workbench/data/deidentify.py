"""Pseudonyms, and dates that are moved while intervals stay.

Every patient gets one pseudonym and one shift, derived from a secret key and the identifier alone:
so all tables of a patient agree, whenever and wherever they are prepared, and no list of who is who
is kept. A shift of whole weeks keeps the day of the week and the time of day, and nearly the
season.

Shifted dates say nothing about the calendar: they must not be compared between patients, nor with
dates that were not shifted alike, which :func:`interval` refuses. Moved dates with ages over 89
grouped are a safeguard; they alone do not make data de-identified under the HIPAA safe harbour,
which leaves of a date its year at most: that takes an expert's determination [1].

References
----------
[1] Office for Civil Rights. "Guidance regarding methods for de-identification of protected health
    information in accordance with the HIPAA privacy rule." 2012; 45 CFR 164.514(b).
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from workbench.data.date_in_text import holds_date
from workbench.data.events import DAY, STATIC
from workbench.data.secret_key import SecretKey
from workbench.errors import RecordsError

OLDEST_SHOWN = 89
"""Ages above are one group, 90 and older, in the HIPAA safe harbour."""

LONG_NUMBER = 5
"""Digits of a number that is not by accident the identifier of the patient in whose row it is."""

SHIFTED_BY = "shifted_by"
"""Entry of ``attrs`` that says by what dates were shifted."""

_WORD = re.compile(r"[^\s,;:|()\[\]\"']+")


def pseudonyms(
    patient_id: "pd.Series[Any] | pd.Index[Any] | Sequence[str]", key: SecretKey
) -> np.ndarray:
    """A name for each patient that says nothing without the key, and is the same in every table.

    Parameters
    ----------
    patient_id
        Identifiers, text or whole numbers; 12 and ``"12"`` are one patient.
    key
        The secret.

    Returns
    -------
    ndarray
        (row,) str: ``P`` and 16 letters and digits. Two identifiers never share one.

    Raises
    ------
    RecordsError
        If an identifier is missing or no whole number, or two identifiers got one name.
    """
    codes, distinct = _patients(patient_id)
    names = [
        "P" + base64.b32encode(key.digest("pseudonym", text, 10)).decode() for text in distinct
    ]
    if len(set(names)) < len(names):
        raise RecordsError("two patients would have one pseudonym: use another key")
    return np.array(names, dtype=object)[codes]


@dataclass(frozen=True)
class DateShift:
    """How far each patient's dates are moved.

    Parameters
    ----------
    key
        The secret.
    unit
        ``weeks`` keeps the day of the week, ``days`` does not.
    most
        Dates move by 1 to this many units, earlier or later.

    Raises
    ------
    RecordsError
        If fewer than two shifts are possible in each direction.
    """

    key: SecretKey
    unit: Literal["weeks", "days"] = "weeks"
    most: int = 52

    def __post_init__(self) -> None:
        if self.most < 2:
            raise RecordsError(f"most: at least 2 {self.unit}, got {self.most}")

    @property
    def name(self) -> str:
        """Tells shifts apart; says neither the key nor how far any patient was moved."""
        return f"{self.key.fingerprint}-{self.unit}-{self.most}"

    def days(self, patient_id: "pd.Series[Any] | pd.Index[Any] | Sequence[str]") -> np.ndarray:
        """By how many days each row's dates move, (row,) int64; never zero."""
        codes, distinct = _patients(patient_id)
        drawn = [self.key.digest(f"shift {self.unit} {self.most}", text, 8) for text in distinct]
        place = np.array([int.from_bytes(d) % (2 * self.most) for d in drawn], np.int64)
        units = np.where(place < self.most, place - self.most, place - self.most + 1)
        return (units * (7 if self.unit == "weeks" else 1))[codes]


def shift_dates(
    dates: "pd.Series[Any]",
    patient_id: "pd.Series[Any] | pd.Index[Any] | Sequence[str]",
    shift: DateShift,
) -> "pd.Series[Any]":
    """Dates moved by their patient's shift; every interval within a patient stays to the µs.

    Parameters
    ----------
    dates
        Datetimes of any resolution, with a time zone or without; missing stay missing.
    patient_id
        Whose each is.
    shift
        How far patients are moved.

    Raises
    ------
    RecordsError
        If they are no datetimes, are shifted already, or would leave what their type can hold.
    """
    if not pd.api.types.is_datetime64_any_dtype(dates.dtype):
        raise RecordsError(
            f"{dates.name} was to be a date, got {dates.dtype}: use pandas.to_datetime"
        )
    if SHIFTED_BY in dates.attrs:
        raise RecordsError(f"{dates.name} is shifted already: shift the original dates once")
    unit = getattr(dates.dtype, "unit", None) or np.datetime_data(dates.dtype)[0]
    moved = shift.days(patient_id).astype("timedelta64[D]").astype(f"timedelta64[{unit}]")
    try:
        shifted = dates + pd.Series(moved, dates.index)
    except (OverflowError, pd.errors.OutOfBoundsDatetime) as error:
        raise RecordsError(
            f"{dates.name}: a date would leave what {dates.dtype} can hold: convert to "
            "datetime64[us]"
        ) from error
    shifted.attrs[SHIFTED_BY] = shift.name
    return shifted.rename(dates.name)


def shift_times(
    time: np.ndarray,
    patient_id: "pd.Series[Any] | pd.Index[Any] | Sequence[str]",
    shift: DateShift,
) -> np.ndarray:
    """As :func:`shift_dates`, of int64 µs; what has no time (``STATIC``) has none afterwards.

    Raises
    ------
    RecordsError
        If times are not int64.
    """
    if time.dtype != np.int64:
        raise RecordsError(f"times are int64 µs, got {time.dtype}")
    return np.where(time == STATIC, STATIC, time + shift.days(patient_id) * DAY)


def interval(later: "pd.Series[Any]", earlier: "pd.Series[Any]") -> "pd.Series[Any]":
    """Time between two dates of the same patients, if both were shifted alike or neither was.

    Raises
    ------
    RecordsError
        If they were not.
    """
    by = [dates.attrs.get(SHIFTED_BY) for dates in (later, earlier)]
    if by[0] != by[1]:
        raise RecordsError(
            f"{later.name} and {earlier.name} were not shifted alike: their difference means "
            "nothing. Shift both with one key, or neither"
        )
    return later - earlier


def group_ages(age: "pd.Series[Any]") -> "pd.Series[Any]":
    """Ages in years with those over 89 as 90, which then means 90 and older; missing stay."""
    return age.mask(age >= OLDEST_SHOWN + 1, OLDEST_SHOWN + 1)


def deidentify(
    table: pd.DataFrame,
    shift: DateShift,
    *,
    patient_id: str = "patient_id",
    dates: Sequence[str] = (),
    births: Sequence[str] = (),
    at: str | None = None,
    ages: Sequence[str] = (),
) -> pd.DataFrame:
    """One table of patients without identifiers and dates of their own.

    Parameters
    ----------
    table
        Any number of rows a patient.
    shift
        How far patients are moved; pseudonyms come from the same key.
    patient_id
        Column of identifiers.
    dates, births
        Columns that are moved. A birth date of whoever is over 89 is then missing, in all rows of
        that patient.
    at
        Column of dates at which age is judged, where there are births: the latest of each patient;
        the latest of the column for who has none.
    ages
        Columns of ages in years, which are grouped over 89.

    Returns
    -------
    DataFrame
        The same columns, sorted by pseudonym, since the order of rows tells who is who too, with a
        new index.

    Raises
    ------
    RecordsError
        If a column does not exist, dates are left that were not named, a text holds an identifier
        or what looks like a date, or a column of numbers holds identifiers.
    """
    named = [patient_id, *dates, *births, *ages, *([at] if at is not None else [])]
    unknown = [name for name in named if name not in table]
    if unknown:
        raise RecordsError(f"no column is called {unknown[0]!r}")
    if births and at is None:
        raise RecordsError("birth dates need at, the column of dates at which age is judged")
    ids, changed = table[patient_id], table.copy()
    for name in (*dates, *births):
        changed[name] = shift_dates(table[name], ids, shift)
    if at is not None:
        patient = _patients(ids)[0]
        latest = table[at].groupby(patient).transform("max")
        moment = latest.fillna(table[at].max())
        for name in births:
            old = table[name] + pd.DateOffset(years=OLDEST_SHOWN + 1) <= moment
            changed[name] = changed[name].mask(old.groupby(patient).transform("any"))
    for name in ages:
        changed[name] = group_ages(table[name])
    changed[patient_id] = pseudonyms(ids, shift.key)
    _check_nothing_left(changed, ids, {patient_id, *dates, *births})
    changed = changed.sort_values(patient_id, kind="stable", ignore_index=True)
    changed.attrs = {SHIFTED_BY: shift.name}
    return changed


def _check_nothing_left(changed: pd.DataFrame, ids: "pd.Series[Any]", done: set[str]) -> None:
    """Refuse dates that nobody named, and texts that hold an identifier or a date."""
    known = set(_patients(ids)[1])
    for name in (name for name in changed if name not in done):
        values = changed[name]
        if pd.api.types.is_datetime64_any_dtype(values.dtype):
            raise RecordsError(f"{name} holds dates: name it in dates or births, or drop it")
        if pd.api.types.is_numeric_dtype(values.dtype):
            if _numbers_name_patients(values, ids):
                raise RecordsError(f"{name}: its numbers are identifiers of patients: drop it")
            continue
        texts = pd.unique(values.dropna().astype(str))
        n_ids = sum(bool(known & {text, *_WORD.findall(text)}) for text in texts)
        n_dates = sum(holds_date(text) for text in texts)
        if n_ids or n_dates:
            raise RecordsError(
                f"{name}: {n_ids} different texts hold an identifier, {n_dates} look like a date: "
                "drop the column, or clean it"
            )


def _numbers_name_patients(values: "pd.Series[Any]", ids: "pd.Series[Any]") -> bool:
    """Whether numbers are identifiers, and do not merely look like some by accident.

    A long number in the row of the patient whose identifier it is says so alone; short ones where
    most rows have their own; and so do long ones of other patients, such as a mother's.
    """
    whole = values.notna() & (values % 1 == 0)
    if pd.api.types.is_bool_dtype(values.dtype) or not whole.any():
        return False
    codes, distinct = _patients(ids)
    owners = np.array(distinct, dtype=object)[codes[whole.to_numpy()]]
    texts = values[whole].astype(float).map("{:.0f}".format).to_numpy(object)
    own, known = texts == owners, pd.Series(texts).isin(distinct).to_numpy()
    long, half = pd.Series(texts).str.len().to_numpy() >= LONG_NUMBER, values.count() / 2
    most_own = own.sum() > half and len(set(texts[own])) > 1
    return bool((own & long).any() or most_own or (known & long).sum() > half)


def _patients(
    patient_id: "pd.Series[Any] | pd.Index[Any] | Sequence[str]",
) -> tuple[np.ndarray, list[str]]:
    """Code of each row, and the distinct identifiers as text."""
    codes, distinct = pd.factorize(pd.Series(patient_id))
    n_missing = int((codes < 0).sum())
    if n_missing:
        raise RecordsError(f"{n_missing} of {len(codes)} rows have no patient identifier")
    odd = sum(not isinstance(value, str | int | np.integer) for value in distinct)
    if odd:
        raise RecordsError(
            f"identifiers are text or whole numbers, {odd} are neither: read the column as text"
        )
    texts, names = pd.factorize(np.array([str(value) for value in distinct], dtype=object))
    return texts[codes], names.tolist()
