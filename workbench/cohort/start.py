"""All patients of a card whose outcome is known: where every cohort starts."""

import re
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.cohort.definition import Definition
from workbench.cohort.flow import Flow, Step
from workbench.cohort.time_zero import cut_late_modalities, cut_late_values
from workbench.data.card import AnyOutcome, BinaryOutcome, EhrModality
from workbench.data.modalities import found_patients
from workbench.data.store import read_outcome, read_patients
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.data.open_card import DataCard


def start_cohort(card: "DataCard", outcome: str | None = None) -> Cohort:
    """All patients of a card whose outcome is known.

    Parameters
    ----------
    card
        The dataset.
    outcome
        Name of the outcome; that of the card's default study, if not given.

    Raises
    ------
    CohortError
        If nobody has the outcome, or the card uses a name that the cohort needs.
    DataCardError
        If the card has no such outcome, or a file is not as the card says.
    """
    spec = card.spec
    outcome = spec.study.get("outcome") if outcome is None else outcome
    if not isinstance(outcome, str):
        raise CohortError(f"name an outcome: {', '.join(spec.outcomes)}")
    raw = read_patients(card)
    _check_names(card, raw)
    patients, warnings = cut_late_values(spec, raw[list(spec.columns)])
    unread = {}
    for name in spec.modalities:
        patients[f"has_{name}"], unread[name] = _has(card, name, patients)
    patients, more = cut_late_modalities(spec, patients, raw)
    followed = read_outcome(card, outcome, patients.index)
    patients.insert(0, "time", followed["time"])
    patients.insert(1, "event", followed["event"].fillna(False).astype(bool))
    folds = [name for name, c in spec.columns.items() if c.role == "split"] + list(spec.splits)
    everyone = patients.drop(columns=[name for name in folds if name in patients])
    flow = Flow(
        patient=np.arange(len(everyone)),
        event=everyone["event"].to_numpy(),
        n_population=len(everyone),
        population="every patient of the dataset",
        before=_outcome_steps(spec.outcomes[outcome], outcome, followed),
    )
    kept = flow.kept
    return Cohort(
        card=card,
        outcome=outcome,
        everyone=everyone,
        patients=everyone[kept],
        published_folds=raw.loc[kept, folds].apply(_fold_numbers),
        definition=Definition(spec.name, spec.version, outcome),
        flow=flow,
        warnings=(*warnings, *more, *_unread_warnings(unread, spec.privacy.minimum_cell)),
        unread={name: mask for name, mask in unread.items() if mask.any()},
    )


def _outcome_steps(spec: AnyOutcome, outcome: str, followed: pd.DataFrame) -> tuple[Step, ...]:
    """Without the patients of unknown outcome, and those whose time does not pass zero."""
    known = followed.notna().all(axis=1).to_numpy()
    nobody = np.zeros(len(known), bool)
    if isinstance(spec, BinaryOutcome):
        if not known.any():
            raise CohortError(f"of no patient it is known whether {outcome} is there")
        return (Step("outcome known", f"{spec.title}: the outcome is known", known, nobody),)
    if not known.any():
        raise CohortError(f"no patient has both time and event of {outcome}")
    positive = (followed["time"] > 0).to_numpy()
    if not (known & positive).any():
        raise CohortError(f"no patient has a time of {outcome} above zero")
    return (
        Step("outcome known", f"{spec.title}: time and event are known", known, nobody),
        Step("followed up", "time from the index date is above zero", positive | ~known, nobody),
    )


def _has(card: "DataCard", name: str, patients: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Who has a modality, and of whom its files cannot be read, both (patient,) bool.

    Of clinical variables only what was not cut counts.
    """
    modality = card.spec.modalities[name]
    if isinstance(modality, EhrModality):
        observed = patients[list(modality.columns)].notna().any(axis=1).to_numpy()
        return observed, np.zeros(len(patients), bool)
    found = found_patients(card, name)
    return patients.index.isin(found.available), patients.index.isin(found.unread)


def _unread_warnings(unread: dict[str, np.ndarray], minimum: int) -> tuple[str, ...]:
    """One sentence for each modality of which files cannot be read."""
    counts = {name: int(mask.sum()) for name, mask in unread.items() if mask.any()}
    return tuple(
        f"the files of {name} cannot be read of {n if n >= minimum else f'fewer than {minimum}'} "
        f"{'patient' if n == 1 and minimum <= 1 else 'patients'}, who count as without it: "
        "`workbench data check` says what is wrong with them"
        for name, n in counts.items()
    )


def _fold_numbers(values: pd.Series) -> pd.Series:
    parsed = pd.to_numeric(values.astype(object), errors="coerce")
    numbers = pd.Series(parsed, index=values.index, dtype="Float64")
    if (numbers.isna() & values.notna()).any() or (numbers % 1 != 0).any():
        raise CohortError(f"{values.name}: folds must be whole numbers")
    return numbers.astype("Int64")


def _check_names(card: "DataCard", patients: pd.DataFrame) -> None:
    """Refuse columns that would hide behind the cohort's own."""
    own = {"time", "event", *(f"has_{name}" for name in card.spec.modalities)}
    free = {name for name, column in card.spec.columns.items() if column.role == "split"}
    folds = {name for name in card.spec.columns if re.fullmatch(r"fold(_\d+)?", name)}
    taken = sorted((own & set(card.spec.columns)) | (folds - free))
    if taken:
        raise CohortError(
            f"{card.name}: the column name {taken[0]!r} is the cohort's own: give the column "
            "another name in the card, and its header as `source`"
        )
    if patients.index.has_duplicates:
        raise CohortError(f"{card.name}: a patient stands in two rows")
