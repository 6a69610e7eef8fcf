"""Time zero: what is observed after the index date is cut, or refused, and either way said."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from workbench.data.card import Card, EhrModality, did_you_mean
from workbench.errors import CohortError


def check_columns(spec: Card, names: Iterable[str], use: str) -> tuple[str, ...]:
    """Refuse columns that are known only later; warn of those whose time nobody gives.

    Selecting or grouping patients by what happens to them later makes them immortal until then,
    so criteria and groups are held to the same rule as features.

    Parameters
    ----------
    spec
        The card.
    names
        Columns.
    use
        What they are to be, such as ``"a criterion"``.

    Returns
    -------
    tuple of str
        Warnings.

    Raises
    ------
    CohortError
        If there is no such column, it is known only after the outcome, or it is observed after
        the index date.
    """
    warnings = []
    for name in sorted(names):
        if name not in spec.columns:
            near = did_you_mean(name, spec.columns)
            raise CohortError(f"{use}: no column is called {name!r} in {spec.name}{near}")
        column = spec.columns[name]
        if column.role == "post_outcome" or spec.is_outcome(name):
            raise CohortError(f"{name} cannot be {use}: it is known only after the outcome")
        if column.observed_at is None:
            warnings.append(f"{name} is {use}, but the card does not say when it was observed")
        elif column.observed_at.days is not None and column.observed_at.days > 0:
            raise CohortError(
                f"{name} cannot be {use}: it is observed {column.observed_at.days} days after "
                "the index date"
            )
    return tuple(warnings)


def check_modalities(spec: Card, names: Iterable[str], use: str) -> None:
    """Refuse modalities whose presence is known only after the index date.

    Parameters
    ----------
    spec
        The card.
    names
        Modalities; those that the card does not have are not its business.
    use
        What having them is to be, such as ``"a criterion"``.

    Raises
    ------
    CohortError
        If one is observed after the index date: whoever has it lived until then.
    """
    for name in sorted(set(names) & set(spec.modalities)):
        read = spec.modalities[name]
        days = None if isinstance(read, EhrModality) else read.observed_at.days
        if days is not None and days > 0:
            raise CohortError(
                f"having {name} cannot be {use}: it is observed {days} days after the index date, "
                "and whoever has it lived until then"
            )


def fit_columns(spec: Card, modality: str) -> tuple[str, ...]:
    """Columns that a modality reads, once they are known to be fit for a model.

    Matrices and images are not columns: for them the tuple is empty.

    Parameters
    ----------
    spec
        The card.
    modality
        Name of the modality.

    Raises
    ------
    CohortError
        If there is no such modality, or it or one of its columns is observed after the index
        date, is known only after the outcome, or does not say when it was observed.
    """
    if modality not in spec.modalities:
        raise CohortError(
            f"no modality is called {modality!r}; there are {', '.join(spec.modalities)}"
            f"{did_you_mean(modality, spec.modalities)}"
        )
    read = spec.modalities[modality]
    if isinstance(read, EhrModality):
        for name, reason in spec.unfit_features(read.columns).items():
            raise CohortError(f"{name} cannot be a feature of {modality}: it {reason}")
        check_columns(spec, read.columns, f"a feature of {modality}")
        return read.columns
    if read.observed_at.days is not None and read.observed_at.days > 0:
        raise CohortError(
            f"{modality} is observed {read.observed_at.days} days after the index date: "
            "no model may see it"
        )
    return ()


def cut_late_values(spec: Card, patients: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Set missing what was observed after the index date, or on a day that nobody knows.

    Parameters
    ----------
    spec
        The card: columns whose ``observed_at`` names a column of days.
    patients
        Typed columns.

    Returns
    -------
    DataFrame, tuple of str
        Changed copy, and a warning for each column that lost values.
    """
    patients, warnings = patients.copy(), []
    days = {
        name: patients[column.observed_at.column].to_numpy(float)
        for name, column in spec.columns.items()
        if column.observed_at is not None and column.observed_at.column is not None
    }
    for name, day in days.items():
        given = patients[name].notna().to_numpy()
        late = given & ~(day <= 0)
        if late.any():
            patients[name] = patients[name].mask(late)
            warnings.append(_cut(name, "values", late, given, day, spec.privacy.minimum_cell))
    return patients, tuple(warnings)


def cut_late_modalities(
    spec: Card, patients: pd.DataFrame, days: pd.DataFrame
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """As :func:`cut_late_values`, for matrices and images: the patient does not have them.

    Parameters
    ----------
    spec
        The card.
    patients
        With ``has_<modality>`` columns.
    days
        Columns as the card has them, before anything was cut.
    """
    patients, warnings = patients.copy(), []
    for name, modality in spec.modalities.items():
        if isinstance(modality, EhrModality) or modality.observed_at.column is None:
            continue
        given = patients[f"has_{name}"].to_numpy()
        day = days[modality.observed_at.column].to_numpy(float)
        late = given & ~(day <= 0)
        if late.any():
            patients[f"has_{name}"] = given & ~late
            warnings.append(_cut(name, "patients", late, given, day, spec.privacy.minimum_cell))
    return patients, tuple(warnings)


def _cut(
    name: str, what: str, late: np.ndarray, given: np.ndarray, day: np.ndarray, minimum: int
) -> str:
    """What is left out and why, without a small number, nor one that gives the rest away."""
    n_late, n_undated = int((late & (day > 0)).sum()), int((late & np.isnan(day)).sum())
    n, n_cut = int(given.sum()), n_late + n_undated
    either = "observed after the index date, or on no known day"
    if 0 < n - n_cut < minimum:
        return f"{name}: all but a few {what} are left out, {either}"
    if 0 < n_cut < minimum:
        return f"{name}: a few {what} {either}, are left out"
    # How many have a value tells how few have none.
    whole = f"the {what}" if 0 < len(given) - n < minimum else f"{n} {what}"
    if any(0 < part < minimum for part in (n_late, n_undated)):
        return f"{name}: of {whole}, {n_cut} {either}, are left out"
    parts = [f"{n_late} observed after the index date"] if n_late else []
    parts += [f"{n_undated} observed on no known day"] if n_undated else []
    return f"{name}: of {whole}, {' and '.join(parts)} are left out"
