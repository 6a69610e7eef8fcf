"""The declaration of OMOP tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.data.events import DEATH
from workbench.data.sources.omop_tables import EVENT_TABLES, TABLES, UNIT, VALUE, text_parts

CONCEPT = st.none() | st.integers(1, 2**31).map(str)


def test_every_domain_and_table_stands_once() -> None:
    assert len({table.domain for table in EVENT_TABLES}) == len(EVENT_TABLES)
    assert len(set(TABLES)) == len(TABLES)


@pytest.mark.parametrize("table", EVENT_TABLES, ids=lambda table: table.name)
def test_columns_of_a_table_belong_to_it_and_differ(table) -> None:
    columns = [*table.required, *table.optional]
    assert len(set(columns)) == len(columns)
    own = "episode" if table.name == "episode" else table.domain
    dates = [c for c in columns if c.endswith(("_date", "_datetime"))]
    assert all(c.startswith(own) for c in dates)
    assert all(c.endswith("_concept_id") for c in columns if "concept" in c)
    codes = {table.code(1), table.code(2)}
    assert codes == (
        {DEATH} if table.name == "death" else {f"{table.domain}//1", f"{table.domain}//2"}
    )


@settings(deadline=None)
@given(words=st.none() | st.text("ab /", min_size=1), value=CONCEPT, unit=CONCEPT)
def test_text_is_taken_apart_as_it_was_put_together(words, value, unit) -> None:
    parts = [words, value and VALUE + value, unit and UNIT + unit]
    assert text_parts(" ".join(p for p in parts if p)) == (words, value, unit)
