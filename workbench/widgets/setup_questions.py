"""What :class:`StudySetup` asks, in plain words: each guess is said to be one."""

from collections.abc import Callable, Iterable

from workbench.data.card.cohorts import MINIMUM_CELL
from workbench.data.guided_draft import TEXTS, GuidedCard, GuidedColumn, Said
from workbench.data.masked_rows import masked_rows
from workbench.data.problem import Problem
from workbench.data.table_facts import TableFacts
from workbench.widgets.blocks import (
    Block,
    Button,
    Choice,
    Control,
    Controls,
    Notice,
    Several,
    Switch,
    Table,
    TextEntry,
    Words,
)

ROLES = {
    "feature": "to predict from",
    "group": "a group to report by",
    "site": "hospital or site",
    "description": "description only",
    "later": "known only later",
    "out": "left out",
}
KNOWN = {
    "": "not said yet",
    "at": "on the day of time zero",
    "before": "before time zero",
    "assumed": "not certain, assumed to be known in time",
}
UNITS = {"days": "days", "weeks": "weeks", "months": "months", "years": "years"}
STARTS = (
    "date of diagnosis",
    "date of surgery",
    "start of treatment",
    "date of randomisation",
    "first visit",
)
WITHOUT_TIME = (
    "An event that is there or not, such as a diagnosis, has no time and is not asked for here: "
    "write it into the dataset description, with kind: binary."
)
OUTCOMES = ("Overall survival", "Progression-free survival", "Relapse-free survival")
EVENTS = ("died", "disease progressed or died", "relapsed")
MEASURED_IN = ("years", "mg/l", "mmol/l", "mm", "kg", "points", "count")
OFFERED_TEXTS = {
    "source": ("records of our hospital", "a clinical trial", "a registry"),
    "licence": ("not to be passed on", "CC BY 4.0"),
    "citation": ("unpublished",),
}
LABELS = {
    "title": "What it is",
    "source": "Where it comes from",
    "licence": "Who may use it",
    "citation": "How to cite it",
    "limits": "Who or what is missing",
}
PLACES = {"files": "File", "columns": "Column", "outcomes": "Outcome", "modalities": "Inputs"}


def patient_blocks(draft: GuidedCard, said: Said) -> tuple[Block, ...]:
    """Which column identifies the patient in each table, and when time starts."""
    blocks: list[Block] = []
    for name, table in draft.tables.items():
        headers = {header: header for header in table.headers}
        controls: list[Control] = []
        if len(table.sheets) > 1:
            sheets = {sheet: sheet for sheet in table.sheets}
            controls.append(Choice(f"sheets.{name}", "Sheet", sheets, table.sheet))
        guessed = "" if said.patient_ids.get(name) else " (a guess)"
        label = f"Patient in {table.path}{guessed}"
        controls.append(Choice(f"patient_ids.{name}", label, headers, table.key))
        if table.n_repeated or said.first_rows.get(name):
            first = said.first_rows.get(name, False)
            controls.append(
                Switch(f"first_rows.{name}", "The first row of a patient counts", first)
            )
        blocks.append(Controls(tuple(controls), name=f"patient-{name}"))
        n = table.frame[table.key].nunique()
        blocks.append(Words(f"{len(table.frame):,} rows of {n:,} patients.", name=f"rows-{name}"))
        if table.n_repeated and not said.first_rows.get(name):
            blocks.append(
                Notice(
                    f"{table.n_repeated:,} patients stand in several rows of {table.path}: make "
                    "one row a patient in the file, or say that the first row counts.",
                    "warning",
                    name=f"repeated-{name}",
                )
            )
    unsaid = any(not said.patient_ids.get(name) for name in draft.tables)
    start: list[Control] = [
        TextEntry("index_date", "Time starts at", said.index_date, 120, STARTS,
                  hint="Time zero: from then on a patient is watched, and only what is known by "
                  "then may predict.")
    ]  # fmt: skip
    if unsaid:
        start.insert(0, Button("confirm", "This is the patient", "patients"))
    return (*blocks, Controls(tuple(start), name="time-zero"))


def outcome_blocks(draft: GuidedCard, said: Said) -> tuple[Block, ...]:
    """Time, event, and what its values mean, as a sentence that can be read aloud."""
    guess = draft.guess
    times = _offered(draft, lambda table, header: table.is_number(header))
    if not times:
        return (
            Notice(
                "No column holds numbers that could be a time: add one that counts the days or "
                "months from time zero to the event or to the last contact.",
                "problem",
                name="no-time",
            ),
            Words(WITHOUT_TIME, name="without-time"),
        )
    table = draft.tables.get((guess.time or next(iter(times))).partition("/")[0])
    events = _offered(
        draft, lambda each, header: each is table and len(each.counts(header)) > 1, but=guess.time
    )
    guessed = {n: "" if getattr(said, n) else " (a guess)" for n in ("time", "time_unit", "event")}
    controls: list[Control] = [
        Choice("time", f"Time to event or last contact{guessed['time']}",
               _with_none(times, guess.time), guess.time),
        Choice("time_unit", f"Unit{guessed['time_unit']}",
               _with_none(UNITS, guess.time_unit), guess.time_unit),
        Choice("event", f"Event or not{guessed['event']}",
               _with_none(events, guess.event), guess.event),
    ]  # fmt: skip
    names: list[Control] = [
        TextEntry("outcome_title", "The outcome is called", said.outcome_title, 120, OUTCOMES),
        TextEntry("event_means", "The event, in a word or two", said.event_means, 60, EVENTS),
    ]
    blocks: list[Block] = [Controls(tuple(controls), name="outcome-columns")]
    if table is not None and guess.event:
        counts = table.counts(guess.event.partition("/")[2])
        words = "These values mean that it happened"
        words += "" if said.event_values else " (a guess)"
        options = {v: f"{v} ({_count(n)} patients)" for v, n in counts.items()}
        blocks.append(
            Controls((Several("event_values", words, options, guess.event_values),), name="coding")
        )
        blocks.append(Words(coding_sentence(counts, guess, said), name="coding-words"))
    blocks.append(Controls(tuple(names), name="outcome-words"))
    if guess.event and not all((said.time, said.time_unit, said.event, said.event_values)):
        confirm = Button("confirm", "Time, unit, event and its values are right", "outcome")
        blocks.append(Controls((confirm,), name="outcome-confirm"))
    blocks.append(Words(WITHOUT_TIME, name="without-time"))
    return tuple(blocks)


def coding_sentence(counts: dict[str, int], guess: Said, said: Said) -> str:
    """The coding of the event as one says it: ``1 = died, 0 = not, when last seen``.

    Examples
    --------
    >>> said = Said(event_means="died")
    >>> coding_sentence({"0": 40, "1": 60}, Said(event_values=("1",)), said)
    '1 = died (60 patients); 0 = not, when last seen (40 patients).'
    """
    happened = said.event_means or "the event happened"
    yes = [v for v in counts if v in guess.event_values]
    no = [v for v in counts if v not in guess.event_values]
    parts = [
        f"{' or '.join(values)} = {words} ({_count(sum(counts[v] for v in values))} patients)"
        for values, words in ((yes, happened), (no, "not, when last seen"))
        if values
    ]
    return "; ".join(parts) + "."


def column_blocks(draft: GuidedCard, said: Said, chosen: str) -> tuple[Block, ...]:
    """All columns as a table, and the questions of the one that is chosen."""
    columns = draft.columns
    if not columns:
        return (Words("There are no columns beside patient, time and event."),)
    names = [c.name for c in columns]
    at = names.index(chosen) if chosen in names else -1
    table = Table(
        "columns",
        "Choose a column to say what it is",
        ("Column", "File", "Values", "Used", "Known", "Unit"),
        tuple(_column_row(c, draft, said) for c in columns),
        tuple(names),
        at,
    )
    blocks: list[Block] = [table]
    if at >= 0:
        blocks.append(Controls(_column_controls(columns[at], said), name=f"column-{chosen}"))
    guesses = sum(c.name not in said.roles for c in columns)
    if guesses:
        confirm = Button("confirm", f"All {guesses} guesses of use are right", "columns")
        blocks.append(Controls((confirm,), name="columns-confirm"))
    return tuple(blocks)


def _column_row(column: GuidedColumn, draft: GuidedCard, said: Said) -> tuple[str, ...]:
    file, _, header = column.place.partition("/")
    used = ROLES[column.role] + ("" if column.name in said.roles else " (a guess)")
    asked = column.role in ("feature", "group")
    known = KNOWN[said.known.get(column.name, "")] if asked else ""
    needs_unit = column.numeric and column.role == "feature"
    unit = said.units.get(column.name) or ("not said yet" if needs_unit else "")
    return header, draft.tables[file].path, column.kind, used, known, unit


def _column_controls(column: GuidedColumn, said: Said) -> tuple[Control, ...]:
    name, header = column.name, column.place.partition("/")[2]
    roles = {role: ROLES[role] for role in column.offered}
    meaning = said.meanings.get(name, "")
    controls: list[Control] = [Choice(f"roles.{name}", f"{header} is", roles, column.role)]
    if column.role in ("feature", "group"):
        controls.append(
            Choice(f"known.{name}", "It was known",
                   _with_none(KNOWN, said.known.get(name, "")), said.known.get(name, ""))
        )  # fmt: skip
    if column.numeric:
        unit = said.units.get(name, "")
        controls.append(TextEntry(f"units.{name}", "Unit", unit, 40, MEASURED_IN))
    controls.append(TextEntry(f"meanings.{name}", "In words", meaning, 200))
    return tuple(controls)


def about_blocks(said: Said) -> tuple[Block, ...]:
    """What stands in every report about these data."""
    entries = tuple(
        TextEntry(name, LABELS[name], getattr(said, name), 400, OFFERED_TEXTS.get(name, ()),
                  hint=words[:1].upper() + words[1:])
        for name, words in TEXTS.items()
    )  # fmt: skip
    return (Controls(entries, name="about"),)


def example_blocks(draft: GuidedCard) -> tuple[Block, ...]:
    """Ten rows of each table that are nobody's."""
    minimum = draft.spec.privacy.minimum_cell
    blocks: list[Block] = [
        Words(
            "Every column is shuffled by itself, so that no row is a patient. Numbers are ranges; "
            f"values that fewer than {minimum} patients have are shown by their shape only."
        )
    ]
    for name, table in draft.tables.items():
        rows = masked_rows(table, minimum=minimum)
        blocks.append(
            Table(
                f"example-{name}",
                table.path,
                tuple(rows.columns),
                tuple(tuple(row) for row in rows.to_numpy().tolist()),
            )
        )
    return tuple(blocks)


def problem_blocks(problems: Iterable[Problem]) -> tuple[Block, ...]:
    """What the check of the files found, in its own words."""
    rows = tuple(
        (_place(p.where), "must be mended" if p.level == "error" else "look at it", p.message)
        for p in problems
    )
    if not rows:
        return (Words("The files are as described."),)
    return (Table("problems", "", ("Where", "What to do", "What was found"), rows),)


def needed_block(needed: tuple[str, ...]) -> Block:
    """What nobody has said yet."""
    if not needed:
        return Notice("Everything is said: the description can be written.", name="needed")
    return Words("Please say:\n" + "\n".join(f"• {words}" for words in needed), name="needed")


def _place(where: str) -> str:
    kind, _, name = where.partition(".")
    return f"{PLACES.get(kind, kind.capitalize())} {name}".strip() if name != "os" else PLACES[kind]


def _offered(
    draft: GuidedCard, fits: Callable[[TableFacts, str], bool], *, but: str = ""
) -> dict[str, str]:
    """Place → header of the columns that fit, but for one."""
    several = len(draft.tables) > 1
    return {
        f"{name}/{header}": f"{header} ({table.path})" if several else header
        for name, table in draft.tables.items()
        for header in table.headers
        if header != table.key and f"{name}/{header}" != but and fits(table, header)
    }


def _with_none(options: dict[str, str], value: str) -> dict[str, str]:
    """An empty choice, as long as nothing is chosen."""
    return (
        {each: words for each, words in options.items() if each}
        if value
        else ({"": "choose"} | options)
    )


def _count(n: int, minimum: int = MINIMUM_CELL) -> str:
    return f"{n:,}" if n >= minimum or n == 0 else f"fewer than {minimum}"
