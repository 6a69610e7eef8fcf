"""What a guided card still needs and nobody has said, in the order of the questions."""

from collections.abc import Iterator, Mapping

from workbench.data.card import Card
from workbench.data.guided_columns import GuidedColumn
from workbench.data.said import TEXTS, Said
from workbench.data.table_facts import TableFacts


def needed_of(
    spec: Card, tables: Mapping[str, TableFacts], columns: tuple[GuidedColumn, ...], said: Said
) -> Iterator[str]:
    """What nobody has said yet, in the order of the questions."""
    unsaid = [t.path for n, t in tables.items() if not said.patient_ids.get(n)]
    if unsaid:
        yield f"which column identifies the patient in {', '.join(unsaid)}"
    repeated = [t.path for n, t in tables.items() if t.n_repeated and not said.first_rows.get(n)]
    if repeated:
        yield f"one row a patient in {', '.join(repeated)}, or that the first row counts"
    if not said.index_date:
        yield "when time starts (time zero)"
    outcome = {
        "time": "which column is the time to the event or to the last contact",
        "time_unit": "the unit of time",
        "event": "which column says whether the event happened",
        "event_values": "which of its values mean that the event happened",
        "outcome_title": "what the outcome is called",
    }
    yield from (words for name, words in outcome.items() if not getattr(said, name))
    roles = sum(c.name not in said.roles for c in columns)
    if roles:
        yield f"what {_some(roles, 'column is', 'columns are')} for"
    features = [c for c in columns if c.role == "feature"]
    genomics = [m for m in spec.modalities.values() if m.kind != "ehr"]
    if not features and not genomics:
        yield "at least one column to predict from"
    undated = sum(c.role in ("feature", "group") and c.name not in said.known for c in columns)
    if undated:
        yield f"when {_some(undated, 'column was', 'columns were')} known"
    without = sum(c.numeric and not said.units.get(c.name) for c in features)
    if without:
        yield f"the unit of {_some(without, 'number', 'numbers')} to predict from"
    yield from (words for name, words in TEXTS.items() if not getattr(said, name))


def _some(n: int, one: str, several: str) -> str:
    return f"{n} {one if n == 1 else several}"
