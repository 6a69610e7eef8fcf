"""Definitions and criteria as the Python that makes them again."""

from collections.abc import Iterable
from typing import Any

from workbench.cohort.criteria import Criterion, EventQuery, Happened, Range, Window
from workbench.cohort.criteria.columns import Between, Compare, IsIn, IsMissing
from workbench.cohort.criteria.criterion import Not, Several
from workbench.cohort.criteria.modality import Has
from workbench.cohort.definition import Definition
from workbench.cohort.record_definition import RecordDefinition
from workbench.cohort.values import plain
from workbench.data.concepts import Concept, ConceptSet

PARSE = "from workbench.cohort.criteria import EventQuery, Happened, parse"


def criterion_python(criterion: Criterion) -> str:
    """An expression whose value is the criterion; ``workbench`` is ``wb`` in it.

    Examples
    --------
    >>> from workbench.cohort.criteria import col, event, has
    >>> criterion_python((col("age") >= 18).named("Adults"))
    "(wb.col('age') >= 18).named('Adults')"
    >>> criterion_python(has("mri").within(-60, 0) | event("drug//*").never())
    "wb.has('mri').within(-60, 0) | wb.event('drug//*').never()"
    """
    text = _body(criterion)
    if not (criterion.name or criterion.rationale):
        return text
    notes = [criterion.name, *([criterion.rationale] if criterion.rationale else [])]
    return f"{_bracketed(criterion, text)}.named({_listed(notes)})"


def _body(criterion: Criterion) -> str:
    match criterion:
        case Compare(column, op, value):
            return f"wb.col({column!r}) {op} {plain(value)!r}"
        case IsIn(column, values):
            return f"wb.col({column!r}).isin({[plain(value) for value in values]!r})"
        case Between(column, low, high):
            return f"wb.col({column!r}).between({plain(low)!r}, {plain(high)!r})"
        case IsMissing(column):
            return f"wb.col({column!r}).is_missing()"
        case Not(part):
            inner = criterion_python(part)
            named = part.name or part.rationale
            return f"~{inner if named else _bracketed(part, inner)}"
        case Several(n, parts):
            return _several(n, parts)
        case Has(modality, None):
            return f"wb.has({modality!r})"
        case Has(modality, window) if (
            window is not None and _simple(window) and not window.queries()
        ):
            # At any time is not the same as undated.
            return f"wb.has({modality!r}){_within(window) or '.within(None, None)'}"
        case Happened():
            return _happened(criterion)
    return _parsed(criterion)


def _several(n: int, parts: tuple[Criterion, ...]) -> str:
    # Operators join groups of one kind into one, which these groups are not meant to be.
    joined = {1: " | ", len(parts): " & "}.get(n)
    if joined is None or len(parts) < 2 or any(isinstance(part, Several) for part in parts):
        return f"wb.at_least({n}, {', '.join(map(criterion_python, parts))})"
    return joined.join(_operand(part) for part in parts)


def _operand(part: Criterion) -> str:
    text = criterion_python(part)
    alone = isinstance(part, Compare) and not (part.name or part.rationale)
    return f"({text})" if alone else text


def _bracketed(criterion: Criterion, text: str) -> str:
    """In brackets where an operator stands outermost."""
    tight = isinstance(criterion, IsIn | Between | IsMissing | Has | Happened)
    return text if tight or text.startswith("wb.at_least(") else f"({text})"


def _happened(criterion: Happened) -> str:
    (window, *more), query = criterion.windows, criterion.query
    if more or not _simple(window) or not _expressed(query):
        return _parsed(criterion)
    text = event_python(query) + _within(window) + _bounding(window)
    least, most, counted = criterion.least, criterion.most, criterion.counted
    if (least, most, counted) == (0, 0, "events"):
        return f"{text}.never()"
    if (least, most, counted) == (1, None, "events"):
        return text
    told = [least, *([most] if most is not None or counted != "events" else [])]
    told += [counted] if counted != "events" else []
    return f"{text}.times({_listed(told)})"


def event_python(query: EventQuery) -> str:
    """An expression that asks for the events, at any time."""
    if not _expressed(query):
        return f"Happened(EventQuery.from_json({query.to_json()!r}))"
    asked = [*map(repr, query.codes), *(repr(f"{prefix}*") for prefix in query.prefixes)]
    if query.concepts is not None:
        asked += [_concepts(query.concepts), f"domain={query.domain!r}"]
    asked += [f"title={query.title!r}"] if query.title else []
    text = f"wb.event({', '.join(asked)})"
    if query.value is not None:
        text += f".valued({_range(query.value)})"
    if query.texts:
        text += f".worded({_listed(query.texts)})"
    if query.units:
        text += f".in_unit({_listed(query.units)})"
    if query.answers:
        text += f".answered({_listed(query.answers)})"
    return f"{text}.first_ever()" if query.first_ever else text


def _expressed(query: EventQuery) -> bool:
    concepts = () if query.concepts is None else query.concepts.concepts
    starred = any(code.endswith("*") for code in query.codes)
    return (
        query.lasting is None
        and query.where is None
        and query.unit is None
        and query.answer is None
        and not starred
        and all(concept.descendants for concept in concepts)
    )


def _concepts(concepts: ConceptSet) -> str:
    ids = [_id(c) for c in concepts.concepts if not c.excluded]
    out = [_id(c) for c in concepts.concepts if c.excluded]
    exclude = f", exclude=[{', '.join(out)}]" if out else ""
    text = f"wb.concept_set({', '.join([repr(concepts.name), *ids])}{exclude})"
    release = concepts.vocabulary_version
    return f"replace({text}, vocabulary_version={release!r})" if release else text


def _id(concept: Concept) -> str:
    text = concept.concept_id
    return text if text.isascii() and text.isdigit() and str(int(text)) == text else repr(text)


def _range(value: Range) -> str:
    ends = []
    if value.low is not None:
        ends.append(f"{'at_least' if value.low_included else 'above'}={plain(value.low)!r}")
    if value.high is not None:
        ends.append(f"{'at_most' if value.high_included else 'below'}={plain(value.high)!r}")
    return ", ".join(ends)


def _simple(window: Window) -> bool:
    plain = Window(window.start, window.end, window.unit, since=window.since, until=window.until)
    bounding = (event for event in (window.since, window.until) if event is not None)
    return window == plain and all(map(_expressed, bounding))


def _bounding(window: Window) -> str:
    since = "" if window.since is None else f".since_last({event_python(window.since)})"
    until = "" if window.until is None else f".until_next({event_python(window.until)})"
    return since + until


def _within(window: Window) -> str:
    if window.start is None and window.end is None and window.unit == "days":
        return ""
    if window.unit != "days":
        return f".within({_listed([window.start, window.end, window.unit])})"
    return f".within({window.start}, {window.end})"


def _parsed(criterion: Criterion) -> str:
    notes = ("name", "rationale")
    written = {key: value for key, value in criterion.to_json().items() if key not in notes}
    return f"parse({written!r})"


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(map(repr, values))


def definition_python(definition: Definition | RecordDefinition, path: str = "records") -> str:
    """A cell that makes the cohort of a definition.

    Parameters
    ----------
    definition
        Of a dataset or of health records.
    path
        Where the records lie.
    """
    if isinstance(definition, RecordDefinition):
        return _records_python(definition, path)
    start = f"wb.open_card({definition.card!r}).cohort(outcome={definition.outcome!r})"
    rules = [criterion_python(criterion) for criterion in definition.select]
    text = f"{start}.select({_lines(rules)})" if rules else start
    if definition.split is not None:
        made_of = ("kind", "column", "k", "repeats", "seed")
        asked = [f"{key}={definition.split[key]!r}" for key in made_of if key in definition.split]
        text += f".split({', '.join(asked)})"
    return _cell(f"cohort = {text}")


def _records_python(definition: RecordDefinition, path: str) -> str:
    written = definition.to_dict()
    known = {"schema", "title", "entry", "select", "limit", "follow_up", "outcome"}
    if written.keys() > known or written["follow_up"].keys() - {"days", "until"}:
        text = f"wb.RecordDefinition.from_json({definition.to_json()!r})"
        return _cell(f"cohort = wb.build_cohort(wb.open_records({path!r}), {text})")
    settings = {key: value for key, value in written["entry"].items() if key != "events"}
    events = [event_python(query) for query in definition.entry.events]
    asked = [f"wb.entry({', '.join([*events, *_named(settings)])})"]
    asked += [criterion_python(criterion) for criterion in definition.select]
    asked += [f"limit={definition.limit!r}"]
    if written["follow_up"]:
        asked.append(f"follow_up=wb.follow_up({', '.join(_named(written['follow_up']))})")
    if definition.outcome is not None:
        asked.append(f"outcome={event_python(definition.outcome)}")
    if definition.title:
        asked.append(f"title={definition.title!r}")
    return _cell(f"records = wb.open_records({path!r})\ncohort = records.cohort({_lines(asked)})")


def _named(settings: dict[str, Any]) -> list[str]:
    return [f"{key}={value!r}" for key, value in settings.items()]


def _lines(parts: list[str]) -> str:
    return "".join(f"\n    {part}," for part in parts) + "\n"


def _cell(text: str) -> str:
    before = "from dataclasses import replace\n\n" if "replace(wb." in text else ""
    after = f"{PARSE}\n" if "parse({" in text or "Happened(" in text else ""
    return f"{before}import workbench as wb\n{after}\n{text}\n"
