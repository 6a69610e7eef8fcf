"""The Python of a definition makes the definition again."""

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import workbench as wb
from tests.workbench.cohort.random_cases import as_records, random_definition, random_source
from workbench.cohort import record_cohort
from workbench.cohort.criteria import EventQuery, Happened, parse
from workbench.cohort.definition import Definition
from workbench.cohort.python_text import criterion_python, definition_python

NAMES: dict[str, Any] = {"wb": wb, "parse": parse, "EventQuery": EventQuery, "Happened": Happened}


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_it_makes_the_definition_again(seed: int) -> None:
    rng = Random(seed)
    source = random_source(rng)
    definition = random_definition(rng, source)
    for criterion in definition.select:
        made = eval(criterion_python(criterion), dict(NAMES))
        assert made.to_json() == criterion.to_json()


@pytest.mark.parametrize(
    ("criterion", "text"),
    [
        (wb.col("age") >= 18, "wb.col('age') >= 18"),
        (~(wb.col("age") > 80), "~(wb.col('age') > 80)"),
        (wb.col("age").between(18, 65.5), "wb.col('age').between(18, 65.5)"),
        (
            (wb.col("sex") == "F") & wb.has("mri"),
            "(wb.col('sex') == 'F') & wb.has('mri')",
        ),
        (
            wb.at_least(2, wb.has("a"), wb.has("b"), wb.has("c")),
            "wb.at_least(2, wb.has('a'), wb.has('b'), wb.has('c'))",
        ),
        (wb.event("x").times(2, counted="days"), "wb.event('x').times(2, None, 'days')"),
        (wb.has("mri").within(None, None), "wb.has('mri').within(None, None)"),
        (wb.has("mri").within(-24, 0, "hours"), "wb.has('mri').within(-24, 0, 'hours')"),
    ],
)
def test_it_reads_as_a_person_writes(criterion: Any, text: str) -> None:
    assert criterion_python(criterion) == text
    assert eval(text, dict(NAMES)) == criterion


def test_a_dataset_is_opened_selected_and_split() -> None:
    chosen = (wb.col("age") >= 18).named("Adults", "consent")
    split = {"kind": "kfold", "k": 5, "seed": 1}
    text = definition_python(Definition("glioma", "1", "os", (chosen,), split))
    assert text == (
        "import workbench as wb\n\n"
        "cohort = wb.open_card('glioma').cohort(outcome='os').select(\n"
        "    (wb.col('age') >= 18).named('Adults', 'consent'),\n"
        ").split(kind='kfold', k=5, seed=1)\n"
    )


@pytest.mark.parametrize("seed", range(12))
def test_the_cell_of_records_makes_the_definition(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = Random(seed)
    source = random_source(rng)
    definition = random_definition(rng, source)
    made: list[Any] = []
    monkeypatch.setattr(wb, "open_records", lambda path: as_records(source))
    monkeypatch.setattr(record_cohort, "build_cohort", lambda records, d: made.append(d))
    monkeypatch.setattr(wb, "build_cohort", lambda records, d: made.append(d))
    exec(definition_python(definition, "omop"), {})
    assert made[0].to_json() == definition.to_json()
