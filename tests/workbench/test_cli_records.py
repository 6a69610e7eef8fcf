"""`workbench records`: what lies there, and whom a definition finds."""

from pathlib import Path
from typing import Any

import pytest

import workbench as wb
from workbench.data.simulated_records import write_omop
from workbench.data.sources.open_records import format_of
from workbench.errors import RecordsError


@pytest.fixture(scope="module")
def register(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_omop(tmp_path_factory.mktemp("simulated") / "register", n_people=400)


def test_records_are_described(call: Any, register: Path) -> None:
    code, shown, _ = call("records", register)
    assert code == 0
    assert "Simulated register" in shown
    assert "400 patients" in shown
    assert "condition//201826" in shown
    assert "Type 2 diabetes mellitus" in shown


def test_a_definition_is_answered_without_small_cells(
    call: Any, register: Path, tmp_path: Path
) -> None:
    diabetes = wb.event(wb.concept_set("type 2 diabetes", 201826), domain="condition")
    cohort = wb.open_records(register).cohort(
        wb.entry(diabetes), (wb.col("age") >= 40).named("Adults"), limit="first"
    )
    file = tmp_path / "definition.json"
    file.write_text(cohort.definition.to_json(), encoding="utf-8")
    code, shown, _ = call("records", register, "--kind", "omop", "--definition", file)
    assert code == 0
    assert "Index date: first condition of type 2 diabetes" in shown
    assert "Adults: age ≥ 40" in shown
    assert str(cohort.n_patients) in shown


def test_a_definition_that_with_an_earlier_one_gives_few_away_is_refused(
    call: Any, register: Path, tmp_path: Path
) -> None:
    diabetes = wb.event(wb.concept_set("type 2 diabetes", 201826), domain="condition")
    records = wb.open_records(register)
    files, sizes = [], []
    for age in (40, 42):
        cohort = records.cohort(wb.entry(diabetes), wb.col("age") >= age, limit="first")
        sizes.append(cohort.n_patients)
        files.append(tmp_path / f"{age}.json")
        files[-1].write_text(cohort.definition.to_json(), encoding="utf-8")
    assert 0 < sizes[0] - sizes[1] < 10 < sizes[1]
    assert call("records", register, "--definition", files[0])[0] == 0
    code, shown, error = call("records", register, "--definition", files[1])
    assert code == 1
    assert str(sizes[1]) not in shown
    assert "age ≥ 40" in error
    assert "change it until at least 10 patients differ" in error
    assert call("records", register, "--definition", files[0])[0] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--kind", "csv"], "no format is called 'csv'"),
        (["--definition", "absent.json"], "no file at absent.json"),
        (["--definition", __file__], "not JSON"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    call: Any, register: Path, options: list[str], message: str
) -> None:
    code, _, error = call("records", register, *options)
    assert code == 1
    assert message in error
    assert "Traceback" not in error


def test_the_format_is_told_by_what_lies_there(tmp_path: Path, register: Path) -> None:
    assert format_of(register) == "omop"
    for kind, name in (
        ("fhir", "export/Patient.ndjson"),
        ("meds", "data/train/0.parquet"),
        ("cbioportal", "meta_study.txt"),
    ):
        file = tmp_path / kind / name
        file.parent.mkdir(parents=True)
        file.write_bytes(b"")
        assert format_of(tmp_path / kind) == kind
    (tmp_path / "nothing").mkdir()
    with pytest.raises(RecordsError, match="no known format"):
        format_of(tmp_path / "nothing")
    with pytest.raises(RecordsError, match="no records at"):
        wb.open_records(tmp_path / "absent")
