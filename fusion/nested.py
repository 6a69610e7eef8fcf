"""One training set and everything that is fitted inside it.

Choices (a penalty, an epoch, a model) are made on inner folds of the training set by the held-out
likelihood: Cox's partial one, or the binomial one where the outcome has no time. All models of a
comparison share the same inner folds, and each part is computed once.

What knows no outcome (ranks, scales, principal directions) is fitted once on the whole training
set, never on the held-out patients of the outer fold. The directions span every gene of every
training patient, so ridge on them inside an inner fold is ridge on that fold's genes.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from fusion.components import Components, fit_with_scores
from fusion.dataset import PatientDataset
from fusion.likelihoods import likelihood_of
from fusion.losses import RiskSets, risk_sets
from fusion.truncated_newton import linear_score

if TYPE_CHECKING:
    from fusion.models.protocol import NestedFit, RiskModel
    from fusion.models.ridge_cox import RidgeCox

N_INNER_FOLDS = 5
MIN_EVENTS = 2 * N_INNER_FOLDS


@dataclass(frozen=True)
class Block:
    """One modality's columns in the training set.

    Parameters
    ----------
    components
        The transformation.
    scores
        Columns of all training patients, (patient, component) float64.
    """

    components: Components
    scores: torch.Tensor

    def leading(self, n_components: int) -> "Block":
        """The first components alone."""
        cut = replace(self.components, loadings=self.components.loadings[:, :n_components])
        return Block(cut, self.scores[:, :n_components])


@dataclass(frozen=True)
class RidgePath:
    """Ridge fits over a grid of penalties, in the full training set and each inner one.

    Parameters
    ----------
    coefficients
        (1 + inner fold, penalty, column).
    out_of_fold
        Risk score of each patient without their own inner fold, (penalty, patient).
    held_out
        Held-out log-likelihood, (penalty, inner fold).
    """

    coefficients: torch.Tensor
    out_of_fold: torch.Tensor
    held_out: torch.Tensor

    @property
    def best(self) -> int:
        """Position of the chosen penalty."""
        return int(self.held_out.sum(-1).argmax())


class NestedDesign:
    """A training set with its inner folds; patients stand in order of descending time.

    Parameters
    ----------
    dataset
        Training patients, images already encoded.
    seed
        Draws the inner folds, which are stratified by event.

    Raises
    ------
    ValueError
        With fewer than ten events, on which nothing could be chosen; of an outcome without a time
        also with fewer than ten patients who have no event.
    """

    def __init__(self, dataset: PatientDataset, seed: int = 0) -> None:
        if dataset.n_events < MIN_EVENTS:
            raise ValueError(
                f"a training set needs at least {MIN_EVENTS} events, got {dataset.n_events} in "
                f"{dataset.n_patients} patients: use fewer folds or another outcome"
            )
        n_free = dataset.n_patients - dataset.n_events
        if not dataset.has_time and n_free < MIN_EVENTS:
            raise ValueError(
                f"a training set needs at least {MIN_EVENTS} patients without the event, got "
                f"{n_free} of {dataset.n_patients}: use fewer folds or another outcome"
            )
        order = risk_sets(dataset.time, dataset.event).order.numpy()
        self.dataset = dataset.take(order)
        self.seed = seed
        self.sets: RiskSets = risk_sets(self.dataset.time, self.dataset.event)
        self.likelihood = likelihood_of(self.dataset)
        self.inner_fold = stratified_folds(self.dataset.event, N_INNER_FOLDS, seed)
        inside = self.inner_fold[None, :] != np.arange(-1, N_INNER_FOLDS)[:, None]
        self.weights = torch.as_tensor(inside.astype(float))
        self._blocks: dict[str, Block] = {}
        self._fits: dict[RiskModel, NestedFit] = {}
        self._paths: dict[RidgeCox, RidgePath] = {}

    @cached_property
    def held_out_mask(self) -> torch.Tensor:
        """(inner fold, patient) bool: who is held out of each inner training set."""
        return self.weights[1:] == 0

    def fit(self, model: "RiskModel") -> "NestedFit":
        """Fit a model once, however many others build on it."""
        if model not in self._fits:
            self._fits[model] = model.fit_nested(self)
        return self._fits[model]

    def path(self, model: "RidgeCox") -> RidgePath:
        """A ridge path, solved once."""
        if model not in self._paths:
            self._paths[model] = model.solve(self)
        return self._paths[model]

    def block(self, name: str) -> Block:
        """Columns of one modality, all its principal directions.

        Raises
        ------
        ValueError
            If no training patient has it.
        """
        if name not in self._blocks:
            modality = self.dataset.modalities[name]
            if not modality.present.any():
                raise ValueError(f"no training patient has the modality {name}: leave it out")
            fitted, scores = fit_with_scores(modality)
            self._blocks[name] = Block(fitted, torch.as_tensor(scores))
        return self._blocks[name]

    def columns(self, names: Sequence[str]) -> torch.Tensor:
        """Blocks side by side, (patient, column)."""
        return torch.cat([self.block(name).scores for name in names], dim=-1)

    def ridge_path(self, columns: torch.Tensor, penalties: torch.Tensor) -> RidgePath:
        """Fit every penalty vector, (penalty, column), in every inner training set.

        Parameters
        ----------
        columns
            (patient, column).
        """
        coefficients = self.likelihood.fit_ridge(columns, self.weights[:, None], penalties[None])
        return self.judged(coefficients, linear_score(columns, coefficients))

    def judged(self, coefficients: torch.Tensor, scores: torch.Tensor) -> RidgePath:
        """Held-out view of ``scores``, (1 + inner fold, candidate, patient)."""
        out_of_fold = (scores[1:] * self.held_out_mask[:, None]).sum(0)
        training = self.weights[1:, None].expand_as(scores[1:])
        held_out = self.likelihood.held_out(scores[1:], training).T
        return RidgePath(coefficients, out_of_fold, held_out)


def credit(held_out: torch.Tensor) -> torch.Tensor:
    """What a model earns in each inner fold, its own choice not counted, (inner fold,).

    A model that chose among many candidates by their held-out likelihood would be credited with
    luck. So each inner fold counts the candidate that the *other* folds would have chosen.

    Parameters
    ----------
    held_out
        Held-out log-likelihood of each candidate, (candidate, inner fold).

    Examples
    --------
    >>> credit(torch.tensor([[-1.0, -1.0, -1.0], [0.0, -2.0, -2.0]])).tolist()
    [-1.0, -1.0, -1.0]
    >>> credit(torch.tensor([[-1.0, -1.0, -1.0], [2.0, -2.0, -2.0]])).tolist()
    [-1.0, -2.0, -2.0]
    """
    elsewhere = held_out.sum(-1, keepdim=True) - held_out
    chosen = elsewhere.argmax(0, keepdim=True)
    return held_out.gather(0, chosen)[0]


def stratified_folds(event: np.ndarray, n_folds: int, seed: int) -> np.ndarray:
    """Folds of equal size and equal share of events, (patient,) int from 0."""
    fold = np.empty(len(event), dtype=int)
    generator = np.random.default_rng(seed)
    start = 0
    for stratum in (event, ~event):
        shuffled = generator.permutation(np.flatnonzero(stratum))
        fold[shuffled] = (np.arange(len(shuffled)) + start) % n_folds
        start += len(shuffled)
    return fold
