import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter

from workbench.data import simulate as module
from workbench.data.open_card import open_card
from workbench.data.simulate import SimulatedCohort, pathways, simulate, write
from workbench.errors import DataCardError


@pytest.fixture(scope="module")
def cohort() -> SimulatedCohort:
    return simulate()


def harrell_c(cohort: SimulatedCohort, risk_score: pd.Series) -> float:
    """One pair at a time, so that no array trick is shared with the simulator."""
    time, dead = cohort.clinical["os_days"], cohort.clinical["vital_status"] == "dead"
    rows = list(zip(time, dead, risk_score, strict=True))
    won, n_pairs = 0.0, 0
    for t, died, risk in rows:
        if died:
            later = [r for u, _, r in rows if u > t]
            won += sum((risk > r) + 0.5 * (risk == r) for r in later)
            n_pairs += len(later)
    return won / n_pairs


def test_the_oracle_is_the_c_of_the_true_log_hazard(cohort: SimulatedCohort) -> None:
    oracle = harrell_c(cohort, cohort.truth.log_hazard["total"])
    assert cohort.truth.oracle_c["os"] == pytest.approx(oracle, abs=1e-12)
    assert 0.78 < oracle < 0.84


def test_every_part_carries_risk_and_none_carries_all(cohort: SimulatedCohort) -> None:
    parts = cohort.truth.log_hazard
    oracle, clinical = cohort.truth.oracle_c["os"], harrell_c(cohort, parts["clinical"])
    assert 0.64 < clinical < 0.72
    for part in ("imaging", "genomics"):
        assert clinical + 0.03 < harrell_c(cohort, parts["clinical"] + parts[part]) < oracle - 0.03
    assert np.allclose(parts[["clinical", "imaging", "genomics"]].sum(axis=1), parts["total"])


def test_follow_up_suits_the_horizons(cohort: SimulatedCohort) -> None:
    censored = (cohort.clinical["vital_status"] == "alive").mean()
    assert 0.45 <= censored <= 0.55
    for horizon in (365, 1095):
        assert (cohort.clinical["os_days"] > horizon).sum() >= 60
    assert (cohort.clinical["pfi_days"] <= cohort.clinical["os_days"]).all()
    assert cohort.clinical["os_days"].min() >= 1


def test_images_are_missing_not_at_random(cohort: SimulatedCohort) -> None:
    missing = pd.Series(~cohort.has_image, cohort.clinical.index)
    assert 0.14 < missing.mean() < 0.22
    by_site = missing.groupby(cohort.clinical["site"]).mean()
    assert by_site["West"] > 2 * by_site.drop("West").mean()
    assert missing[cohort.clinical["age"] > 60].mean() > missing[cohort.clinical["age"] < 50].mean()
    assert 0.08 < 1 - len(cohort.rna) / 600 < 0.16
    assert 0.08 < 1 - len(cohort.mutations) / 600 < 0.16


def test_size_and_texture_can_be_read_off_the_image(cohort: SimulatedCohort) -> None:
    flair = cohort.images[..., 1] / 255
    fine = gaussian_filter(flair, (0, 0.7, 0.7)) - gaussian_filter(flair, (0, 2.5, 2.5))
    pairs = list(zip(fine, cohort.masks, strict=True))
    area = np.log([mask.sum() for mask in cohort.masks])
    texture = [image[mask].std() for image, mask in pairs]
    design = np.column_stack([np.ones(len(area)), area, texture])
    truth = cohort.truth.log_hazard["imaging"].to_numpy()
    residual = truth - design @ np.linalg.lstsq(design, truth, rcond=None)[0]
    assert residual.var() / truth.var() < 0.1
    assert np.corrcoef(texture, truth)[0, 1] > 0.3


def test_scanners_differ(cohort: SimulatedCohort) -> None:
    corner = pd.Series(cohort.images[:, :4, :4].std(axis=(1, 2, 3)), cohort.clinical.index)
    noise = corner.groupby(cohort.clinical["site"]).mean()
    assert noise["West"] > 1.5 * noise["North"]


def test_the_causal_genes_follow_the_hazard_and_the_others_do_not(cohort: SimulatedCohort) -> None:
    genomics = cohort.truth.log_hazard["genomics"][cohort.rna.index]
    correlation = cohort.rna.corrwith(genomics).abs()
    causal = list(cohort.truth.causal_genes)
    assert correlation[causal].min() > 0.25
    assert correlation.drop(causal).mean() < 0.06
    tables = {len(pathways()[name]) for name in cohort.truth.causal_pathways}
    assert sum(len(genes) for genes in pathways().values()) == 350
    assert len(causal) == sum(len(pathways()[n]) for n in cohort.truth.causal_pathways)
    assert tables <= set(range(10, 26))


def test_the_same_seed_gives_the_same_cohort() -> None:
    a, b, c = simulate(60, seed=3), simulate(60, seed=3), simulate(60, seed=4)
    assert a.clinical.equals(b.clinical)
    assert a.rna.equals(b.rna)
    assert (a.images == b.images).all()
    assert not a.clinical.equals(c.clinical)
    with pytest.raises(DataCardError, match="at least 20 patients, got 5"):
        simulate(5)


def test_files_hold_what_was_simulated(tmp_path: Path) -> None:
    folder = write(tmp_path / "cohort", n_patients=40, seed=1)
    cohort = simulate(40, seed=1)
    table = pd.read_csv(folder / "clinical.csv", index_col="patient_id")
    assert table["os_days"].equals(cohort.clinical["os_days"])
    assert np.allclose(pd.read_parquet(folder / "rna.parquet"), cohort.rna)
    names = sorted(path.stem for path in (folder / "images").iterdir())
    assert names == sorted(cohort.clinical.index[cohort.has_image])
    first = cohort.clinical.index.get_loc(names[0])
    assert (
        np.asarray(Image.open(folder / "images" / f"{names[0]}.png")) == cohort.images[first]
    ).all()
    mask = np.asarray(Image.open(folder / "masks" / f"{names[0]}.png")) > 0
    assert (mask == cohort.masks[first]).all()
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["oracle_c"] == cohort.truth.oracle_c
    parts = pd.read_csv(folder / "truth.csv", index_col="patient_id")
    assert np.allclose(parts["total"], cohort.truth.log_hazard["total"], atol=1e-5)


def test_the_folder_appears_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_truth", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "cohort", n_patients=40)
        patch.undo()
        patch.setattr(Image.Image, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            write(tmp_path / "cohort", n_patients=40)
    assert list(tmp_path.iterdir()) == []
    write(tmp_path / "cohort", n_patients=40)
    with pytest.raises(DataCardError, match="exists"):
        write(tmp_path / "cohort", n_patients=40)


def test_the_card_says_what_was_simulated() -> None:
    card = open_card("simulated_glioma")
    assert card.spec.simulated
    assert card.spec.modalities["rna"].pathways == pathways()  # pyright: ignore
    assert card.spec.columns["best_response"].role == "post_outcome"
    for text in (
        card.spec.title,
        card.spec.source,
        *(column.meaning for column in card.spec.columns.values()),
        *(outcome.title for outcome in card.spec.outcomes.values()),
        *(modality.title for modality in card.spec.modalities.values()),
    ):
        assert "simulated" in text.lower()
