"""Attributes of patients, and of the sample that stands for each → one table of patients.

A column of patients counts as known on every day. Outcomes (``PFS_STATUS`` with ``PFS_MONTHS``) and
attributes whose names say that they are known only afterwards, are therefore none.
"""

from collections.abc import Iterable

import pandas as pd

from workbench.data.check_modalities import LATE_NAMES
from workbench.data.records import ColumnFacts
from workbench.data.sources.cbioportal.clinical import Attributes
from workbench.data.sources.sex import SEX_FACTS, sex_column, sex_word

_SEX = ("SEX", "GENDER")


def late_attributes(names: Iterable[str]) -> list[str]:
    """Attributes that are known only after the diagnosis, by their names, sorted."""
    every = set(names)
    prefixes = {name.removesuffix("_MONTHS") for name in every if name.endswith("_MONTHS")}
    pairs = {
        f"{prefix}{end}"
        for prefix in prefixes
        if f"{prefix}_STATUS" in every
        for end in ("_STATUS", "_MONTHS")
    }
    return sorted(pairs | {name for name in every if LATE_NAMES.search(name)})


def patient_table(
    patients: Attributes | None, samples: Attributes, chosen: pd.Series
) -> tuple[pd.DataFrame, dict[str, ColumnFacts]]:
    """Every patient with their columns, and what each column is.

    Names are in lower case. An attribute of the sample that is called like one of the patient is
    ``sample_…``; ``sample_id`` names the sample that the attributes are of. ``SEX`` or ``GENDER``
    of the patient file is ``sex``, missing where it is no such word. What
    :func:`late_attributes` names is left out.

    Parameters
    ----------
    patients, samples
        The clinical files; the study may have none of patients.
    chosen
        ``SAMPLE_ID`` by ``PATIENT_ID``.
    """
    known = set(samples.values["PATIENT_ID"]) | set(
        () if patients is None else patients.values.index
    )
    index = pd.Index(sorted(known), name="patient_id", dtype=object)
    columns: dict[str, pd.Series] = {}
    facts: dict[str, ColumnFacts] = {}
    if patients is not None:
        own = patients.values.drop(columns=late_attributes(patients.values)).reindex(index)
        for name in own.columns:
            if name in _SEX and "sex" not in columns:
                words = own[name].astype(object).map(sex_word, na_action="ignore")
                columns["sex"], facts["sex"] = sex_column(words), SEX_FACTS
            else:
                columns[name.lower()], facts[name.lower()] = own[name], patients.facts[name]
    ids = chosen.reindex(index)
    of_sample = samples.values.drop(columns=["PATIENT_ID", *late_attributes(samples.values)])
    of_sample = of_sample.reindex(ids.to_numpy())
    of_sample.index = index
    columns["sample_id"] = ids.astype(object).astype("category")
    facts["sample_id"] = ColumnFacts("categorical", "the sample that stands for the patient")
    for name in of_sample.columns:
        lower = f"sample_{name.lower()}" if name.lower() in columns else name.lower()
        columns[lower], facts[lower] = of_sample[name], samples.facts[name]
    return pd.DataFrame(columns, index=index), facts
