"""Files that are not as their card says: one line a problem, and never a patient's value."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from workbench.data.check import Problem, check_card
from workbench.data.open_card import open_card


def _edit(file: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Any], None]:
    return lambda toy: toy.edit(file, change)


def _visits(**columns: list[str]) -> Callable[[Any], None]:
    """Overwrite the first values of some columns."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        for name, values in columns.items():
            table[name] = [*values, *table[name].iloc[len(values) :]]
        return table

    return _edit("visits.csv", change)


def _spec(change: Callable[[dict[str, Any]], object]) -> Callable[[Any], None]:
    return lambda toy: change(toy.spec)


def _file(path: str, content: bytes | None) -> Callable[[Any], None]:
    """Overwrite a file, or remove it."""

    def change(toy: Any) -> None:
        if content is None:
            (toy.folder / path).unlink()
        else:
            (toy.folder / path).write_bytes(content)

    return change


def _cut(path: str) -> Callable[[Any], None]:
    def change(toy: Any) -> None:
        whole = (toy.folder / path).read_bytes()
        (toy.folder / path).write_bytes(whole[: len(whole) // 2])

    return change


def _grey(path: str, size: tuple[int, int]) -> Callable[[Any], None]:
    return lambda toy: Image.new("L", size).save(toy.folder / path)


def _swap_vital(spec: dict[str, Any]) -> None:
    spec["outcomes"]["os"]["event"] = {"column": "status", "event": 0, "censored": 1}


def _late_column(spec: dict[str, Any]) -> None:
    spec["columns"]["day"] = {
        "file": "visits",
        "source": "age",
        "meaning": "day of measurement",
        "type": "numeric",
        "role": "description",
    }
    spec["columns"]["grade"]["observed_at"] = {"column": "day"}


def _censoring(both: bool) -> Callable[[Any], None]:
    def change(toy: Any) -> None:
        toy.edit(
            "visits.csv", lambda t: t.rename(columns={"status": "censorship"}).drop(columns="vital")
        )
        del toy.spec["columns"]["vital"]
        coding = {"column": "censorship", "event": 1} | ({"censored": 0} if both else {})
        toy.spec["outcomes"]["os"]["event"] = coding

    return change


PROBLEMS = {
    "a patient twice": (
        _edit("visits.csv", lambda t: pd.concat([t, t.head(2)])),
        "error: files.visits: 2 patients have several rows",
    ),
    "rows of one patient differ": (
        lambda toy: (
            toy.edit("visits.csv", lambda t: pd.concat([t, t.head(2).assign(age="33")])),
            toy.spec["files"]["visits"].update(first_per="patient_id"),
        ),
        "warning: files.visits: rows of one patient differ in age",
    ),
    "a row without a patient": (_visits(id=[""]), "error: files.visits: 1 of 12 rows have no pat"),
    "a level that is not listed": (_visits(grade=["odd"]), "error: columns.grade: 1 patients have"),
    "an impossible value": (_visits(age=["430"]), "error: columns.age: 1 above 100.0 years"),
    "text in a number": (_visits(age=["old"]), "error: columns.age: 1 of 12 values are not numb"),
    "a column without values": (
        _edit("visits.csv", lambda t: t.assign(grade="")),
        "warning: columns.grade: missing for every patient",
    ),
    "a number without unit": (
        _spec(lambda s: s["columns"]["age"].pop("unit")),
        "warning: columns.age: a number without a unit",
    ),
    "a misspelt header": (
        _spec(lambda s: s["columns"]["age"].update(source="ages")),
        "error: columns.age: visits.csv has no column 'ages'; did you mean 'age'?",
    ),
    "a misspelt time": (
        _spec(lambda s: s["outcomes"]["os"].update(time="times")),
        "error: outcomes.os: visits.csv has no column 'times'; did you mean 'time'?",
    ),
    "a feature observed later": (
        _spec(lambda s: s["columns"]["age"].update(observed_at={"days": 30})),
        "error: columns.age: observed 30 days after the index date",
    ),
    "values observed later": (_spec(_late_column), "warning: columns.grade: 12 values were observ"),
    "a negative time": (_visits(time=["-5"]), "error: outcomes.os: 1 time is negative"),
    "a zero time": (_visits(time=["0"]), "warning: outcomes.os: 1 time is zero"),
    "an event without time": (_visits(time=["9", ""]), "warning: outcomes.os: 1 events have no ti"),
    "a time without event": (_visits(status=[""]), "warning: outcomes.os: 1 times have no event"),
    "neither": (_visits(time=[""], status=[""]), "warning: outcomes.os: 1 patients have neither"),
    "a time that is text": (_visits(time=["long"]), "error: outcomes.os: time: 1 of 12 values"),
    "another unit of time": (
        _spec(lambda s: s["outcomes"]["os"].update(unit="years")),
        "error: outcomes.os: the longest time would be more than 100 years: are these years?",
    ),
    "months called days": (
        _edit("visits.csv", lambda t: t.assign(time=[f"{i}.5" for i in range(1, 13)])),
        "warning: outcomes.os: no time reaches a year and most are fractions",
    ),
    "an event value that is not there": (
        _spec(lambda s: s["outcomes"]["os"].update(event={"column": "status", "event": "dead"})),
        "error: outcomes.os: status: the card names 'dead', but none",
    ),
    "a third event value": (_visits(status=["2"]), "error: outcomes.os: status: 1 patients have 1"),
    "nobody has the event": (
        _edit("visits.csv", lambda t: t.assign(status="0")),
        "error: outcomes.os: no patient has the event",
    ),
    "events and censorings exchanged": (
        _spec(_swap_vital),
        "error: outcomes.os: 6 of 6 patients with the event are alive by vital",
    ),
    "1 means censored": (
        _censoring(both=False),
        "error: outcomes.os: the card says that 1 in censorship means the event, but by its name 1 "
        "means censored in this file",
    ),
    "1 means censored, but the card says both": (
        _censoring(both=True),
        "warning: outcomes.os: the card says that 1 in censorship means the event",
    ),
    "a missing table": (_file("genes.csv", None), "error: files.genes: not in "),
    "an unreadable table": (
        _file("genes.csv", b'id,g_A\nP00,"1\n'),
        "error: files.genes: genes.csv: unbalanced quotes",
    ),
    "keys that do not join": (
        _edit("genes.csv", lambda t: t.assign(id="X" + t["id"])),
        "error: files.genes: 12 of 12 patients are not in this file: its keys do not join",
    ),
    "some keys that do not join": (
        _edit("genes.csv", lambda t: t.head(5)),
        "warning: files.genes: 7 of 12 patients are not in this file",
    ),
    "a post-outcome feature": (
        _spec(lambda s: s["modalities"]["clinical"]["columns"].append("vital")),
        "error: modalities.clinical: vital is known only after the outcome",
    ),
    "the outcome as a feature": (
        _spec(lambda s: s["columns"]["age"].update(source="time", range=None)),
        "error: modalities.clinical: age is the outcome itself",
    ),
    "a feature of unknown date": (
        _spec(lambda s: s["columns"]["age"].pop("observed_at")),
        "error: modalities.clinical: age has no observed_at",
    ),
    "a feature with a telling name": (
        _spec(
            lambda s: (
                s["columns"]["vital"].update(role="feature", observed_at={"days": 0})
                or s["modalities"]["clinical"]["columns"].append("vital")
            )
        ),
        "warning: modalities.clinical: the name 'vital' sounds like something known only after",
    ),
    "genes that are not there": (
        _spec(lambda s: s["modalities"]["rna"]["pathways"].update(one=["A", "BB"])),
        "warning: modalities.rna: 1 of 2 genes of one are not in the file, such as 'BB'",
    ),
    "a pathway that is not there": (
        _spec(lambda s: s["modalities"]["rna"]["pathways"].update(two=["X"])),
        "error: modalities.rna: 1 of 1 genes of two",
    ),
    "no gene matches": (
        _spec(lambda s: s["modalities"]["rna"].update(columns="gene_(.+)")),
        "error: modalities.rna: no column of files.genes matches",
    ),
    "a gene that never varies": (
        _edit("genes.csv", lambda t: t.assign(g_A="1")),
        "warning: modalities.rna: 1 features are the same for every patient",
    ),
    "a truncated image": (
        _cut("scans/P01_9.png"),
        "error: modalities.scan: 1 of 12 images: cannot be read whole: truncated or damaged (the "
        "first belongs to image 3 in order of name)",
    ),
    "a grey image": (
        _grey("scans/P01_9.png", (24, 20)),
        "error: modalities.scan: 1 of 12 images: 1 channels, expected 3",
    ),
    "a missing mask": (
        _file("scans/P01_9_mask.png", None),
        "error: modalities.scan: 1 of 12 masks: no such file",
    ),
    "a mask of another size": (
        _grey("scans/P01_9_mask.png", (8, 8)),
        "error: modalities.scan: 1 of 12 masks: 8 × 8 pixels, but its image has 20 × 24",
    ),
    "a missing image": (
        _file("scans/P01_9.png", None),
        "warning: modalities.scan: 1 patients have fewer than 2 images",
    ),
    "an image of nobody": (
        _grey("scans/nobody.png", (8, 8)),
        "error: modalities.scan: 1 of 13 paths do not match key.regex",
    ),
    "no image at all": (
        _spec(lambda s: s["modalities"]["scan"].update(pattern="scan/*.png")),
        "error: modalities.scan: no image",
    ),
    "a missing fold": (_file("folds/fold_1.csv", None), "error: splits.fold: not in "),
    "a patient in two folds": (
        _edit("folds/fold_0.csv", lambda t: t.assign(val="P01")),
        "error: splits.fold: 6 patients are held out twice",
    ),
    "a patient in no fold": (
        _edit("folds/fold_0.csv", lambda t: t.head(4)),
        "warning: splits.fold: 2 patients are in no fold",
    ),
    "a key in a fold that is no patient": (
        _edit("folds/fold_0.csv", lambda t: t.assign(val=["Q", *t["val"].iloc[1:]])),
        "warning: splits.fold: 1 of its keys are no patient's",
    ),
    "a fold without its column": (
        _edit("folds/fold_0.csv", lambda t: t.rename(columns={"val": "vals"})),
        "error: splits.fold: folds/fold_0.csv has no column 'val'; did you mean 'vals'?",
    ),
    "an unknown outcome in the study": (
        _spec(lambda s: s["study"].update(outcome="oss")),
        "error: study.outcome: the card has no 'oss'; did you mean 'os'?",
    ),
    "an unknown modality in the study": (
        _spec(lambda s: s["study"].update(modalities=["scam"])),
        "error: study.modalities: the card has no 'scam'; did you mean 'scan'?",
    ),
    "an unknown split in the study": (
        _spec(lambda s: s["study"].update(split={"kind": "given", "column": "folds"})),
        "error: study.split.column: the card has no 'folds'; did you mean 'fold'?",
    ),
}


def test_a_right_dataset_has_only_the_warnings_it_should(toy: Any) -> None:
    assert [str(p) for p in check_card(toy.open())] == [
        "warning: files.genes: 4 of 12 patients are not in this file"
    ]


@pytest.mark.parametrize("title", PROBLEMS)
def test_each_problem_is_one_line(toy: Any, title: str) -> None:
    spoil, expected = PROBLEMS[title]
    spoil(toy)
    before = {p: p.read_bytes() for p in toy.folder.rglob("*") if p.is_file()}
    problems = check_card(toy.open())
    lines = [str(p) for p in problems]
    assert sum(line.startswith(expected) for line in lines) == 1, "\n".join(lines)
    assert all("\n" not in line for line in lines)
    assert not any(f"P{i:02}" in line for line in lines for i in range(12))
    assert [p.level for p in problems] == sorted(p.level for p in problems)
    after = {p: p.read_bytes() for p in toy.folder.rglob("*") if p.is_file()}
    assert {p: c for p, c in after.items() if p.name != "toy.md"} == {
        p: c for p, c in before.items() if p.name != "toy.md"
    }


def test_a_value_is_never_repeated(toy: Any) -> None:
    secret = "Zebra"
    toy.edit("visits.csv", lambda t: t.assign(age=secret, grade=secret, smoker=secret, time=secret))
    problems = check_card(toy.open())
    assert {p.where for p in problems if p.level == "error"} == {
        "columns.age",
        "columns.grade",
        "columns.smoker",
        "outcomes.os",
    }
    assert not any(secret in str(p) for p in problems)


def test_a_file_that_differs_from_the_pinned_one(toy: Any) -> None:
    content = (toy.folder / "genes.csv").read_bytes()
    toy.spec["files"]["genes"] |= {
        "url": "https://example.org/genes.csv",
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    assert not any(p.where == "manifest" for p in check_card(toy.open()))
    toy.edit("genes.csv", lambda t: t.assign(g_A=np.arange(8)))
    expected = "1 of 1 files differ from the pinned ones"
    assert any(p.where == "manifest" and expected in p.message for p in check_card(toy.open()))


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        (None, "is not beside the card"),
        ("path,url,bytes\nx,https://a.org/x,1\n", "line 2: sha256"),
        (f"path,url,bytes,sha256\n../x,https://a.org/x,1,{'0' * 64}\n", "inside the data folder"),
        (f"path,url,bytes,sha256\nx,ftp://a.org/x,1,{'0' * 64}\n", "line 2: url"),
        ("path,url,bytes,sha256\n" + f"x,https://a.org/x,1,{'0' * 64}\n" * 2, "line 3: .* twice"),
    ],
)
def test_a_manifest_that_is_wrong(toy: Any, manifest: str | None, message: str) -> None:
    toy.spec["manifest"] = "toy.manifest.csv"
    if manifest is not None:
        (toy.folder / "toy.manifest.csv").write_text(manifest)
    problems = [p for p in check_card(toy.open()) if p.level == "error"]
    assert len(problems) == 1
    assert pd.Series([problems[0].message]).str.contains(message).all()


@pytest.mark.shared_data
def test_tcga_glioma_has_no_error(shared_data: Path) -> None:
    assert check_card(open_card("tcga_glioma", data_dir=shared_data)) == [
        Problem("warning", "files.omics", "5 of 574 patients are not in this file"),
        Problem("warning", "splits.fold", "5 patients are in no fold"),
    ]
