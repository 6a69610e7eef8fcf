"""Drafts read as criteria, and criteria as drafts; what is missing is said in words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.cohort.criteria import (
    Criterion,
    EventQuery,
    Happened,
    Range,
    Window,
    col,
    has,
    parse,
)
from workbench.cohort.criteria.criterion import Not, Several
from workbench.cohort.record_definition import RecordDefinition
from workbench.data.concepts import Concept, ConceptSet, Vocabulary
from workbench.errors import CohortError, WorkbenchError
from workbench.widgets.rule_drafts import (
    AnyDraft,
    ColumnDraft,
    EntryDraft,
    EventDraft,
    EventsDraft,
    GroupDraft,
    HasDraft,
    RecordsDraft,
    RuleDraft,
    WrittenDraft,
)

Level = str | bool | int | float
Json = dict[str, Any]


@dataclass(frozen=True)
class Reader:
    """What drafts are read with.

    Parameters
    ----------
    levels
        Column → what each level reads as → the level; a column of numbers or dates has none.
    numbers
        Columns of numbers.
    vocabulary
        Of the records; None where codes have no names and nothing lies under them.
    """

    levels: Mapping[str, Mapping[str, Level]] = field(default_factory=dict)
    numbers: frozenset[str] = frozenset()
    vocabulary: Vocabulary | None = None

    # Drafts → criteria

    def criterion(self, draft: AnyDraft) -> Criterion:
        """The rule of a draft.

        Raises
        ------
        WorkbenchError
            Something is missing, or does not fit; the message says what to choose.
        """
        return self._body(draft).named(draft.name, draft.rationale)

    def _body(self, draft: AnyDraft) -> Criterion:
        match draft:
            case ColumnDraft():
                return self._column(draft)
            case HasDraft():
                if not draft.modality:
                    raise CohortError("choose a modality")
                asked = has(draft.modality)
                return asked.within(draft.start, draft.end) if draft.dated else asked
            case EventDraft():
                least, most = (0, 0) if draft.never else (draft.least, draft.most)
                window = Window(draft.start, draft.end)
                return Happened(self.query(draft.events), (window,), least, most, draft.counted)
            case GroupDraft():
                return self._group(draft)
            case WrittenDraft():
                return parse(draft.criterion)

    def _column(self, draft: ColumnDraft) -> Criterion:
        if not draft.column:
            raise CohortError("choose a column")
        name, column = draft.column, col(draft.column)
        if draft.op == "":
            raise CohortError(f"{name}: choose how to compare")
        if draft.op == "is_missing":
            return column.is_missing()
        if draft.op == "is_known":
            return ~column.is_missing()
        if draft.op in ("in", "not in"):
            # Levels of the column that was chosen before may still be there.
            known = self.levels.get(name, {})
            levels = [known[text] for text in draft.levels if text in known]
            if not levels:
                raise CohortError(f"{name}: choose at least one value")
            chosen = column.isin(levels)
            return chosen if draft.op == "in" else ~chosen
        if draft.op == "between":
            return column.between(*_two(name, draft.number, draft.high))
        number = draft.number if name in self.numbers else None
        text = "" if name in self.numbers else draft.text
        value: Level | None = self.levels.get(name, {}).get(text, text) if text else number
        if value is None:
            raise CohortError(f"{name}: give a value to compare with")
        return parse({"column": name, "op": draft.op, "value": value})

    def _group(self, draft: GroupDraft) -> Criterion:
        parts = tuple(self.criterion(part) for part in draft.parts if part.on)
        if not parts:
            raise CohortError("a group needs at least one rule: add one to it")
        if draft.holds == "all":
            return Several(len(parts), parts)
        if draft.holds == "at least":
            return Several(draft.least, parts)
        if draft.holds == "any":
            return Several(1, parts)
        return Not(parts[0] if len(parts) == 1 else Several(1, parts))

    def query(self, draft: EventsDraft) -> EventQuery:
        """The events of a draft; raises as :meth:`criterion`."""
        if draft.written is not None:
            return EventQuery.from_json(draft.written)
        if not draft.codes:
            raise CohortError("choose the events: search for a name or a code, then tick it")
        asked: Json = {"first_ever": draft.first_ever}
        if draft.op:
            asked["value"] = _range(draft)
        if self.vocabulary is None or not draft.descendants:
            title = self._own_title(draft) if draft.title is None else draft.title
            return EventQuery(codes=draft.codes, title=title, **asked)
        domains = {code.rpartition("//")[0] for code in draft.codes}
        if len(domains) > 1:
            raise CohortError(
                f"events with all that lies under them are of one domain, these are of "
                f"{', '.join(sorted(domains))}: choose one, or leave out what lies under them"
            )
        lines = [Concept(code.rpartition("//")[2]) for code in draft.codes]
        lines += [Concept(code.rpartition("//")[2], excluded=True) for code in draft.excluded]
        release = self.vocabulary.version if draft.release is None else draft.release
        concepts = ConceptSet(draft.title or self._own_title(draft), tuple(lines), release)
        return EventQuery(concepts=concepts, domain=domains.pop(), **asked)

    def _own_title(self, draft: EventsDraft) -> str:
        return " or ".join(map(self.named, draft.codes))

    def named(self, code: str) -> str:
        """The name of a code, else the code."""
        names = {} if self.vocabulary is None else self.vocabulary.names
        return names.get(code.rpartition("//")[2], code)

    def definition(self, draft: RecordsDraft) -> RecordDefinition:
        """Everything but the rules; raises as :meth:`criterion`."""
        entry, written = draft.entry, dict(draft.more_follow_up)
        asked: Json = {"events": [self.query(events).to_json() for events in entry.events]}
        asked |= {"which": entry.which, "observed_before": entry.observed_before}
        asked |= {"observed_after": entry.observed_after, "washout_days": entry.washout_days}
        asked |= {"per": entry.per}
        asked |= {name: day for name in ("since", "until") if (day := getattr(entry, name))}
        if draft.follow_for is not None:
            written[draft.unit] = draft.follow_for
        if draft.follow_until:
            written["until"] = draft.follow_until
        outcome = None if draft.outcome is None else self.query(draft.outcome).to_json()
        landmark: Json = {"after": draft.landmark, "unit": draft.unit, "earlier": draft.earlier}
        return RecordDefinition.from_dict(
            {
                "schema": 2,
                "title": draft.title,
                "entry": asked,
                "select": [],
                "limit": draft.limit,
                "follow_up": written,
                "outcome": outcome,
                **({} if draft.landmark is None else {"landmark": landmark}),
                **draft.more,
            }
        )

    # Criteria → drafts

    def draft(self, criterion: Criterion) -> AnyDraft:
        """A draft that reads as the same criterion."""
        notes: Json = {"name": criterion.name, "rationale": criterion.rationale}
        body = {k: v for k, v in criterion.to_json().items() if k not in notes}
        made = self._drafted(body, notes)
        if made is not None and self._reads_as(made, criterion):
            return made
        return WrittenDraft(criterion=body, **notes)

    def _reads_as(self, draft: AnyDraft, criterion: Criterion) -> bool:
        try:
            return self.criterion(draft).to_json() == criterion.to_json()
        except WorkbenchError:
            return False

    def _drafted(self, body: Json, notes: Json) -> AnyDraft | None:
        match body:
            case {"column": name, "op": op, **rest}:
                return _column_draft(name, op, rest.get("value"), notes)
            case {"has": modality, **rest}:
                window = rest.get("window")
                days = {} if window is None else {"dated": True, **_days(window)}
                return HasDraft(modality=modality, **days, **notes)
            case {"event": query, **rest} if (
                "windows" not in rest and rest.get("counted") != "moments"
            ):
                never = (rest.get("least"), rest.get("most")) == (0, 0)
                counts = {k: rest[k] for k in ("least", "most", "counted") if k in rest}
                counts = {} if never else counts
                window, events = _days(rest.get("window", {})), self.events(query)
                return EventDraft(events=events, never=never, **window, **counts, **notes)
            case {"all": parts}:
                return self._grouped("all", parts, notes)
            case {"any": parts}:
                return self._grouped("any", parts, notes)
            case {"at_least": least, "of": parts}:
                return self._grouped("at least", parts, notes, least=least)
            case {"not": {"column": name, "op": "in", "value": list(levels)}}:
                return _column_draft(name, "not in", levels, notes)
            case {"not": {"column": name, "op": "is_missing"}}:
                return ColumnDraft(column=name, op="is_known", **notes)
            case {"not": {"any": parts}}:
                return self._grouped("none", parts, notes)
            case {"not": part}:
                return self._grouped("none", [part], notes)
        return None

    def _grouped(self, holds: Any, parts: list, notes: Json, least: int = 2) -> GroupDraft:
        drafts = tuple(self.draft(parse(part)) for part in parts)
        return GroupDraft(holds=holds, least=least, parts=drafts, **notes)

    def events(self, written: Json) -> EventsDraft:
        """A draft that reads as the same events."""
        made = self._drafted_events(written)
        try:
            same = made is not None and self.query(made).to_json() == written
        except WorkbenchError:
            same = False
        return made if made is not None and same else EventsDraft(written=written)

    def _drafted_events(self, written: Json) -> EventsDraft | None:
        asked: Json = {"first_ever": written.get("first_ever", False)}
        for op, number in (written.get("value") or {}).items():
            asked |= {"high": number} if "op" in asked else {"op": op, "number": number}
        if "high" in asked:
            asked["op"] = "between"
        if "codes" in written:
            title = written.get("title", "")
            return EventsDraft(codes=written["codes"], descendants=False, title=title, **asked)
        if "concept_set" in written:
            concepts, domain = written["concept_set"], written["domain"]
            lines = [(f"{domain}//{c['concept']}", c["excluded"]) for c in concepts["concepts"]]
            return EventsDraft(
                codes=tuple(code for code, out in lines if not out),
                excluded=tuple(code for code, out in lines if out),
                title=concepts["name"],
                release=concepts.get("vocabulary", ""),
                **asked,
            )
        return None

    def records(self, definition: RecordDefinition) -> RecordsDraft:
        """A draft of everything but the rules."""
        written = definition.to_dict()
        entry, follow_up = written["entry"], dict(written["follow_up"])
        known = {"schema", "title", "entry", "select", "limit", "follow_up", "outcome", "landmark"}
        outcome, landmark = written["outcome"], definition.landmark
        settings = {key: value for key, value in entry.items() if key != "events"}
        return RecordsDraft(
            title=written["title"],
            entry=EntryDraft(events=tuple(map(self.events, entry["events"])), **settings),
            limit=written["limit"],
            unit=definition.unit,
            follow_for=follow_up.pop(definition.unit, None),
            follow_until=follow_up.pop("until", ""),
            outcome=None if outcome is None else self.events(outcome),
            landmark=None if landmark is None else landmark.after,
            earlier="leave" if landmark is None else landmark.earlier,
            more={key: value for key, value in written.items() if key not in known},
            more_follow_up=follow_up,
        )


def _column_draft(name: str, op: Any, value: Any, notes: Json) -> ColumnDraft:
    said = {"column": name, "op": op, **notes}
    if op in ("in", "not in"):
        return ColumnDraft(levels=tuple(map(level_text, value)), **said)
    if op == "between":
        return ColumnDraft(number=value[0], high=value[1], **said)
    if isinstance(value, bool | str):
        return ColumnDraft(text=level_text(value), **said)
    return ColumnDraft(number=value, **said)


def level_text(level: Level) -> str:
    """What a level reads as."""
    words = {True: "yes", False: "no"}
    return words[level] if isinstance(level, bool) else str(level)


def _days(window: Json) -> Json:
    if not window.keys() <= {"start", "end"}:
        # What no control can change does not read back, and so stays as it is written.
        return {"start": None, "end": None}
    return {"start": window.get("start"), "end": window.get("end")}


def _range(draft: EventsDraft) -> Range:
    if draft.op == "between":
        return Range(*_two("value", draft.number, draft.high))
    if draft.number is None:
        raise CohortError("value: give a number to compare with")
    return Range.from_json({draft.op: draft.number}, "value")


def _two(name: str, low: float | None, high: float | None) -> tuple[float, float]:
    if low is None or high is None:
        raise CohortError(f"{name}: give both ends of the range")
    return low, high


def rule_of(draft: RuleDraft) -> str:
    """What a rule that cannot be read yet is called."""
    words = {"column": "a column", "has": "a modality", "event": "events", "group": "a group"}
    return getattr(draft, "name", "") or f"Rule about {words.get(getattr(draft, 'kind', ''), '')}"
