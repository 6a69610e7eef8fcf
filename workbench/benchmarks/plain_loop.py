"""The nested cross-validation of a stack as a plain loop over scikit-learn and scikit-survival.

What a careful analyst writes without this project, and what the benchmark of speed compares with:
one fit at a time, scaling and principal components inside every inner training set. It draws the
same inner folds as ours, tries the same penalties and chooses by the same likelihood, so that both
sides make the same fits.
"""

from typing import TYPE_CHECKING

import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sksurv.linear_model import CoxPHSurvivalAnalysis
from sksurv.util import Surv

from fusion.cox_solver import fit_ridge_cox
from fusion.dataset import Modality, PatientDataset
from fusion.losses import held_out_log_likelihood, risk_sets
from fusion.models.ridge_cox import LIGHT_PENALTIES, PENALTIES
from fusion.nested import N_INNER_FOLDS, Block, NestedDesign, RidgePath, stratified_folds

if TYPE_CHECKING:
    import torch

N_COMPONENTS = 32
"""Of each modality; more would be slower here, where a fit costs n·p²."""


class CountedDesign(NestedDesign):
    """Our side: it counts its fits as the plain loop counts its own.

    Parameters
    ----------
    n_components
        Of each modality, as the plain loop has them; None for all, as studies have them.
    """

    def __init__(self, dataset: PatientDataset, seed: int, n_components: int | None) -> None:
        super().__init__(dataset, seed)
        self.n_components = n_components
        self.n_fits = 0

    def block(self, name: str) -> Block:
        block = super().block(name)
        if self.n_components is None or self.dataset.modalities[name].kind == "ehr":
            return block
        return block.leading(self.n_components)

    def ridge_path(self, columns: "torch.Tensor", penalties: "torch.Tensor") -> RidgePath:
        self.n_fits += len(self.weights) * len(penalties)
        return super().ridge_path(columns, penalties)


class PlainLoop:
    """A training set and its inner folds, on which Cox regressions are fitted one by one.

    Parameters
    ----------
    dataset
        Training patients.
    seed
        Draws the inner folds, the same as :class:`fusion.nested.NestedDesign` does.
    """

    def __init__(self, dataset: PatientDataset, seed: int) -> None:
        self.dataset = dataset.take(risk_sets(dataset.time, dataset.event).order.numpy())
        self.sets = risk_sets(self.dataset.time, self.dataset.event)
        self.outcome = Surv.from_arrays(self.dataset.event, self.dataset.time)
        inner_fold = stratified_folds(self.dataset.event, N_INNER_FOLDS, seed)
        self.inside = [inner_fold != fold for fold in range(-1, N_INNER_FOLDS)]
        self.n_fits = 0

    def stack(self, clinical: str, added: tuple[str, ...]) -> np.ndarray:
        """Fit what :class:`fusion.models.Stack` fits.

        Returns
        -------
        array
            Risk score of the training patients by descending time, (patient,).
        """
        base = [columns(self.dataset.modalities[clinical], inside) for inside in self.inside]
        rows = [np.full(base[0].shape[1], penalty) for penalty in LIGHT_PENALTIES]
        light = rows[self._path(base, rows)[0]]
        return self._second_level(base, light, [self._added(base, light, n) for n in added])

    def fit(self, part: np.ndarray, inside: np.ndarray, row: np.ndarray) -> np.ndarray:
        """Coefficients of one ridge Cox regression, (column,).

        Parameters
        ----------
        part
            Columns of all patients, (patient, column).
        inside
            Who trains, (patient,) bool.
        row
            Penalty of each column, (column,).
        """
        self.n_fits += 1
        model = CoxPHSurvivalAnalysis(alpha=row, ties="efron")
        return model.fit(part[inside], self.outcome[inside]).coef_

    def gap(self, clinical: str, name: str) -> float:
        """Largest difference in risk score between this fit and ours, on the same columns."""
        import torch

        everyone = self.inside[0]
        base, own = (columns(self.dataset.modalities[m], everyone) for m in (clinical, name))
        both = np.hstack([base, own])
        row = _penalty_rows(np.full(base.shape[1], LIGHT_PENALTIES[0]), own.shape[1])[0]
        weights = torch.ones(len(both), dtype=torch.float64)
        ours = fit_ridge_cox(torch.as_tensor(both), self.sets, weights, torch.as_tensor(row))
        return float(np.abs(both @ (self.fit(both, everyone, row) - ours.numpy())).max())

    def _added(self, base: list[np.ndarray], light: np.ndarray, name: str) -> np.ndarray:
        """What a modality says beyond the clinical variables, out of fold, in unit spread."""
        modality = self.dataset.modalities[name]
        own = [columns(modality, inside) for inside in self.inside]
        both = [np.hstack(pair) for pair in zip(base, own, strict=True)]
        best, coefficients = self._path(both, _penalty_rows(light, own[0].shape[1]))
        score = np.zeros(len(modality.present))
        if best == len(PENALTIES) - 1:
            return score
        for inside, part, fitted in zip(self.inside[1:], own[1:], coefficients[1:], strict=True):
            score[~inside] = part[~inside] @ fitted[len(light) :]
        return score / score[modality.present].std()

    def _second_level(
        self, base: list[np.ndarray], light: np.ndarray, scores: list[np.ndarray]
    ) -> np.ndarray:
        """Weigh the scores beside the clinical variables; those of negative weight are dropped."""
        kept = [score for score in scores if score.any()]
        while True:
            both = [np.column_stack([part, *kept]) for part in base]
            rows = _penalty_rows(light, len(kept))
            _, (fitted, *_) = self._path(both, rows if kept else rows[:1])
            weights = fitted[len(light) :]
            if (weights >= 0).all():
                return both[0] @ fitted
            kept = [score for score, weight in zip(kept, weights, strict=True) if weight >= 0]

    def _path(
        self, parts: list[np.ndarray], rows: list[np.ndarray]
    ) -> tuple[int, list[np.ndarray]]:
        """Position of the best row of penalties, and its coefficients in each training set."""
        import torch

        coefficients = [
            [self.fit(part, inside, row) for row in rows]
            for part, inside in zip(parts, self.inside, strict=True)
        ]
        # (inner fold, penalty, patient)
        scores = torch.as_tensor(
            np.stack([np.stack(c) @ p.T for c, p in zip(coefficients[1:], parts[1:], strict=True)])
        )
        training = torch.as_tensor(np.stack(self.inside[1:]).astype(float))
        weights = training[:, None].expand_as(scores)
        best = int(held_out_log_likelihood(scores, self.sets, weights).sum(0).argmax())
        return best, [own[best] for own in coefficients]


def columns(modality: Modality, inside: np.ndarray) -> np.ndarray:
    """Standardised clinical variables, or leading principal components, of all patients.

    Components are scaled to a total variance of 1 over the modality, as in
    :mod:`fusion.components`, so that a penalty means the same.

    Parameters
    ----------
    inside
        (patient,) bool. Other rows are transformed and not learned from.

    Returns
    -------
    array
        (patient, column); 0 where a measurement or the modality is missing.
    """
    rows = inside & modality.present
    scaler = StandardScaler(with_std=modality.scaling == "standardise").fit(modality.values[rows])
    scaled = np.nan_to_num(scaler.transform(modality.values))
    if modality.kind != "ehr":
        spread = np.sqrt(scaled[rows].var(axis=0).sum())
        n_components = min(N_COMPONENTS, *scaled[rows].shape)
        projection = PCA(n_components, random_state=0).fit(scaled[rows])
        scaled = projection.transform(scaled) / (spread or 1.0)
    return np.where(modality.present[:, None], scaled, 0.0)


def _penalty_rows(light: np.ndarray, n_columns: int) -> list[np.ndarray]:
    """The grid of penalties, each with the lightly penalised columns first."""
    return [np.concatenate([light, np.full(n_columns, penalty)]) for penalty in PENALTIES]
