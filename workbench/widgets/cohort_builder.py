"""Who is in: rules written, counted and argued about, one edit at a time."""

from collections.abc import Mapping
from dataclasses import replace
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
from workbench.widgets.blocks import (
    Block,
    Choice,
    Controls,
    Notice,
    Section,
    Words,
)
from workbench.widgets.builder_views import VIEWS, changes, definition_view, flow_view
from workbench.widgets.entry_editor import entry_blocks
from workbench.widgets.flow_rows import (
    WITHHELD,
    AnyCohort,
    count_words,
    minimum_of,
    outcome_words,
    shown_attrition,
    with_rules,
    withheld_words,
)
from workbench.widgets.rule_drafts import (
    AnyDraft,
    ColumnDraft,
    EventDraft,
    EventsDraft,
    GroupDraft,
    HasDraft,
    RecordsDraft,
)
from workbench.widgets.rule_list import Read, lost_together, rules_row
from workbench.widgets.rule_sources import (
    Answer,
    AnyDefinition,
    CardSource,
    RecordsSource,
    RuleSource,
)
from workbench.widgets.widget import NotebookWidget, WidgetState

NEW: dict[str, type[AnyDraft]] = {
    "column": ColumnDraft,
    "has": HasDraft,
    "event": EventDraft,
    "group": GroupDraft,
}


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
        self._answers: dict[str, Answer | WorkbenchError] = {}
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
        return tuple(r.criterion for r in self._read() if r.criterion is not None and r.answer)

    @property
    def definition(self) -> AnyDefinition:
        """What the rules define; raises CohortError where the entry is incomplete."""
        return self._source.defined(self._base(), self.criteria)

    @property
    def cohort(self) -> AnyCohort:
        """The cohort of :attr:`definition`.

        Raises
        ------
        WorkbenchError
            Nobody is left, or the entry is incomplete.
        """
        steps = [step for read in self._read() if read.answer for step in read.answer.steps]
        return self._source.cohort(self._base(), self.criteria, steps)

    @property
    def flow(self) -> Flow:
        """Who was lost where."""
        steps = [step for read in self._read() if read.answer for step in read.answer.steps]
        return with_rules(self._base(), steps)

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

    def _read(self) -> list[Read]:
        """Every rule; those that did not change are not asked again."""
        base, answers = self._base(), self._answers
        plain = {**base.definition.to_dict(), "title": "", "limit": ""}
        used: dict[str, Answer | WorkbenchError] = {}
        found = []
        for draft in self.state.rules:
            try:
                criterion = self._source.reader.criterion(draft)
            except WorkbenchError as error:
                found.append(Read(problem=str(error)))
                continue
            if not draft.on:
                found.append(Read(criterion))
                continue
            key = repr((plain, criterion.to_json()))
            if key not in answers:
                answers[key] = self._asked(base, criterion)
            answer = used[key] = answers[key]
            if isinstance(answer, Answer):
                found.append(Read(criterion, answer))
            else:
                found.append(Read(criterion, problem=str(answer)))
        self._answers = used
        return found

    def _asked(self, base: AnyCohort, criterion: Criterion) -> Answer | WorkbenchError:
        try:
            return self._source.ask(base, criterion)
        except WorkbenchError as error:
            return error

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
        try:
            base = self._base()
            read = self._read()
            flow = self.flow
            shown = shown_attrition(base, flow)
        except WorkbenchError as error:
            return (Notice(str(error), "problem", name="entry-problem"), *self._rules_alone())
        lines = shown.to_dict("records")
        n_steps = len(flow.before) + len(flow.rules) + len(flow.after)
        first = lines[len(lines) - n_steps + len(flow.before) - 1]
        return (
            Words(self._headline(lines[-1], first), 2, name="headline"),
            rules_row(self.state, read, self._source.palette, lines=lines, flow=flow),
            *self._notices(base, read, flow, shown),
            *self._views(base, shown),
        )

    def _rules_alone(self) -> tuple[Block, ...]:
        """Rules that cannot be counted yet, so that they can be edited all the same."""
        read = []
        for draft in self.state.rules:
            try:
                read.append(Read(self._source.reader.criterion(draft)))
            except WorkbenchError as error:
                read.append(Read(problem=str(error)))
        return (rules_row(self.state, read, self._source.palette, lines=[], flow=None),)

    def _headline(self, last: dict, first: dict) -> str:
        left, start = count_words(last["n_after"]), count_words(first["n_after"])
        words = f"{left} of {start} patients are in"
        if last.get("records_after") is not None and last["records_after"] != last["n_after"]:
            words += f", with {count_words(last['records_after'])} index dates"
        if self._events_told():
            n_events = count_words(last["events_after"])
            withheld = n_events == WITHHELD
            words += "; how many have the event is withheld" if withheld else ""
            words += "" if withheld else f"; {n_events} with the event"
        return f"{words}."

    def _events_told(self) -> bool:
        return isinstance(self._source, CardSource) or (
            self.state.records is not None and self.state.records.outcome is not None
        )

    def _notices(
        self, base: AnyCohort, read: list[Read], flow: Flow, shown: pd.DataFrame
    ) -> tuple[Block, ...]:
        said = [*base.warnings] if isinstance(base, Cohort) else []
        said += [each for one in read if one.answer for each in one.answer.warnings]
        if isinstance(base, RecordCohort):
            definition = base.definition.selecting(*self.criteria)
            own = base.records.warnings
            asked = replace(base, definition=definition, flow=flow)
            said += [warning for warning in asked.warnings if warning not in own]
        elif isinstance(base, Cohort):
            asked = frozenset().union(*(criterion.columns() for criterion in self.criteria))
            said += lost_together(base, flow, said, asked)
        found = [
            Notice(text, "warning", name=f"warning-{at}")
            for at, text in enumerate(dict.fromkeys(said))
        ]
        withheld = withheld_words(shown, minimum_of(base))
        return (*found, *([Notice(withheld, name="withheld")] if withheld else []))

    def _views(self, base: AnyCohort, shown: pd.DataFrame) -> tuple[Block, ...]:
        kept = {str(at): each.name for at, each in enumerate(self.state.kept)}
        views = dict(VIEWS)
        if isinstance(base, Cohort):
            del views["sql"]
        if not kept:
            del views["changes"]
        view = self.state.view if self.state.view in views else "flow"
        controls: list = [Choice("view", "Show", views, view)]
        against = ""
        if view == "changes":
            against = self.state.against if self.state.against in kept else next(iter(kept))
            controls.append(Choice("against", "since", kept, against))
        chosen = Controls(tuple(controls), name="views")
        try:
            if view == "flow":
                return chosen, flow_view(shown, self._source.title, outcome_words(base))
            definition = self._source.defined(base, self.criteria)
            if view != "changes":
                return chosen, definition_view(definition, view)
            return chosen, *self._changes(self.state.kept[int(against)], definition)
        except WorkbenchError as error:
            return chosen, Notice(str(error), "problem", name="no-view")

    def _changes(self, kept: Kept, definition: AnyDefinition) -> tuple[Block, ...]:
        key = repr(kept.definition)
        if key not in self._again:
            self._again = {key: self._source.again(kept.definition)}
        before, after = self._again[key], self.cohort
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
        rules = [*self._rules(), NEW[kind]().model_dump(mode="json")]
        self.change(rules=rules, chosen=len(rules) - 1)

    def do_delete(self) -> None:
        """Without the chosen rule."""
        rules = self._rules()
        del rules[self.state.chosen]
        self.change(rules=rules, chosen=-1)

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
        rules = self._rules()
        _at(rules, path)["parts"].append(NEW[kind]().model_dump(mode="json"))
        self.change(rules=rules)

    def do_remove_part(self, path: str) -> None:
        """A group without one of its rules."""
        rules = self._rules()
        group, _, number = path.rpartition(".parts.")
        del _at(rules, group)["parts"][int(number)]
        self.change(rules=rules)

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
        rules, at = self._rules(), self.state.chosen
        rules.insert(at + by, rules.pop(at))
        self.change(rules=rules, chosen=at + by)

    def _rules(self) -> list[dict[str, Any]]:
        return [draft.model_dump(mode="json") for draft in self.state.rules]

    def _records(self) -> dict[str, Any]:
        return (self.state.records or RecordsDraft()).model_dump(mode="json")


def _at(rules: list[dict[str, Any]], path: str) -> dict[str, Any]:
    found: Any = {"rules": rules}
    for step in path.split("."):
        found = found[int(step)] if isinstance(found, list) else found[step]
    return found
