"""Who is in: rules written, counted and argued about, one edit at a time."""

from collections.abc import Mapping
from typing import Any, Literal

import pandas as pd

from workbench.cohort.cohort import Cohort
from workbench.cohort.criteria import Criterion
from workbench.cohort.difference import compare_definitions, compare_members
from workbench.cohort.flow import Flow
from workbench.cohort.record_cohort import RecordCohort
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.open_card import DataCard
from workbench.data.records import Records
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets.blocks import Block, Choice, Controls, Notice, Section
from workbench.widgets.builder_views import changes, definition_view, flow_view, offered_views
from workbench.widgets.builder_words import headline, notices
from workbench.widgets.entry_editor import entry_blocks
from workbench.widgets.flow_rows import AnyCohort, minimum_of, outcome_words, shown_attrition
from workbench.widgets.rule_counts import CountedRules, RuleCounter, read_only
from workbench.widgets.rule_drafts import AnyDraft, EventsDraft, RecordsDraft
from workbench.widgets.rule_edits import moved, with_new, with_part, without, without_part
from workbench.widgets.rule_list import rules_row
from workbench.widgets.rule_sources import AnyDefinition, CardSource, RecordsSource, RuleSource
from workbench.widgets.widget import NotebookWidget, WidgetState


class Kept(WidgetState):
    """A version of the definition that is kept to be compared with."""

    name: str
    definition: dict[str, Any]


class CohortBuilder(NotebookWidget):
    """Inclusion rules with live counts, their flow, and the definition that they make.

    Each rule is asked of the data once; moving, leaving out and renaming the others asks nothing
    again. What is half written is shown with what is missing, and counts for nothing.

    Parameters
    ----------
    source
        A dataset, health records, or a cohort of either, whose definition is where to begin.
    state
        What to begin with, such as the state of another builder.

    Examples
    --------
    >>> import workbench as wb
    >>> card = wb.open_card("simulated_glioma")
    >>> rule = {"kind": "column", "column": "age", "op": ">=", "number": 60}
    >>> builder = CohortBuilder(card, {"rules": [rule, {"kind": "has"}]})
    >>> builder.cohort, builder.tables["rules"].rows[0][:2]
    (Cohort(simulated_glioma, os: 206 patients, 146 events, not split), ('age ≥ 60', '206'))
    """

    class State(WidgetState):
        """Rules in their order, ``chosen`` the one that is edited (-1: none); ``outcome`` of a
        dataset, ``records`` what a cohort of records asks beside its rules."""

        rules: tuple[AnyDraft, ...] = ()
        outcome: str = ""
        records: RecordsDraft | None = None
        chosen: int = -1
        adding: str = "column"
        view: Literal["flow", "words", "json", "python", "sql", "changes"] = "flow"
        kept: tuple[Kept, ...] = ()
        against: str = ""

    title = "Who is in"

    def __init__(
        self,
        source: DataCard | Records | AnyCohort,
        state: WidgetState | Mapping[str, Any] | None = None,
    ) -> None:
        begun = source if isinstance(source, Cohort | RecordCohort) else None
        if isinstance(source, Cohort):
            source = source.card
        elif isinstance(source, RecordCohort):
            source = source.records
        self._source: RuleSource = (
            RecordsSource(source) if isinstance(source, Records) else CardSource(source)
        )
        self._counter = RuleCounter(self._source)
        self._again: dict[str, AnyCohort] = {}
        if state is None and begun is not None:
            state = self._state_of(begun.definition)
        super().__init__(state)

    def _state_of(self, definition: AnyDefinition) -> dict[str, Any]:
        reader = self._source.reader
        rules = [reader.draft(each).model_dump(mode="json") for each in definition.select]
        state: dict[str, Any] = {"rules": rules}
        if isinstance(definition, RecordDefinition):
            state["records"] = reader.records(definition).model_dump(mode="json")
        else:
            state["outcome"] = definition.outcome
        written = {**definition.to_dict(), **({} if "records" in state else {"split": None})}
        return state | {"kept": [{"name": "as it was given", "definition": written}]}

    def _read_state(self, value: WidgetState | Mapping[str, Any]) -> WidgetState:
        state = super()._read_state(value)
        asks = isinstance(self._source, RecordsSource)
        if asks and isinstance(state, CohortBuilder.State) and state.records is None:
            # The page sets parts of what is asked of records, so that it must be there.
            return state.model_copy(update={"records": RecordsDraft()})
        return state

    # Results

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """The rules that are complete, fit the data and are switched on, in their order."""
        return self._count().criteria

    @property
    def definition(self) -> AnyDefinition:
        """What the rules define; raises CohortError where the entry is incomplete."""
        counted = self._count()
        return self._source.defined(counted.base, counted.criteria)

    @property
    def cohort(self) -> AnyCohort:
        """The cohort of :attr:`definition`.

        Raises
        ------
        WorkbenchError
            Nobody is left, or the entry is incomplete.
        """
        return self._cohort(self._count())

    def _cohort(self, counted: CountedRules) -> AnyCohort:
        return self._source.cohort(counted.base, counted.criteria, counted.steps)

    @property
    def flow(self) -> Flow:
        """Who was lost where."""
        return self._count().flow

    def _count(self) -> CountedRules:
        return self._counter.count(self._base(), self.state.rules)

    def _base(self) -> AnyCohort:
        return self._source.base(self._outcome(), self.state.records)

    def _outcome(self) -> str:
        if not isinstance(self._source, CardSource):
            return ""
        spec = self._source.card.spec
        default = spec.study.get("outcome") or next(iter(spec.outcomes))
        outcome = self.state.outcome or str(default)
        if outcome not in spec.outcomes:
            raise CohortError(f"the dataset has no outcome {outcome!r}: {', '.join(spec.outcomes)}")
        return outcome

    # The page

    def blocks(self) -> tuple[Block, ...]:
        """Where patients come from, the rules beside the one that is edited, and what they make."""
        if not -1 <= self.state.chosen < len(self.state.rules):
            raise CohortError(f"there is no rule {self.state.chosen} to edit")
        return (*self._start_blocks(), *self._counted())

    def _start_blocks(self) -> tuple[Block, ...]:
        if isinstance(self._source, CardSource):
            outcomes = self._source.card.spec.outcomes
            words = {name: spec.title for name, spec in outcomes.items()}
            choice = Choice("outcome", "Outcome", words, self._outcome())
            return (Controls((choice,), name="start"),)
        records = self.state.records or RecordsDraft()
        return (
            Section(
                "entry",
                "Entry, follow-up and outcome",
                entry_blocks(records, self._source.palette),
                open=not any(events.codes or events.written for events in records.entry.events),
            ),
        )

    def _counted(self) -> tuple[Block, ...]:
        state, palette = self.state, self._source.palette
        try:
            counted = self._count()
            flow = counted.flow
            shown = shown_attrition(counted.base, flow)
        except WorkbenchError as error:
            # Rules that cannot be counted yet can be edited all the same.
            read = read_only(state.rules, self._source.reader)
            alone = rules_row(state, read, palette, lines=[], flow=None)
            return (Notice(str(error), "problem", name="entry-problem"), alone)
        lines = shown.to_dict("records")
        return (
            headline(counted.base, flow, lines),
            rules_row(state, counted.read, palette, lines=lines, flow=flow),
            *notices(counted, flow, shown),
            *self._views(counted, shown),
        )

    def _views(self, counted: CountedRules, shown: pd.DataFrame) -> tuple[Block, ...]:
        base, state = counted.base, self.state
        kept = {str(at): each.name for at, each in enumerate(state.kept)}
        views = offered_views(has_sql=isinstance(base, RecordCohort), has_versions=bool(kept))
        view = state.view if state.view in views else "flow"
        controls = [Choice("view", "Show", views, view)]
        against = ""
        if view == "changes":
            against = state.against if state.against in kept else next(iter(kept))
            controls.append(Choice("against", "since", kept, against))
        chosen = Controls(tuple(controls), name="views")
        try:
            if view == "flow":
                return chosen, flow_view(shown, self._source.title, outcome_words(base))
            if view == "changes":
                return chosen, *self._changes(state.kept[int(against)], counted)
            definition = self._source.defined(base, counted.criteria)
            return chosen, definition_view(definition, view)
        except WorkbenchError as error:
            return chosen, Notice(str(error), "problem", name="no-view")

    def _changes(self, kept: Kept, counted: CountedRules) -> tuple[Block, ...]:
        key = repr(kept.definition)
        if key not in self._again:
            self._again = {key: self._source.again(kept.definition)}
        before, after = self._again[key], self._cohort(counted)
        definition = self._source.defined(counted.base, counted.criteria)
        moved = compare_members(before.patients, after.patients)
        members = moved.released(after.release_log, minimum_of(after))
        return changes(compare_definitions(before.definition, definition), members)

    # What a person does

    def pick(self, name: str, pick: str) -> None:
        """A rule was chosen, or let go."""
        self.change(chosen=-1 if self.state.chosen == int(pick) else int(pick))

    def do_add(self) -> None:
        """A new rule of the chosen kind, at the end."""
        kinds = self._source.palette.kinds
        kind = self.state.adding if self.state.adding in kinds else next(iter(kinds))
        rules = with_new(self._rules(), kind)
        self.change(rules=rules, chosen=len(rules) - 1)

    def do_delete(self) -> None:
        """Without the chosen rule."""
        self.change(rules=without(self._rules(), self.state.chosen), chosen=-1)

    def do_close(self) -> None:
        """No rule is edited any more."""
        self.change(chosen=-1)

    def do_up(self) -> None:
        """The chosen rule comes one place earlier."""
        self._move(-1)

    def do_down(self) -> None:
        """The chosen rule comes one place later."""
        self._move(1)

    def do_add_part(self, argument: str) -> None:
        """A new rule in a group: the group's path, and the kind of rule."""
        path, _, kind = argument.partition("/")
        self.change(rules=with_part(self._rules(), path, kind))

    def do_remove_part(self, path: str) -> None:
        """A group without one of its rules."""
        self.change(rules=without_part(self._rules(), path))

    def do_add_entry(self) -> None:
        """One more kind of event that sets the index date."""
        records = self._records()
        records["entry"]["events"].append(EventsDraft().model_dump(mode="json"))
        self.change(records=records)

    def do_remove_entry(self, number: str) -> None:
        """Without one kind of entry event."""
        records = self._records()
        del records["entry"]["events"][int(number)]
        self.change(records=records)

    def do_outcome(self) -> None:
        """An outcome is waited for, or none any more."""
        records = self._records()
        empty = EventsDraft().model_dump(mode="json")
        records["outcome"] = empty if records["outcome"] is None else None
        self.change(records=records)

    def do_keep(self) -> None:
        """The definition as it is now is kept, to be compared with later ones."""
        name = f"version {len(self.state.kept) + 1}"
        kept = Kept(name=name, definition=self.definition.to_dict())
        others = [each.model_dump(mode="json") for each in self.state.kept]
        self.change(kept=[*others, kept.model_dump(mode="json")])

    def _move(self, by: int) -> None:
        at = self.state.chosen
        self.change(rules=moved(self._rules(), at, by), chosen=at + by)

    def _rules(self) -> list[dict[str, Any]]:
        return [draft.model_dump(mode="json") for draft in self.state.rules]

    def _records(self) -> dict[str, Any]:
        return (self.state.records or RecordsDraft()).model_dump(mode="json")
