"""The benchmarks of TCGA cancers on a small collection, whoever is in the folder."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from fusion.components import fit_with_scores
from workbench.benchmarks.comparison_rows import mean_rows
from workbench.benchmarks.mcat import _answer, _in_folds, published_risks
from workbench.benchmarks.missing import without_omics
from workbench.benchmarks.record import BenchmarkRow
from workbench.benchmarks.tcga_members import TRANSFER, Member, read_members, taught, widened
from workbench.errors import DataCardError
from workbench.survival import harrell_c

Call = Callable[..., tuple[int, str, str]]
Rows = dict[tuple[str, str, str], dict[str, Any]]
JUDGED = ("xaca", "xbca", "xcca")


@pytest.fixture(scope="module")
def members(wide_collection: Path) -> dict[str, Member]:
    return read_members("clinical", wide_collection, lambda progress: None)[0]


def run(call: Call, name: str, data: Path, out: Path) -> tuple[Rows, list[str]]:
    code, _, err = call("benchmark", name, "--out", out, "--data-dir", data)
    assert (code, err) == (0, "")
    found = json.loads((out / "benchmark.json").read_text(encoding="utf-8"))
    rows = {(r["dataset"], r["model"], r["metric"]): r for r in found["rows"]}
    assert len(rows) == len(found["rows"])
    return rows, found["notes"]


def test_a_cancer_with_hardly_a_death_does_not_stop_the_others(wide_collection: Path) -> None:
    members, left_out = read_members("clinical", wide_collection, lambda progress: None)
    assert tuple(members) == JUDGED
    assert len(left_out) == 1
    assert left_out[0].startswith("xdca is left out: ")
    assert "no event in fold" in left_out[0]


def test_a_folder_without_a_cancer_says_what_belongs_there(tmp_path: Path) -> None:
    (tmp_path / "tcga_omics").mkdir()
    with pytest.raises(DataCardError, match="put one Parquet a cancer there"):
        read_members("clinical", tmp_path, lambda progress: None)


def test_other_cancers_teach_a_score_that_ranks_this_one(members: dict[str, Member]) -> None:
    """One gene carries risk in all three; nothing of a cancer's own outcome is used."""
    found = taught(members, lambda progress: None)
    for name in JUDGED:
        dataset = found[name].dataset
        score = fit_with_scores(dataset.modalities[TRANSFER])[1][:, 0]
        assert float(harrell_c(dataset.time, dataset.event, score)) > 0.55
        ladder = widened(found[name], (TRANSFER,), TRANSFER)
        assert list(ladder) == [f"stack_{TRANSFER}", f"selected_{TRANSFER}"]


def test_two_cancers_teach_each_other_nothing(members: dict[str, Member]) -> None:
    """One other cancer is too few: what is common could not be told from what is its own."""
    two = {name: members[name] for name in JUDGED[:2]}
    assert all(TRANSFER not in m.dataset.modalities for m in taught(two, lambda p: None).values())


def test_nobody_is_taught_by_their_own_table_under_another_name(
    members: dict[str, Member],
) -> None:
    """A second table of the same patients teaches neither the first nor, once more, the others."""
    again = replace(members["xaca"], name="xaca2")
    found = taught({**members, "xaca2": again}, lambda progress: None)
    assert all(TRANSFER in m.dataset.modalities for m in found.values())
    alone = taught(members, lambda progress: None)
    for name in JUDGED:
        assert_array_equal(
            found[name].dataset.modalities[TRANSFER].direction,
            alone[name].dataset.modalities[TRANSFER].direction,
        )


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda r: r.drop(columns="fold"), "has no column fold"),
        (lambda r: r[r["model"] != "MCAT"], "100 of 100 patients have no published risk of MCAT"),
        (lambda r: r.iloc[1:], "1 of 100 patients have no published risk of SNN"),
        (lambda r: r.assign(risk_score=np.nan), "100 of 100 patients have no published risk"),
        (lambda r: pd.concat([r, r.iloc[:1]]), "two risks for one patient"),
        (lambda r: r.assign(cancer="other"), "no cancer of published_slide_risks"),
    ],
)
def test_spoiled_published_risks_are_one_line(
    call: Call,
    wide_collection: Path,
    tmp_path: Path,
    spoil: Callable[[pd.DataFrame], pd.DataFrame],
    said: str,
) -> None:
    data = tmp_path / "data" / "tcga_omics"
    data.mkdir(parents=True)
    for name in ("xaca.parquet", "clinical_endpoints.csv.gz"):
        (data / name).symlink_to(wide_collection / "tcga_omics" / name)
    risks = pd.read_csv(wide_collection / "tcga_omics" / "published_slide_risks.csv.gz")
    spoil(risks).to_csv(data / "published_slide_risks.csv.gz", index=False)
    out = tmp_path / "out"
    code, _, err = call("benchmark", "mcat", "--out", out, "--data-dir", data.parent)
    assert code == 1
    assert said in err
    assert "Traceback" not in err
    assert not out.exists()


def test_a_damaged_file_of_risks_is_one_line(
    call: Call, wide_collection: Path, tmp_path: Path
) -> None:
    data = tmp_path / "tcga_omics"
    data.mkdir()
    whole = (wide_collection / "tcga_omics" / "published_slide_risks.csv.gz").read_bytes()
    (data / "published_slide_risks.csv.gz").write_bytes(whole[: len(whole) // 2])
    code, _, err = call("benchmark", "mcat", "--out", tmp_path / "out", "--data-dir", tmp_path)
    assert code == 1
    assert "cannot be read" in err


def test_published_risks_are_compared_within_their_fold(
    wide_collection: Path, members: dict[str, Member]
) -> None:
    risks = published_risks(wide_collection)
    member = members["xaca"]
    scaled = _in_folds(member, risks, "AMIL").to_numpy()
    fold = member.cohort.folds[0]
    for held_out in range(5):
        rows = fold == held_out
        assert_allclose([scaled[rows].mean(), scaled[rows].std(ddof=1)], [0, 1], atol=1e-12)
        gene = member.dataset.modalities["rna"].values[rows, 0]
        assert_array_equal(np.argsort(scaled[rows]), np.argsort(gene))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6])
def test_the_share_without_omics_is_as_asked(members: dict[str, Member], share: float) -> None:
    dataset, kept = without_omics(members["xaca"].dataset, share, seed=1)
    assert (~kept).mean() == pytest.approx(share)
    for name, modality in dataset.modalities.items():
        expected = np.ones(100, bool) if name == "clinical" else kept
        assert_array_equal(modality.present, expected)
        assert not modality.values[~modality.present].any()


def test_a_mean_has_the_interval_of_independent_datasets() -> None:
    rows = [
        BenchmarkRow(f"d{i}", "m", "ipa", value, value - half, value + half)
        for i, (value, half) in enumerate([(0.1, 0.03), (0.3, 0.04)])
    ]
    rows.append(BenchmarkRow("d0", "other", "ipa", 0.5, 0.4, 0.6))
    (mean,) = mean_rows("mean", rows, ["d0", "d1"])
    assert (mean.model, mean.estimate) == ("m", pytest.approx(0.2))
    assert mean.upper == pytest.approx(0.2 + 0.05 / 2)
    assert mean.lower == pytest.approx(0.2 - 0.05 / 2)


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.02, 0.01, 0.03), "Slides add to"),
        ((0.0, -0.02, 0.02), "It is not shown that slides add"),
        ((0.0, -0.003, 0.004), "add 0.01 or more to stage, grade, histology and omics is unlikely"),
        ((-0.02, -0.03, -0.01), "the order is worse"),
    ],
)
def test_what_is_said_of_slides_follows_from_the_interval(
    interval: tuple[float, float, float], said: str
) -> None:
    assert said in _answer(*interval)


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_mcat_sets_ours_beside_thepublished_risks(
    call: Call, wide_collection: Path, tmp_path: Path
) -> None:
    rows, notes = run(call, "mcat", wide_collection, tmp_path / "mcat")
    assert {dataset for dataset, _, _ in rows} == {"xaca", "mean"}
    # The published network reads the gene that carries risk; ours reads age beside it.
    better = rows["xaca", "selected", "delta_harrell_c over MCAT"]
    assert better["lower"] < better["estimate"] < better["upper"]
    mcat, snn = (rows["xaca", m, "harrell_c_fold_mean"]["estimate"] for m in ("MCAT", "SNN"))
    assert mcat > 0.5 > snn
    assert mcat == pytest.approx(rows["xaca", "AMIL", "harrell_c_fold_mean"]["estimate"])
    assert ("xaca", "selected_AMIL", "delta_harrell_c over selected") in rows
    # Their survival probabilities are not known, so no accuracy is shown for them.
    assert not [m for _, model, m in rows if model in ("SNN", "MCAT") and "harrell_c" not in m]
    assert any("published risk of slides alone" in note for note in notes)
    assert any(note.startswith("Unequal inputs") for note in notes)


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_staged_cancers_are_judged_on_published_folds_and_hospitals(
    call: Call, collection: Path, tmp_path: Path
) -> None:
    out = tmp_path / "staged"
    rows, notes = run(call, "tcga_omics_staged", collection, out)
    for dataset in ("xaca", "xbca", "mean"):
        for model in ("clinical", "concatenation", "stack", "fusion_net", "selected"):
            c = rows[dataset, model, "harrell_c_fold_mean"]
            assert c["lower"] < c["estimate"] < c["upper"]
        gain = rows[dataset, "selected", "delta_harrell_c"]
        assert gain["lower"] < gain["estimate"] < gain["upper"]
    mean = rows["mean", "stack", "harrell_c_fold_mean"]["estimate"]
    parts = [rows[d, "stack", "harrell_c_fold_mean"]["estimate"] for d in ("xaca", "xbca")]
    assert mean == pytest.approx(np.mean(parts))
    # Two hospitals cannot be dealt into five folds: said, not passed over.
    assert sum("whole hospitals" in note for note in notes) >= 2
    assert not (out / "parts").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("short_training")
def test_missing_omics_are_judged_on_the_same_patients(
    call: Call, collection: Path, tmp_path: Path
) -> None:
    rows, _ = run(call, "missing", collection, tmp_path / "missing")
    clinical = [
        rows[f"xaca, {share} without omics", "clinical", "harrell_c"]["estimate"]
        for share in ("0%", "30%", "60%")
    ]
    assert clinical[0] == clinical[1] == clinical[2]
    title = "xaca, 60% without omics"
    difference = rows[title, "stack", "delta_harrell_c over stack_complete_only"]["estimate"]
    ours, theirs = (
        rows[title, model, "harrell_c"]["estimate"] for model in ("stack", "stack_complete_only")
    )
    assert difference == pytest.approx(ours - theirs, abs=1e-9)
