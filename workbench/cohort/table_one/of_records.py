"""Table one of a cohort of health records: characteristics, and variables out of events."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from workbench.cohort.features import Feature
from workbench.cohort.table_one.asking import require_tables
from workbench.cohort.table_one.description import describe
from workbench.cohort.table_one.earlier import NOTHING_EARLIER, Earlier
from workbench.cohort.table_one.grouping import Division
from workbench.cohort.table_one.record import TableOne
from workbench.data.card import did_you_mean
from workbench.errors import CohortError

if TYPE_CHECKING:
    from workbench.cohort.record_cohort import RecordCohort

UNITS = {"age": "years", "age_by_year": "years"}


def table_one_of_records(
    cohort: "RecordCohort",
    *,
    by: str | None = None,
    columns: Sequence[str] | None = None,
    features: Sequence[Feature] = (),
) -> TableOne:
    """Describe the records of a cohort at their index dates.

    Parameters
    ----------
    cohort
        Its records; a patient who stands in several is described at each.
    by
        Compare the levels of this column, or of a feature that is true or false.
    columns
        Characteristics to describe; all at the index date that are neither dates nor the same in
        every record, if not given.
    features
        Variables out of events before the index date, such as whether there was a diagnosis, or the
        last value of a measurement.

    Raises
    ------
    CohortError
        If a column does not exist, nobody is in, or a feature looks beyond the index date.
    PrivacyError
        If together with what was shown before, the table would give a small group away.
    """
    patients = cohort.patients_with(features)
    own = described_columns(cohort, patients) if columns is None else list(columns)
    names = [*own, *(feature.name for feature in features)]
    for name in (*names, *([] if by is None else [by])):
        if name not in patients:
            raise CohortError(
                f"table one: no column is called {name!r}{did_you_mean(name, list(patients))}"
            )
    owner = owner_of_records(cohort)
    return describe(
        patients,
        by=() if by is None else by,
        columns=[name for name in names if name != by],
        titles={feature.name: feature.words() for feature in features},
        units=UNITS | {f.name: f.unit for f in features if f.unit is not None},
        minimum_cell=cohort.records.minimum_cell,
        title=title_of_records(owner),
        owner=owner,
        ask=lambda divisions: require_record_tables(cohort, features, divisions),
    )


def owner_of_records(cohort: "RecordCohort") -> np.ndarray | None:
    """Whose each record of a cohort is, (record,) int; None where each patient has one."""
    if cohort.n_records == cohort.n_patients:
        return None
    return cohort.flow.patient[cohort.flow.kept]


def title_of_records(owner: np.ndarray | None) -> str:
    """What a table of them is called."""
    return f"{'Patients' if owner is None else 'Records'} at the index date"


def require_record_tables(
    cohort: "RecordCohort", features: Sequence[Feature], divisions: Sequence[Division]
) -> Earlier:
    """As :func:`~workbench.cohort.table_one.require_tables`, beside every candidate.

    Parameters
    ----------
    cohort
        Its records are described.
    features
        Further columns.
    divisions
        Of its records.
    """
    if cohort.release_log.minimum <= 1:
        return NOTHING_EARLIER
    everyone = cohort.candidates_with(features)
    return require_tables(
        cohort.release_log,
        record_words(cohort),
        everyone,
        ids=everyone["patient_id"],
        described=cohort.flow.kept,
        divisions=divisions,
    )


def record_words(cohort: "RecordCohort") -> str:
    """What the release log calls the patients."""
    return cohort.definition.title or ", ".join(cohort.definition.sentences())


def described_columns(cohort: "RecordCohort", patients: pd.DataFrame) -> list[str]:
    """Characteristics that say something of a group: no dates, and no column of one value."""
    known = list(cohort.candidates.table)
    return [
        name
        for name in known
        if name in patients
        and name != "age_by_year"
        and patients[name].dtype.kind != "M"
        and patients[name].nunique(dropna=False) > 1
    ]
