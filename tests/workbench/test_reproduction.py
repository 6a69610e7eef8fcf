"""A report is made again from its own numbers, and says so only where every one agrees."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from workbench.errors import StudyError
from workbench.report.number_differences import Difference
from workbench.reproduction import provenance_differences, provenance_sentences
from workbench.run_comparison import compare_runs, write_comparison
from workbench.study_settings import Study

Command = Callable[..., Any]


@pytest.fixture(scope="module")
def quick(
    tmp_path_factory: pytest.TempPathFactory, small_files: Callable[[Path], Any], command: Command
) -> tuple[Any, Path]:
    """A study without images and networks, and the folder of its run."""
    folder = tmp_path_factory.mktemp("quick") / "small"
    folder.mkdir()
    study = small_files(folder)
    study.study |= {"modalities": ["clinical", "rna"], "models": ["null", "clinical", "selected"]}
    study.study["models"].insert(2, "concatenation")
    study.study["horizons"] = [365]
    study.save()
    out = folder.parent / "first"
    done = command("run", study.study_file, "--out", out)
    assert done.returncode == 0, done.stderr
    return study, out


def test_a_fresh_process_finds_every_number_again(quick: Any, command: Command) -> None:
    study, out = quick
    again = out.parent / "again"
    done = command("run", out / "report.json", "--card", study.card, "--out", again)
    assert done.returncode == 0, done.stderr
    record = json.loads((again / "reproduction.json").read_text(encoding="utf-8"))
    assert record["agrees"] is True
    assert (record["tolerance"], record["differences"], record["provenance"]) == (0.0, [], [])
    assert record["n_numbers"] > 1000
    assert "environment are those of the first run" in done.stdout
    assert "numbers agree exactly" in done.stdout
    one, other = (json.loads((f / "report.json").read_text("utf-8")) for f in (out, again))
    assert one == other
    cards = [(f / "model_card.json").read_bytes() for f in (out, again)]
    assert cards[0] == cards[1]


def test_a_planted_number_is_named_and_fails_the_command(
    quick: Any, call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    study, out = quick
    claimed = json.loads((out / "report.json").read_text(encoding="utf-8"))
    claimed["ladder"][1]["harrell_c"]["estimate"] += 0.01
    claimed["environment"]["packages"]["numpy"] = "0.1"
    (tmp_path / "report.json").write_text(json.dumps(claimed), encoding="utf-8")
    # The finished run of the same study is opened, not trained again.
    code, shown, _ = call("run", tmp_path / "report.json", "--card", study.card, "--out", out)
    assert code == 1, shown
    assert "Differs from the first run: numpy: 0.1 before" in shown
    assert "1 of " in shown
    assert "/ladder/1/harrell_c/estimate" in shown
    assert "within 1e-06" in shown
    record = json.loads((out / "reproduction.json").read_text(encoding="utf-8"))
    assert [each["place"] for each in record["differences"]] == ["/ladder/1/harrell_c/estimate"]


def test_other_data_are_told_before_anything_is_trained(quick: Any, tmp_path: Path) -> None:
    study, out = quick
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    asked = Study.of_report(document["study"], str(study.card))
    assert provenance_differences(document, asked) == ()
    changed = document | {"data_hash": "0" * 64, "code_version": "0.0.1"}
    found = provenance_differences(changed, asked)
    assert [each.place for each in found] == ["the data", "the code"]
    assert all("Differs from" in sentence for sentence in provenance_sentences(found))


def test_a_report_is_not_compared_with_itself(
    quick: Any, call: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    study, out = quick
    code, _, said = call("run", out / "report.json", "--card", study.card, "--out", out)
    assert code == 1
    assert "holds the report itself: choose another folder" in said
    code, _, said = call("run", out / "run.json", "--out", tmp_path / "x")
    assert (code, "is no report.json" in said) == (1, True)
    code, _, said = call("run", study.study_file, "--card", study.card, "--out", tmp_path / "x")
    assert (code, "--card goes with a report.json" in said) == (2, True)


def test_differences_are_words() -> None:
    assert str(Difference("/a", 1, 2)) == "/a: 1 before, 2 now"


@pytest.fixture(scope="module")
def narrower(quick: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a run of older patients alone would have left, with numbers made up."""
    _, out = quick
    document = json.loads((out / "report.json").read_text(encoding="utf-8"))
    older = {"column": "age", "op": ">=", "value": 45}
    document["study"]["select"] = [older]
    document["definition"]["select"] = [older]
    document |= {"definition_hash": "0" * 64, "n_patients": 90}
    for row in document["ladder"]:
        if row["harrell_c"] is not None:
            row["harrell_c"]["estimate"] -= 0.01
    folder = tmp_path_factory.mktemp("narrower")
    (folder / "report.json").write_text(json.dumps(document), encoding="utf-8")
    return folder


def test_two_runs_say_who_was_lost_and_what_changed(
    quick: Any, narrower: Path, tmp_path: Path, call: Callable[..., tuple[int, str, str]]
) -> None:
    study, out = quick
    code, shown, said = call("compare", out, narrower, "--card", study.card, "--out", tmp_path)
    assert code == 0, said
    found = json.loads((tmp_path / "comparison.json").read_text(encoding="utf-8"))
    ages = pd.read_csv(study.folder / "visits.csv")["age"]
    kept, lost = int((ages >= 45).sum()), int((ages < 45).sum())
    assert found["cohort"]["n_patients"] == [120, 90]
    assert found["cohort"]["members"] == {"kept": kept, "gained": 0, "lost": lost}
    assert kept > lost > 10
    assert [row["part"] for row in found["cohort"]["definition"]] == ["select"]
    assert [row["what"] for row in found["model"]] == ["Study: select"]
    assert {row["what"] for row in found["data"]} == {"Definition of the cohort (sha256)"}
    judged = next(r for r in found["numbers"] if (r["model"], r["group"]) == ("selected", "all"))
    assert judged["change"] == pytest.approx(-0.01)
    page = (tmp_path / "comparison.html").read_text(encoding="utf-8")
    assert f"{kept} kept, 0 gained, {lost} lost" in page
    assert "age" in page
    assert "−0.010" in page
    assert "Patients 120 → 90" in shown
    with pytest.raises(StudyError, match=r"comparison\.json and comparison\.html already"):
        write_comparison(compare_runs(out, narrower, card=str(study.card)), tmp_path)


def test_a_run_beside_itself_differs_in_nothing(quick: Any) -> None:
    study, out = quick
    found = compare_runs(out, out, card=str(study.card))
    assert (found.data, found.model, found.cohort["definition"]) == ((), (), [])
    assert found.cohort["members"] == {"kept": 120, "gained": 0, "lost": 0}
    assert {row["change"] for row in found.numbers} <= {0.0, None}


def test_members_are_not_known_where_the_files_are_others(
    quick: Any, tmp_path: Path, small_files: Callable[[Path], Any]
) -> None:
    _, out = quick
    other = small_files(tmp_path)
    other.edit("visits.csv", lambda table: table.iloc[:-1])
    found = compare_runs(out, out, card=str(other.card))
    assert "others than those of both runs" in found.cohort["members"]["not_known"]
