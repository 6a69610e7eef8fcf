"""What a builder asks: a dataset or health records, each rule once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pandas as pd

from workbench.cohort.account import step_name
from workbench.cohort.cohort import Cohort
from workbench.cohort.criteria import Criterion
from workbench.cohort.definition import Definition
from workbench.cohort.flow import Step
from workbench.cohort.record_cohort import RecordCohort, build_cohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.time_zero import check_columns
from workbench.data.open_card import DataCard
from workbench.data.records import Records
from workbench.errors import CohortError
from workbench.widgets.concept_search import ConceptSearch
from workbench.widgets.flow_rows import AnyCohort, with_rules
from workbench.widgets.rule_drafts import RecordsDraft
from workbench.widgets.rule_editor import Palette, column_choice, reader_of
from workbench.widgets.rule_reading import Reader

NUMBERS = pd.Series([0.0])
AnyDefinition = Definition | RecordDefinition


@dataclass(frozen=True)
class Answer:
    """What a rule says of every patient: the steps it counts as, and what a reader must know."""

    steps: tuple[Step, ...]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class CardSource:
    """A dataset: one record a patient."""

    card: DataCard

    @property
    def title(self) -> str:
        """What the dataset is called."""
        return self.card.spec.title

    @cached_property
    def _start(self) -> dict[str, Cohort]:
        return {}

    def base(self, outcome: str, records: RecordsDraft | None = None) -> Cohort:
        """Everybody before any rule."""
        if outcome not in self._start:
            self._start[outcome] = self.card.cohort(outcome=outcome)
        return self._start[outcome]

    @cached_property
    def _everyone(self) -> Any:
        outcome = next(iter(self._start), None) or next(iter(self.card.spec.outcomes))
        return self.base(outcome).everyone

    @cached_property
    def palette(self) -> Palette:
        """What rules can be made of."""
        spec, table, columns = self.card.spec, self._everyone, {}
        for name, column in spec.columns.items():
            try:
                check_columns(spec, [name], "a criterion")
            except CohortError:
                continue
            if name in table:
                title = name.replace("_", " ")
                columns[name] = column_choice(table[name], title, column.unit)
        return Palette(columns, tuple(spec.modalities))

    @cached_property
    def reader(self) -> Reader:
        """What reads drafts."""
        return reader_of(self._everyone, self.palette)

    def ask(self, base: AnyCohort, criterion: Criterion) -> Answer:
        """One rule, asked of everybody; raises WorkbenchError where it does not fit."""
        asked = self._thin(base).select(criterion)
        n_before = len(base.flow.rules)
        return Answer(asked.flow.rules[n_before:], asked.warnings[len(base.warnings) :])

    def _thin(self, base: AnyCohort) -> Cohort:
        """The cohort with no more columns than asking needs: of a million patients each costs."""
        assert isinstance(base, Cohort)
        columns = self.card.spec.columns
        groups = [n for n, c in columns.items() if c.role == "group" and n in base.patients]
        folds = base.published_folds[[]]
        return replace(base, patients=base.patients[groups], published_folds=folds)

    def defined(self, base: AnyCohort, criteria: Sequence[Criterion]) -> AnyDefinition:
        """The definition of these rules."""
        assert isinstance(base, Cohort)
        return base.definition.selecting(tuple(criteria))

    def cohort(
        self, base: AnyCohort, criteria: Sequence[Criterion], steps: Sequence[Step]
    ) -> AnyCohort:
        """The cohort of these rules, whose steps are known."""
        return base.select(*criteria)

    def again(self, written: Mapping[str, Any]) -> AnyCohort:
        """The cohort of a definition that was written."""
        definition = Definition.from_json(json.dumps(dict(written)))
        return self.base(definition.outcome).select(*definition.select)


@dataclass(frozen=True, eq=False)
class RecordsSource:
    """Health records: an entry event makes a record, rules are asked of every record."""

    records: Records

    @property
    def title(self) -> str:
        """What the dataset is called."""
        return self.records.source.name

    @cached_property
    def palette(self) -> Palette:
        """What rules can be made of."""
        table, facts, columns = self.records.patients, self.records.columns, {}
        for name, fact in facts.items():
            unit = fact.unit if name in facts else None
            columns[name] = column_choice(table[name], name.replace("_", " "), unit)
        columns = self._dated | columns
        return Palette(columns, tuple(self.records.modalities), True, ConceptSearch(self.records))

    @property
    def _dated(self) -> dict[str, Any]:
        """Columns that depend on the index date."""
        if self.records.clock == "relative":
            return {}
        number = {"index_year": column_choice(NUMBERS, "year of the index date", None)}
        if "birth" in self.records.columns:
            number = {"age": column_choice(NUMBERS, "age at the index date", "years")} | number
        return number

    @cached_property
    def reader(self) -> Reader:
        """What reads drafts."""
        return reader_of(self.records.patients, self.palette)

    @cached_property
    def _start(self) -> dict[str, RecordCohort]:
        return {}

    def base(self, outcome: str, records: RecordsDraft | None) -> RecordCohort:
        """Every index date before any rule; raises WorkbenchError where something is missing."""
        definition = self.reader.definition(RecordsDraft() if records is None else records)
        # The title and which of the records is kept change nothing of what is asked.
        plain = replace(definition, title="", limit="all")
        if plain.hash not in self._start:
            self._start.clear()
            self._start[plain.hash] = build_cohort(self.records, plain)
        base = self._start[plain.hash]
        return replace(base, definition=definition)

    def ask(self, base: AnyCohort, criterion: Criterion) -> Answer:
        """One rule, asked of everybody; raises WorkbenchError where it does not fit."""
        assert isinstance(base, RecordCohort)
        everyone = replace(base, definition=replace(base.definition, limit="all"))
        return Answer(everyone.select(criterion).flow.rules[len(base.flow.rules) :])

    def defined(self, base: AnyCohort, criteria: Sequence[Criterion]) -> AnyDefinition:
        """The definition of these rules."""
        assert isinstance(base, RecordCohort)
        return base.definition.selecting(*criteria)

    def cohort(
        self, base: AnyCohort, criteria: Sequence[Criterion], steps: Sequence[Step]
    ) -> AnyCohort:
        """The cohort of these rules, whose steps are known."""
        assert isinstance(base, RecordCohort)
        named = [
            replace(step, name=step_name(criterion, at))
            for at, (criterion, step) in enumerate(zip(criteria, steps, strict=True), 1)
        ]
        definition = base.definition.selecting(*criteria)
        return replace(base, definition=definition, flow=with_rules(base, named))

    def again(self, written: Mapping[str, Any]) -> AnyCohort:
        """The cohort of a definition that was written."""
        return build_cohort(self.records, RecordDefinition.from_dict(written))


RuleSource = CardSource | RecordsSource
