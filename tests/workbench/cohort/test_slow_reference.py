"""The evaluator beside a second one that shares no code with it, on random records."""

import json
from dataclasses import replace
from random import Random

import numpy as np
import pandas as pd
import pytest

from tests.workbench.cohort.random_cases import (
    as_records,
    microseconds,
    random_criterion,
    random_definition,
    random_source,
)
from tests.workbench.cohort.slow_reference import SlowSource, evaluate
from workbench.cohort.criteria import parse, query
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import RecordDefinition

PER_SOURCE = 8


def draw(seed: int, n: int = PER_SOURCE) -> tuple[Random, SlowSource, list[RecordCohort]]:
    """A random source, and cohorts of definitions that fit it."""
    rng = Random(seed)
    source = random_source(rng)
    records = as_records(source)
    return rng, source, [build_cohort(records, random_definition(rng, source)) for _ in range(n)]


def same(one: RecordCohort, other: RecordCohort) -> None:
    assert one.definition.hash == other.definition.hash
    pd.testing.assert_frame_equal(one.attrition, other.attrition)
    pd.testing.assert_frame_equal(one.patients, other.patients)


@pytest.mark.parametrize("seed", range(24))
def test_every_cell_equals_the_slow_evaluation(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query, "FREQUENT", [100_000, 1, 4][seed % 3])
    _, source, cohorts = draw(seed)
    for cohort in cohorts:
        slow = evaluate(source, cohort.definition.to_dict())
        table, attrition = cohort.patients, cohort.attrition
        assert cohort.candidates.exit.tolist() == [microseconds(moment) for moment in slow.exits]
        assert table["patient_id"].tolist() == [record.patient_id for record in slow.records]
        index = cohort.candidates.index[cohort.flow.kept]
        assert index.tolist() == [microseconds(record.index) for record in slow.records]
        waits = cohort.definition.outcome is not None
        assert table["time" if waits else "days"].tolist() == slow.times
        assert (table["event"].tolist() if waits else [False] * len(table)) == slow.events
        assert len(attrition) == len(slow.attrition)
        for (_, row), expected in zip(attrition.iterrows(), slow.attrition, strict=True):
            assert row[list(expected)].to_dict() == expected, cohort.definition.to_json()


@pytest.mark.parametrize("seed", range(100, 105))
def test_the_order_of_events_does_not_matter(seed: int) -> None:
    rng, source, cohorts = draw(seed, 4)
    events = list(source.events)
    rng.shuffle(events)
    records = as_records(replace(source, events=tuple(events)))
    for cohort in cohorts:
        same(build_cohort(records, cohort.definition), cohort)


@pytest.mark.parametrize("seed", range(200, 208))
def test_changing_a_cohort_equals_building_it_anew(seed: int) -> None:
    rng, source, cohorts = draw(seed, 3)
    for cohort in cohorts:
        one, two = (parse(random_criterion(rng, source, 1)) for _ in range(2))
        more = cohort.select(one, two)
        same(more, build_cohort(cohort.records, cohort.definition.selecting(one, two)))
        assert set(more.patients["patient_id"]) <= set(cohort.patients["patient_id"])

        select = list(more.definition.select)
        order = rng.sample(range(len(select)), len(select))
        turned = more.reordered(order)
        definition = replace(more.definition, select=tuple(select[i] for i in order))
        same(turned, build_cohort(cohort.records, definition))
        pd.testing.assert_frame_equal(turned.patients, more.patients)

        at = rng.randrange(len(select))
        fewer = tuple(select[:at] + select[at + 1 :])
        same(
            more.dropping(at),
            build_cohort(cohort.records, replace(more.definition, select=fewer)),
        )
        changed = (*select[:at], two, *select[at + 1 :])
        same(
            more.replacing(at, two),
            build_cohort(cohort.records, replace(more.definition, select=changed)),
        )


@pytest.mark.parametrize("seed", range(300, 305))
def test_a_later_loss_takes_exactly_its_records(seed: int) -> None:
    rng, _, cohorts = draw(seed, 4)
    for cohort in cohorts:
        stays = np.array([rng.random() < 0.6 for _ in range(cohort.n_records)], bool)
        left = cohort.losing("unreadable", "images that can be read", stays)
        expected = cohort.patients[stays].reset_index(drop=True)
        pd.testing.assert_frame_equal(left.patients, expected)
        row = left.attrition.iloc[-1]
        assert row["records_removed"] == int((~stays).sum())
        assert row["n_after"] == expected["patient_id"].nunique()
        pd.testing.assert_frame_equal(left.attrition.iloc[:-1, :10], cohort.attrition.iloc[:, :10])


@pytest.mark.parametrize("seed", range(400, 410))
def test_definitions_survive_json(seed: int) -> None:
    rng = Random(seed)
    source = random_source(rng)
    for _ in range(5):
        definition = random_definition(rng, source)
        again = RecordDefinition.from_json(definition.to_json())
        assert again.to_json() == definition.to_json()
        assert RecordDefinition.from_json(again.to_json()) == again
        for criterion in again.select:
            assert parse(json.loads(json.dumps(criterion.to_json()))) == criterion


@pytest.mark.parametrize("seed", range(500, 510))
def test_sentences_say_what_is_asked_for(seed: int) -> None:
    rng = Random(seed)
    source = random_source(rng)
    for _ in range(5):
        definition = random_definition(rng, source)
        sentences = definition.sentences()
        assert all(sentence.strip() for sentence in sentences)
        said = "\n".join(sentences)
        for what in _named(definition.to_dict()):
            assert {"MEDS_BIRTH": "birth", "MEDS_DEATH": "death"}.get(what, what) in said


def _named(written: object) -> set[str]:
    """Codes, titles, columns, levels and names of a definition that a sentence must hold."""
    if isinstance(written, list):
        return set().union(*map(_named, written))
    if not isinstance(written, dict):
        return set()
    if "title" in written and "schema" not in written:
        inner = {key: written[key] for key in ("where",) if key in written}
        return {written["title"], *written.get("texts", []), *_named(inner)}
    found = {written[key] for key in ("column", "has", "name") if key in written}
    for key in ("codes", "prefixes", "texts"):
        found |= set(written.get(key, []))
    return found.union(*(_named(part) for part in written.values()))
