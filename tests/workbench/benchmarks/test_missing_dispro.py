"""Published schedules of missing modalities on a small collection: read, followed and judged."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from workbench.benchmarks import missing_dispro as module
from workbench.benchmarks.dispro_patients import SLIDE_RISK, Scheduled, scheduled, slide_risk
from workbench.benchmarks.dispro_schedules import INSIDE, Rate, find_schedules
from workbench.benchmarks.mcat import published_risks
from workbench.benchmarks.missing import COMPLETE_ONLY
from workbench.benchmarks.tcga_members import read_members
from workbench.errors import DataCardError

Call = Callable[..., tuple[int, str, str]]
Change = Callable[[pd.DataFrame], pd.DataFrame]
NOTHING, SOME = Rate(0, 0), Rate(40, 20)
N_SCHEDULED, N_ELSEWHERE = 96, 4
"""Patients of the cancer whom the schedules name, and patients whom only the schedules know."""


def schedule(first: pd.DataFrame, fold: int, rate: Rate) -> pd.DataFrame:
    """A fold holds out a quarter of the patients; the last quarter only trains."""
    ids = [*first.index[:N_SCHEDULED], *(f"TCGA-ZZ-{i:04}" for i in range(N_ELSEWHERE))]
    n = len(ids)
    held_out = np.arange(n) % 4 == fold
    drawn = np.random.default_rng(fold).uniform(0, 100, n)
    slides = held_out | (drawn >= rate.slides)
    omics = held_out | (drawn < 100 - rate.omics)
    return pd.DataFrame(
        {
            "Study": "TCGA-XACA",
            "ID": ids,
            "Event": 1.5,
            "Status": [*(1.0 - first["censorship"].iloc[:N_SCHEDULED]), *[1.0] * N_ELSEWHERE],
            "WSI": [f"{i}-01Z.pt" if has else None for i, has in zip(ids, slides, strict=True)],
            "Omics": [f"{i}.csv" if has else None for i, has in zip(ids, omics, strict=True)],
            "Split": np.where(held_out, "val", "train"),
        }
    )


def write_schedules(root: Path, collection: Path) -> Path:
    """A data folder with the first cancer of ``collection``; give the folder of its schedules."""
    omics = root / "tcga_omics"
    omics.mkdir(parents=True)
    for name in ("xaca.parquet", "clinical_endpoints.csv.gz", "published_slide_risks.csv.gz"):
        (omics / name).symlink_to(collection / "tcga_omics" / name)
    folder = root / "missing_dispro" / INSIDE / "XACA"
    folder.mkdir(parents=True)
    first = pd.read_parquet(omics / "xaca.parquet")
    for rate in (NOTHING, SOME):
        for fold in range(3):
            name = f"XACA_fold_{fold}_W{rate.slides}_O{rate.omics}.csv"
            schedule(first, fold, rate).to_csv(folder / name, index=False)
    return folder


@pytest.fixture
def folder(tmp_path: Path, wide_collection: Path) -> Path:
    """Schedules of a cancer that has its table, to be spoiled."""
    return write_schedules(tmp_path / "data", wide_collection)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, wide_collection: Path) -> Path:
    """A data folder to be left as it is."""
    root = tmp_path_factory.mktemp("whole")
    write_schedules(root, wide_collection)
    return root


@pytest.fixture(scope="module")
def study(whole: Path) -> Scheduled:
    (schedules,) = find_schedules(whole)
    members, _ = read_members("clinical_staged", whole, lambda progress: None)
    return scheduled(members["xaca"], schedules, published_risks(whole))


# --- reading -----------------------------------------------------------------------------------


def test_schedules_are_read_as_written(whole: Path) -> None:
    (found,) = find_schedules(whole)
    assert found.study == "XACA"
    assert list(found.rates) == [NOTHING, SOME]
    assert len(found.files) == 6
    for fold in range(3):
        table = found.rates[SOME][fold]
        assert len(table) == N_SCHEDULED + N_ELSEWHERE
        assert table["held_out"].sum() == 25
        assert table.loc[table["held_out"], ["slides", "omics"]].all(axis=None)
        # By how the schedule is drawn, nobody lacks both.
        lacking = ~table[["slides", "omics"]]
        assert not lacking.all(axis=1).any()
        assert lacking.any().all()
        assert found.rates[NOTHING][fold][["slides", "omics"]].all(axis=None)


def spoil(change: Change) -> Callable[[Path], None]:
    """Change one file."""

    def apply(folder: Path) -> None:
        path = folder / "XACA_fold_1_W40_O20.csv"
        change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)

    return apply


def spoil_fold(change: Change) -> Callable[[Path], None]:
    """Change every file of a fold alike."""

    def apply(folder: Path) -> None:
        for path in folder.glob("XACA_fold_1_*"):
            change(pd.read_csv(path, dtype=str)).to_csv(path, index=False)

    return apply


def with_first(column: str, value: str | None) -> Change:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        table.loc[0, column] = value
        return table

    return change


def in_both(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1].assign(Split="val")])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (spoil(in_both), "1 patients stand in both train and val"),
        (spoil(lambda t: pd.concat([t, t.iloc[:2]])), "2 rows repeat a patient"),
        (spoil(lambda t: t.assign(Omic=1)), "unknown column 'Omic'; did you mean 'Omics'?"),
        (spoil(lambda t: t.drop(columns="WSI")), "no column WSI: it must hold Study, ID"),
        (spoil(with_first("Split", "test")), "Split must be train or val, got something else in 1"),
        (spoil(with_first("Split", None)), "Split must be train or val, got something else in 1"),
        (spoil(with_first("Status", "2.0")), "Status must be 0 (alive) or 1 (died)"),
        (spoil(with_first("ID", None)), "1 rows have no ID"),
        (spoil(with_first("Study", "TCGA-XBCA")), "Study must be TCGA-XACA"),
        (spoil(with_first("Omics", "TCGA-AA-9999.csv")), "Omics must name a file of the row's own"),
        (spoil(lambda t: t.assign(Split="train")), "no patient stands in val"),
        (spoil(lambda t: t.assign(Split="val")), "no patient stands in train"),
        (spoil(with_first("Split", "val")), "fold 1: the rates hold out different patients"),
        (spoil(lambda t: t.iloc[1:]), "the files do not list the same patients"),
        (spoil_fold(with_first("Split", "val")), "1 patients are held out in fold 1 and in an"),
        (lambda f: (f / "XACA_fold_2_W0_O0.csv").unlink(), "no file of fold 2 at W0_O0"),
        (lambda f: (f / "XACA_fold_2_W0_O0.csv").rename(f / "XACA_2.csv"), "expected a name such"),
        (lambda f: (f / "XACA_fold_0_W0_O0.csv").write_bytes(b""), "O0.csv: the file is empty"),
        (lambda f: (f / "XACA_fold_0_W0_O0.csv").write_bytes(b"\x80\0\1"), "not text: a binary"),
        (lambda f: (f / "XACA_fold_0_W0_O0.csv").write_text("Study,ID\na,b,c\n"), "1 rows have"),
        (lambda f: [path.unlink() for path in f.iterdir()], "XACA holds no schedule"),
        (lambda f: f.rename(f.parent / ".XACA"), "no schedule lies in"),
        (lambda f: f.rename(f.parent / "XBCA"), "expected a name such as XBCA_fold_0"),
    ],
)
def test_spoiled_schedules_are_one_line(
    call: Call, folder: Path, tmp_path: Path, change: Callable[[Path], Any], said: str
) -> None:
    change(folder)
    out = tmp_path / "out"
    code, shown, err = call(
        "benchmark", "missing_dispro", "--out", out, "--data-dir", tmp_path / "data"
    )
    assert (code, shown) == (1, "")
    assert said in err
    assert len(err.splitlines()) == 1
    assert not out.exists()


def test_a_damaged_file_of_risks_and_a_lacking_table_are_one_line(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    omics = tmp_path / "data" / "tcga_omics"
    command = ("benchmark", "missing_dispro", "--out", tmp_path / "out")
    risks = omics / "published_slide_risks.csv.gz"
    half = risks.read_bytes()[:500]
    risks.unlink()
    risks.write_bytes(half)
    code, _, err = call(*command, "--data-dir", tmp_path / "data")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "cannot be read" in err
    (omics / "xaca.parquet").unlink()
    code, _, err = call(*command, "--data-dir", tmp_path / "data")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "xaca is left out: the folder tcga_omics holds no xaca.parquet" in err


# --- following ---------------------------------------------------------------------------------


def test_patients_on_one_side_alone_are_counted(study: Scheduled) -> None:
    assert (study.n_without_data, study.n_unscheduled, study.n_other_event) == (4, 4, 0)
    assert study.member.dataset.n_patients == N_SCHEDULED
    assert_array_equal(study.member.cohort.patients.index, study.member.dataset.patient_id)


def test_another_event_in_the_schedules_is_counted(study: Scheduled, whole: Path) -> None:
    members, _ = read_members("clinical_staged", whole, lambda progress: None)
    rates = {
        rate: {
            fold: table.assign(event=table["event"] ^ (table.index == "TCGA-AA-0000"))
            for fold, table in of.items()
        }
        for rate, of in study.schedules.rates.items()
    }
    again = scheduled(members["xaca"], replace(study.schedules, rates=rates), None)
    assert again.n_other_event == 1
    assert again.followed == ("omics",)
    assert SLIDE_RISK not in again.arrays(SOME, 0).modalities


def test_foreign_identifiers_are_refused(study: Scheduled) -> None:
    rates = {
        rate: {fold: table.rename(index=lambda i: f"{i}-01") for fold, table in of.items()}
        for rate, of in study.schedules.rates.items()
    }
    with pytest.raises(DataCardError, match="none of the 100 patients of the schedules"):
        scheduled(study.member, replace(study.schedules, rates=rates), None)


@pytest.mark.parametrize("fold", [0, 1, 2])
def test_what_is_withheld_is_absent_and_all_else_as_it_was(study: Scheduled, fold: int) -> None:
    table, dataset = study.table(SOME, fold), study.arrays(SOME, fold)
    assert_array_equal(table.index, dataset.patient_id)
    before = study.member.dataset.modalities
    for name, modality in dataset.modalities.items():
        expected = {"clinical_staged": np.ones(N_SCHEDULED, bool), SLIDE_RISK: table["slides"]}
        assert_array_equal(modality.present, expected.get(name, table["omics"]))
        assert not modality.values[~modality.present].any()
        if name != SLIDE_RISK:
            kept = modality.present
            assert_array_equal(modality.values[kept], before[name].values[kept])
    assert_array_equal(study.complete(SOME, fold), table["slides"] & table["omics"])
    assert study.complete(NOTHING, fold).all()


def test_slides_are_scaled_by_the_training_patients_of_their_network() -> None:
    """One network has three training patients, one two and one a lone one; by hand."""
    table = pd.DataFrame(
        {"slides": [True] * 10, "held_out": [False] * 7 + [True] * 3}, index=list("abcdefghij")
    )
    table.loc["g", "slides"] = False
    risks = pd.DataFrame(
        {
            "fold": [0, 0, 0, 1, 1, 2, 0, 0, 1, 2],
            "risk_score": [1.0, 2.0, 3.0, 10.0, 30.0, 5.0, 99.0, 4.0, 40.0, 6.0],
        },
        index=table.index,
    )
    found = slide_risk(risks, table)
    assert_array_equal(found.present, [True] * 5 + [False, False, True, True, False])
    half = np.sqrt(0.5)
    expected = [-1, 0, 1, -half, half, 0, 0, 2, 20 / np.sqrt(200), 0]
    assert_allclose(found.values[:, 0], expected)
    # Nothing of those held out reaches the scale; one without a risk has no slide.
    risks.loc[["h", "i"], "risk_score"] = [-500.0, np.nan]
    again = slide_risk(risks, table)
    assert_array_equal(again.values[:7], found.values[:7])
    assert not again.present[8]


def test_two_risks_for_one_patient_are_refused(study: Scheduled, whole: Path) -> None:
    risks = published_risks(whole)
    twice = pd.concat([risks, risks[risks["model"] == "AMIL"].iloc[:2]])
    with pytest.raises(DataCardError, match="2 second risks for xaca"):
        scheduled(study.member, study.schedules, twice)


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_neither_held_out_outcomes_nor_withheld_values_reach_a_model(study: Scheduled) -> None:
    before = module._one_fold(study, SOME, 0)
    table, dataset = study.table(SOME, 0), study.member.dataset
    held_out, lost = (table["held_out"].to_numpy(), ~table["omics"].to_numpy())
    time = np.where(held_out, dataset.time[::-1] + 1, dataset.time)
    event = np.where(held_out, ~dataset.event, dataset.event)
    dataset = replace(dataset, time=time, event=event)
    rna = dataset.modalities["rna"]
    other = np.where(lost[:, None], 7.0, rna.values)
    dataset = dataset.replace_modality(replace(rna, values=other))
    after = module._one_fold(replace(study, member=replace(study.member, dataset=dataset)), SOME, 0)
    assert set(before) == {"null", "clinical", "stack", "selected", COMPLETE_ONLY}
    for name, prediction in before.items():
        assert prediction.patient_id.tolist() == table.index[held_out].tolist()
        assert_array_equal(after[name].risk_score, prediction.risk_score)
        assert_array_equal(after[name].survival, prediction.survival)


# --- judging -----------------------------------------------------------------------------------


def run(call: Call, data: Path, out: Path) -> dict[str, Any]:
    code, _, err = call("benchmark", "missing_dispro", "--out", out, "--data-dir", data)
    assert (code, err) == (0, "")
    return json.loads((out / "benchmark.json").read_text(encoding="utf-8"))


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_an_interrupted_benchmark_goes_on_and_finds_the_same(
    call: Call, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, one_fold = tmp_path / "stopped", module._one_fold
    trained: list[tuple[Rate, int]] = []

    def counted(study: Scheduled, rate: Rate, fold: int) -> dict[str, Any]:
        if len(trained) == 2:
            raise KeyboardInterrupt
        trained.append((rate, fold))
        return one_fold(study, rate, fold)

    monkeypatch.setattr(module, "_one_fold", counted)
    code, _, err = call("benchmark", "missing_dispro", "--out", out, "--data-dir", whole)
    assert code == 130
    assert "the same command goes on" in err
    assert trained == [(NOTHING, 0), (NOTHING, 1)]
    trained.clear()

    def rest(study: Scheduled, rate: Rate, fold: int) -> dict[str, Any]:
        trained.append((rate, fold))
        return one_fold(study, rate, fold)

    monkeypatch.setattr(module, "_one_fold", rest)
    found = run(call, whole, out)
    assert trained == [(NOTHING, 2), (SOME, 0), (SOME, 1), (SOME, 2)]
    assert {path.name for path in out.iterdir()} == {"benchmark.json", "run.json"}

    rows = {(r["dataset"], r["model"], r["metric"]): r for r in found["rows"]}
    assert len(rows) == len(found["rows"])
    nothing, some = (module.titled("xaca", rate) for rate in (NOTHING, SOME))
    assert {dataset for dataset, _, _ in rows} == {nothing, some}
    assert {row["published"] for row in found["rows"]} == {None}
    for dataset in (nothing, some):
        for model in ("clinical", "stack", COMPLETE_ONLY, "selected"):
            for metric in ("harrell_c_fold_mean", "calibration_slope at 36 months"):
                row = rows[dataset, model, metric]
                assert row["lower"] < row["estimate"] < row["upper"]
    # The schedule leaves the clinical variables as they are.
    clinical = [rows[d, "clinical", "harrell_c"] | {"dataset": ""} for d in (nothing, some)]
    assert clinical[0] == clinical[1]
    over = f"delta_harrell_c over {COMPLETE_ONLY}"
    assert (nothing, "stack", over) not in rows
    c = {model: rows[some, model, "harrell_c"]["estimate"] for model in ("stack", COMPLETE_ONLY)}
    assert rows[some, "stack", over]["estimate"] == pytest.approx(c["stack"] - c[COMPLETE_ONLY])

    notes = found["notes"]
    assert any("4 of 100 patients of the schedules are not in the data, and 4" in n for n in notes)
    assert any("Each of 72 patients is held out once, in 3 folds" in note for note in notes)
    assert any(note.startswith("Slides are no images here") for note in notes)
    claims = [note for note in notes if " changed C by " in note]
    assert [claim.partition(". ")[0] for claim in claims] == [nothing, some, some]
    assert "over the combined model trained on complete patients alone: " in claims[2]


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_without_risks_of_slides_the_schedule_of_omics_is_followed(
    call: Call, folder: Path, tmp_path: Path
) -> None:
    """Also: one that has no table is left out, and other schedules are other data."""
    (tmp_path / "data" / "tcga_omics" / "published_slide_risks.csv.gz").unlink()
    for path in folder.glob("*_W0_O0.csv"):
        path.unlink()
    elsewhere = folder.parent / "XZCA"
    elsewhere.mkdir()
    for path in folder.iterdir():
        table = pd.read_csv(path, dtype=str).assign(Study="TCGA-XZCA")
        table.to_csv(elsewhere / path.name.replace("XACA", "XZCA"), index=False)
    out = tmp_path / "out"
    found = run(call, tmp_path / "data", out)
    assert {row["dataset"] for row in found["rows"]} == {module.titled("xaca", SOME)}
    assert found["settings"]["studies"] == ["xaca"]
    assert found["notes"][0].startswith("xzca is left out: the folder tcga_omics holds no xzca")
    assert any("only what concerns omics is followed" in note for note in found["notes"])
    spoil(with_first("Omics", None))(folder)
    code, _, err = call(
        "benchmark", "missing_dispro", "--out", out, "--data-dir", tmp_path / "data"
    )
    assert code == 1
    assert "differs in the data: choose another folder" in err
