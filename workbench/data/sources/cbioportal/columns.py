"""Attributes of patients, and of the sample that stands for each → one table of patients."""

import pandas as pd

from workbench.data.records import ColumnFacts
from workbench.data.sources.cbioportal.clinical import Attributes
from workbench.data.sources.sex import SEX_FACTS, sex_column, sex_word

_SEX = ("SEX", "GENDER")


def patient_table(
    patients: Attributes | None, samples: Attributes, chosen: pd.Series
) -> tuple[pd.DataFrame, dict[str, ColumnFacts]]:
    """Every patient with their columns, and what each column is.

    Names are in lower case. An attribute of the sample that is called like one of the patient is
    ``sample_…``; ``sample_id`` names the sample that the attributes are of. ``SEX`` or ``GENDER``
    of the patient file is ``sex``, missing where it is no such word.

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
        own = patients.values.reindex(index)
        for name in own.columns:
            if name in _SEX and "sex" not in columns:
                words = own[name].astype(object).map(sex_word, na_action="ignore")
                columns["sex"], facts["sex"] = sex_column(words), SEX_FACTS
            else:
                columns[name.lower()], facts[name.lower()] = own[name], patients.facts[name]
    ids = chosen.reindex(index)
    of_sample = samples.values.reindex(ids.to_numpy()).drop(columns="PATIENT_ID")
    of_sample.index = index
    columns["sample_id"] = ids.astype(object).astype("category")
    facts["sample_id"] = ColumnFacts("categorical", "the sample that stands for the patient")
    for name in of_sample.columns:
        lower = f"sample_{name.lower()}" if name.lower() in columns else name.lower()
        columns[lower], facts[lower] = of_sample[name], samples.facts[name]
    return pd.DataFrame(columns, index=index), facts
