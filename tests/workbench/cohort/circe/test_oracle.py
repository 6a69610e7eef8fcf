"""Against the cohorts that the tests of OHDSI's circe-be expect, definition by definition."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.cohort.circe import (
    cdm_from_frames,
    read_circe,
    run_circe,
    translate_circe_entry,
)
from workbench.cohort.record_cohort import build_cohort
from workbench.data.records import Records
from workbench.errors import CohortError

pytestmark = pytest.mark.shared_data

Edit = Callable[[dict[str, Any]], None]

VOCABULARY = {
    "concept": pd.DataFrame({"concept_id": [1, 2, 3, 4], "invalid_reason": [None] * 4}),
    "concept_ancestor": pd.DataFrame(
        {"ancestor_concept_id": [1, 1, 4], "descendant_concept_id": [2, 3, 4]}
    ),
}
"""Concept 1 is the parent of 2 and 3; 4 is a gender. As circe-be's tests load it."""


@pytest.fixture(scope="module")
def folder() -> Path:
    resources = "formats/omop_cohorts/circe_be/src/test/resources/cohortgeneration"
    folder = Path(os.environ.get("WORKBENCH_DATA", "")) / resources
    if not folder.is_dir():
        pytest.skip("circe-be's test data are not here: set WORKBENCH_DATA to their folder")
    return folder


def as_is(document: dict[str, Any]) -> None:
    """The definition as the file has it."""


def limits(primary: str, qualified: str, included: str) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        document["PrimaryCriteria"]["PrimaryCriteriaLimit"]["Type"] = primary
        document["QualifiedLimit"]["Type"] = qualified
        document["ExpressionLimit"]["Type"] = included

    return edit


def occurrence(kind: int, count: int) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        document["AdditionalCriteria"]["CriteriaList"][0]["Occurrence"] = {
            "Type": kind,
            "Count": count,
        }

    return edit


def outer(kind: str, count: int | None = None) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        document["AdditionalCriteria"] |= {"Type": kind, "Count": count}

    return edit


def contradiction(document: dict[str, Any]) -> None:
    document["AdditionalCriteria"]["Type"] = "ALL"
    document["AdditionalCriteria"]["Groups"][0] |= {"Type": "AT_MOST", "Count": 0}


def without_groups(document: dict[str, Any]) -> None:
    document["AdditionalCriteria"] |= {"Type": "ALL", "Groups": []}


def first_of(domain: str) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        criteria = [{domain: {"First": True, "CodesetId": 0}}]
        document["PrimaryCriteria"]["CriteriaList"] = criteria

    return edit


def first_entry(document: dict[str, Any]) -> None:
    document["PrimaryCriteria"]["PrimaryCriteriaLimit"]["Type"] = "First"


FIRST = "firstOccurrence/firstOccurrenceTest"
DOMAINS = [
    "ConditionEra", "ConditionOccurrence", "DeviceExposure", "DrugEra", "DrugExposure",
    "Measurement", "Observation", "ProcedureOccurrence", "Specimen", "VisitOccurrence",
]  # fmt: skip
CASES = [
    ("correlatedCriteria/counts", "correlatedCriteria/countsTest", 1, as_is),
    ("correlatedCriteria/counts", "correlatedCriteria/countsTest", 2, occurrence(2, 1)),
    ("correlatedCriteria/counts", "correlatedCriteria/countsTest", 3, occurrence(1, 0)),
    ("correlatedCriteria/visit", "correlatedCriteria/countsTest", 4, as_is),
    ("correlatedCriteria/group", "correlatedCriteria/groupTest", 1, as_is),
    ("correlatedCriteria/group", "correlatedCriteria/groupTest", 2, outer("AT_LEAST", 2)),
    ("correlatedCriteria/group", "correlatedCriteria/groupTest", 3, outer("AT_MOST", 2)),
    ("correlatedCriteria/group", "correlatedCriteria/groupTest", 4, contradiction),
    ("correlatedCriteria/group", "correlatedCriteria/groupTest", 5, without_groups),
    ("limits/limit", "limits/limitTest", 1, as_is),
    ("limits/limit", "limits/limitTest", 2, limits("All", "All", "First")),
    ("limits/limit", "limits/limitTest", 3, limits("All", "First", "First")),
    ("limits/limit", "limits/limitTest", 4, limits("First", "First", "First")),
    ("limits/limit", "limits/limitTest", 5, limits("Last", "First", "First")),
    ("exits/continuousExposure", "exits/continuousExposure", 1, as_is),
    ("exits/continuousExposure", "exits/continuousExposure", 2, first_entry),
    ("exits/continuousExposureCensor", "exits/continuousExposureCensor", 1, as_is),
    ("exits/fixedOffset", "exits/fixedOffset", 1, as_is),
    ("exits/fixedOffsetCensor", "exits/fixedOffsetCensor", 1, as_is),
    ("exits/censorEvent", "exits/censorEvent", 1, as_is),
    ("censorWindow/censorWindow", "censorWindow/censorWindow", 1, as_is),
    ("mixedConceptsets/mixedConceptsets", "mixedConceptsets/mixedConceptsets", 1, as_is),
    ("eraDupes/eraDupes", "eraDupes/eraDupes", 1, as_is),
    ("inclusionRules/simpleInclusionRule", "inclusionRules/simpleInclusionRule", 1, as_is),
    *(
        (FIRST, FIRST, number, first_of(domain))
        for number, domain in enumerate(DOMAINS, 1)
        if domain != "DeviceExposure"
    ),
]


UNMAPPED = {"mixedConceptsets/mixedConceptsets": "ConditionOccurrence.ConditionSourceConcept"}


def read(folder: Path, expression: str, edit: Edit) -> str:
    path = folder / f"{expression}Expression.json"
    path = path if path.is_file() else folder / f"{expression}.json"
    document = json.loads(path.read_text())
    edit(document)
    return json.dumps(document)


def expected_rows(folder: Path, data: str, number: int) -> list[tuple[int, str, str]]:
    written = json.loads((folder / f"{data}_VERIFY.json").read_text())
    rows = next(part for name, part in written.items() if name.endswith(".cohort"))
    return sorted(
        (row["subject_id"], row["cohort_start_date"], row["cohort_end_date"])
        for row in rows
        if row["cohort_definition_id"] == number
    )


def frames(folder: Path, data: str) -> dict[str, pd.DataFrame]:
    written = json.loads((folder / f"{data}_PREP.json").read_text())
    rows = {name.removeprefix("cdm."): pd.DataFrame(part) for name, part in written.items()}
    return {**VOCABULARY, **rows}


@pytest.mark.parametrize(("expression", "data", "number", "edit"), CASES)
def test_the_cohort_is_the_one_that_circe_be_expects(
    folder: Path,
    records_of: Callable[..., Records],
    expression: str,
    data: str,
    number: int,
    edit: Edit,
) -> None:
    definition = read_circe(read(folder, expression, edit))
    with cdm_from_frames(frames(folder, data)) as model:
        cohort = run_circe(definition, model)
        records = records_of(model)
    came = [
        (row.person_id, f"{row.start:%Y-%m-%d}", f"{row.end:%Y-%m-%d}")
        for row in cohort.rows.itertuples()
    ]
    assert came == expected_rows(folder, data, number)
    last = cohort.attrition.iloc[-1]
    assert last["n_records"] == len(came)
    assert last["n_patients"] == len({person for person, *_ in came})
    if expression in UNMAPPED:
        with pytest.raises(CohortError, match=UNMAPPED[expression]):
            translate_circe_entry(definition)
        return
    ours = build_cohort(records, translate_circe_entry(definition).definition).patients
    assert sorted(zip(ours["patient_id"].astype(int), ours["index_date"], strict=True)) == [
        (row.person_id, row.start) for row in cohort.entries.itertuples()
    ]


def test_rule_masks_are_those_of_circe_be(folder: Path) -> None:
    data = "inclusionRules/simpleInclusionRule"
    with cdm_from_frames(frames(folder, data)) as model:
        cohort = run_circe(read_circe(read(folder, data, as_is)), model)
    written = json.loads((folder / f"{data}_VERIFY.json").read_text())
    masks = [
        row["inclusion_rule_mask"]
        for row in written["simpleInclusionRule.cohort_inclusion_result"]
        if row["mode_id"] == 0
        for _ in range(row["person_count"])
    ]
    bits = 1 << pd.RangeIndex(cohort.rules.holds.shape[1]).to_numpy()
    assert sorted(cohort.rules.holds @ bits) == sorted(masks)


def test_what_circepy_leaves_out_is_refused_not_run(folder: Path) -> None:
    definition = read_circe(read(folder, FIRST, first_of("DeviceExposure")))
    with (
        cdm_from_frames(frames(folder, FIRST)) as model,
        pytest.raises(CohortError, match=r"CriteriaList\[0\].DeviceExposure.First"),
    ):
        run_circe(definition, model)
