"""Cards that are not as they should be: one clear line each, with the line where it stands."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.data.front_matter import parse_card
from workbench.data.open_card import list_cards, open_card
from workbench.data.paths import cards_folder
from workbench.errors import DataCardError


def _line_of(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(n for n, line in enumerate(lines, start=1) if text in line)


def test_the_cards_that_come_with_the_workbench_are_valid() -> None:
    assert {"simulated_glioma", "tcga_glioma"} <= set(list_cards())
    for path in cards_folder().glob("*.md"):
        spec, prose = parse_card(path.read_text(encoding="utf-8"), path.name)
        assert spec.name == path.stem
        assert prose.startswith("#")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(DataCardError, match="did you mean 'tcga_glioma'"):
        open_card("tcga_gliomas")


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataCardError, match="no card at"):
        open_card(tmp_path / "none.md")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# Just prose\n", r"line 1: expected `---`"),
        ("---\nschema: 1\n", "no closing `---`"),
        ("---\n- a\n- b\n---\n", "expected `key: value`"),
        ("---\nname: [1, 2\n---\n", "line 2: the front matter is not YAML"),
        ("---\nname: a\nname: b\n---\n", "line 3: .*'name' stands twice"),
        ("---\na: &x 1\nb: *x\n---\n", "line 3: .*aliases"),
        ("---\na: !!python/object/apply:os.system [ls]\n---\n", "line 2: .*tags"),
        ("---\na: " + "[" * 5000 + "\n---\n", "nested too deeply"),
    ],
)
def test_text_that_is_no_card(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.md"
    path.write_text(text)
    with pytest.raises(DataCardError, match=message):
        open_card(path)


def test_a_card_in_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "bad.md"
    path.write_bytes("---\ntitle: Gliom-Überleben\n---\n".encode("latin-1"))
    with pytest.raises(DataCardError, match="not UTF-8"):
        open_card(path)


def _set(*steps: Any) -> Callable[[dict[str, Any]], None]:
    """A change of the front matter: set the value at a path of keys."""
    *place, last, value = steps

    def change(spec: dict[str, Any]) -> None:
        for step in place:
            spec = spec[step]
        spec[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "line_with", "message"),
    [
        (_set("columns", "age", "tipe", "numeric"), "tipe:", "no such entry; did you mean 'type'"),
        (_set("columns", "age", "type", "number"), "type: number", "columns.age.type: should be"),
        (_set("columns", "age", "file", "visit"), "file: visit\n", "did you mean 'visits'"),
        (_set("population", ["visit"]), "population:", "did you mean 'visits'"),
        (_set("markers", ["idh"]), "markers:", "no column is called 'idh'"),
        (_set("modalities", "clinical", "columns", ["agee"]), "columns:", "did you mean 'age'"),
        (_set("modalities", "clinical", "columns", []), "columns:", "at least 1"),
        (_set("modalities", "rna", "columns", "g_("), "columns: g_(", "regular expression"),
        (_set("modalities", "rna", "file", "gene"), "file: gene\n", "did you mean 'genes'"),
        (_set("files", "visits", "path", "/etc/passwd"), "path:", "inside the data folder"),
        (_set("files", "visits", "path", "../visits.csv"), "path:", "inside the data folder"),
        (_set("files", "visits", "path", "C:\\visits.csv"), "path:", "inside the data folder"),
        (_set("modalities", "scan", "pattern", "../*.png"), "pattern:", "inside the data folder"),
        (_set("modalities", "scan", "size", 4), "size: 4", "greater than or equal to 16"),
        (_set("files", "visits", "key", {}), "visits:", "key needs column"),
        (_set("files", "visits", "url", "file:///etc/passwd"), "url:", "pattern"),
        (_set("files", "visits", "url", "https://a.org/x"), "visits:", "needs sha256"),
        (_set("columns", "grade", "levels", None), "grade:", "needs levels"),
        (_set("columns", "grade", "levels", ["a", "a"]), "grade:", "listed twice"),
        (_set("columns", "grade", "levels", [True, False]), "- true", "put it in quotes"),
        (_set("columns", "age", "range", [100, 18]), "age:", "ascend"),
        (
            _set("columns", "age", "observed_at", {"days": 0, "assumed": True}),
            "observed_at:",
            "one",
        ),
        (_set("columns", "age", "observed_at", {"column": "day"}), "observed_at:", "'day'"),
        (_set("outcomes", "os", "event", {"column": "status"}), "event:", "which value means"),
        (_set("outcomes", "os", "unit", "day"), "unit: day\n", "'days', 'weeks'"),
        (
            _set("groups", {"x": {"title": "x", "criteria": [{"has": "scans"}]}}),
            "has: scans",
            "'scan'",
        ),
        (_set("schema", 2), "schema: 2", "should be 1"),
        (_set("limits", None), "limits:", "tuple"),
        (_set("columns", "2age", {}), "2age", "starts with a letter"),
    ],
)
def test_a_wrong_entry_is_one_line_with_its_place(
    toy: Any, change: Callable[[dict[str, Any]], None], line_with: str, message: str
) -> None:
    change(toy.spec)
    path = toy.save()
    with pytest.raises(DataCardError, match=message) as error:
        open_card(path)
    first = str(error.value).splitlines()[0]
    number = int(first.split("line ")[1].split(":")[0])
    around = path.read_text(encoding="utf-8").splitlines(keepends=True)[number - 1 : number + 12]
    assert any(line_with in line for line in around), f"{first}\n{around}"


def test_a_missing_entry_is_named(toy: Any) -> None:
    del toy.spec["licence"]
    with pytest.raises(DataCardError, match="licence: is required"):
        toy.open()


def test_several_problems_are_several_lines(toy: Any) -> None:
    toy.spec["version"] = 1.0
    toy.spec["columns"]["age"]["rolle"] = "feature"
    with pytest.raises(DataCardError) as error:
        toy.open()
    assert len(str(error.value).splitlines()) == 2


def test_the_line_is_exact(toy: Any) -> None:
    toy.spec["columns"]["smoker"]["type"] = "bool"
    path = toy.save()
    with pytest.raises(DataCardError, match=f"line {_line_of(path, 'type: bool')}: "):
        open_card(path)


def test_a_card_beside_its_data_needs_no_data_folder(toy: Any) -> None:
    card = toy.open()
    assert card.folder == toy.folder
    assert card.missing_files() == []


def test_the_data_hash_follows_content_and_not_place(toy: Any, tmp_path: Path) -> None:
    first = toy.open().data_hash()
    assert len(first) == 64
    moved = toy.folder.rename(tmp_path / "moved")
    assert open_card(moved / "toy.md").data_hash() == first
    genes = moved / "genes.csv"
    genes.write_text(genes.read_text().replace("P00", "P0X"))
    assert open_card(moved / "toy.md").data_hash() != first


def test_missing_files_are_listed_and_refuse_a_hash(toy: Any) -> None:
    (toy.folder / "genes.csv").unlink()
    (toy.folder / "folds" / "fold_1.csv").unlink()
    for image in (toy.folder / "scans").iterdir():
        image.unlink()
    card = toy.open()
    assert card.missing_files() == ["folds/fold_1.csv", "genes.csv", "scans/*.png"]
    with pytest.raises(DataCardError, match=r"not in .*: folds/fold_1.csv"):
        card.data_hash()


def test_the_simulated_card_writes_its_files_once(tmp_path: Path) -> None:
    card = open_card("simulated_glioma")
    assert card.folder.parent == tmp_path / "cache"
    assert card.missing_files() == []
    times = {p: p.stat().st_mtime_ns for p in card.folder.iterdir()}
    again = open_card("simulated_glioma")
    assert {p: p.stat().st_mtime_ns for p in again.folder.iterdir()} == times
    assert [p.name for p in (tmp_path / "cache").iterdir() if p.name.startswith(".")] == []
