"""The judged model is the candidate that held-out patients prefer."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.testing import assert_array_equal

from fusion.models import RidgeCox, RiskModel, Selected, Stack
from fusion.models.protocol import NestedFit
from fusion.nested import NestedDesign

BASE = RidgeCox("clinical", ("clinical",))
CANDIDATES = (BASE, RidgeCox("rna", (), ("rna",)), Stack("stack", "clinical", ("rna",)))


def test_it_is_the_best_candidate_by_held_out_likelihood(simulate):
    dataset = simulate(gene_effect=1.2)
    design = NestedDesign(dataset)
    fits = {c.name: design.fit(c) for c in CANDIDATES}
    best = max(fits.values(), key=lambda f: f.held_out)
    selected = design.fit(Selected("selected", CANDIDATES))
    chosen = selected.fitted.chosen
    assert chosen["model"] == best.fitted.model == "stack"
    assert chosen["held_out_log_likelihood"] == {n: f.held_out for n, f in fits.items()}
    assert chosen["weights"] == best.fitted.chosen["weights"]
    assert selected.held_out == best.held_out
    assert torch.equal(selected.fold_scores, best.fold_scores)
    horizons = np.array([100.0, 500.0])
    mine, theirs = (f.fitted.predict(dataset, horizons) for f in (selected, best))
    assert (mine.model, theirs.model) == ("selected", "stack")
    assert_array_equal(mine.risk_score, theirs.risk_score)
    assert_array_equal(mine.survival, theirs.survival)


def test_noise_is_not_selected(simulate):
    """Over several cohorts without any signal in the genes, the clinical model mostly wins."""
    noise = (BASE, RidgeCox("concatenation", ("clinical",), ("rna", "mutations")))
    chosen = [
        Selected("selected", noise).fit(simulate(200, seed=seed, gene_effect=0)).chosen["model"]
        for seed in range(10)
    ]
    assert chosen.count("clinical") >= 5


def test_each_candidate_is_fitted_once(simulate):
    counted: list[str] = []

    @dataclass(frozen=True)
    class Counted(RiskModel):
        name: str

        def fit_nested(self, design: NestedDesign) -> NestedFit:
            counted.append(self.name)
            return design.fit(BASE)

    design = NestedDesign(simulate(60))
    models = (Counted("a"), Counted("b"))
    for model in (*models, Selected("selected", models)):
        design.fit(model)
    assert counted == ["a", "b"]


def test_a_tie_goes_to_the_earlier_candidate(simulate):
    twins = (RidgeCox("first", ("clinical",)), RidgeCox("second", ("clinical",)))
    assert Selected("selected", twins).fit(simulate(60)).chosen["model"] == "first"
