"""The fusion network as a risk model: a small ensemble whose epochs the inner folds choose."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from fusion.baseline_hazard import breslow
from fusion.components import Components
from fusion.cox_solver import fit_ridge_cox
from fusion.dataset import PatientDataset
from fusion.losses import held_out_log_likelihood
from fusion.models.network_features import seen_features, unit_gain
from fusion.models.protocol import (
    FittedRisk,
    NestedFit,
    RiskModel,
    out_of_fold,
    require_modalities,
)
from fusion.nested import NestedDesign, credit
from fusion.network import ModalityInputs, NetworkConfig, RiskNetwork, compose_network
from fusion.shapley import coalition_values, shapley_values
from fusion.training import Stacked, TrainingConfig, stacked_scores, train_stacked


@dataclass(frozen=True)
class FittedNet(FittedRisk):
    """An ensemble of networks; its risk score is their mean less ``centre``, times the slope.

    Cox's likelihood cannot see a constant, so each ensemble learns one of its own. Less its mean
    over the patients it learned from, the score of another ensemble can be compared with it, and
    the baseline hazard of out-of-fold scores holds for it. A patient of whom nothing is known has
    the score 0 of the average training patient.

    Parameters
    ----------
    components, gains
        Transformation of each modality, and the factor that brings its columns to about unit
        variance.
    inputs
        What the networks were built for, by modality.
    config
        Shape of the network.
    state
        Stacked weights, (seed, …) each.
    slope
        Calibration slope of out-of-fold scores; below 1 where the networks overstate.
    centre
        Mean of the networks over the training patients.
    """

    components: Mapping[str, Components]
    gains: Mapping[str, float]
    inputs: Mapping[str, ModalityInputs]
    config: NetworkConfig
    state: Mapping[str, Tensor]
    slope: float
    centre: float

    def risk_score(self, dataset: PatientDataset) -> np.ndarray:
        features, present = self.seen(dataset)
        return self._mean_score(features, present, tuple(self.components))

    def contributions(self, dataset: PatientDataset) -> dict[str, np.ndarray]:
        """Exact Shapley values over the subsets of modalities; an absent one contributes 0."""
        values = shapley_values(self.coalition_scores(dataset))
        return dict(zip(self.components, values, strict=True))

    def coalition_scores(self, dataset: PatientDataset) -> np.ndarray:
        """Risk score from each subset of the modalities, (coalition, patient).

        Coalitions are numbered as in :mod:`fusion.shapley`, players in the order of
        ``components``.
        """
        features, present = self.seen(dataset)
        return coalition_values(
            tuple(self.components),
            lambda subset: self._mean_score(features, present, subset),
        )

    def seen(self, dataset: PatientDataset) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """What the networks see of each modality, (patient, column), and who has it."""
        require_modalities(dataset, tuple(self.components))
        modalities = dataset.modalities
        features = {
            name: torch.as_tensor(
                seen_features(
                    modalities[name],
                    fitted,
                    self.inputs[name],
                    gain=self.gains[name],
                    config=self.config,
                ),
                dtype=torch.float32,
            )
            for name, fitted in self.components.items()
        }
        present = {n: torch.as_tensor(modalities[n].present.copy()) for n in self.components}
        return features, present

    def score(self, features: Mapping[str, Tensor], present: Mapping[str, Tensor]) -> Tensor:
        """Risk score of what the networks see, (patient,); its gradient reaches the features."""
        with torch.random.fork_rng(devices=[]):
            network = compose_network(self.inputs, self.config)
        n_seeds = len(next(iter(self.state.values())))
        scores = stacked_scores(
            network,
            dict(self.state),
            {name: f.expand(n_seeds, -1, -1) for name, f in features.items()},
            {name: p.expand(n_seeds, -1) for name, p in present.items()},
        )
        known = torch.stack(list(present.values())).any(dim=0)
        return (scores.mean(0).double() - self.centre * known.double()) * self.slope

    @torch.no_grad()
    def _mean_score(
        self, features: dict[str, Tensor], present: dict[str, Tensor], subset: tuple[str, ...]
    ) -> np.ndarray:
        inside = {n: p if n in subset else torch.zeros_like(p) for n, p in present.items()}
        return self.score(features, inside).numpy()


@dataclass(frozen=True)
class FusionNet(RiskModel):
    """Encoders, a fuser and a Cox head, trained on full-batch risk sets.

    Parameters
    ----------
    name
        Its name in the model comparison.
    modalities
        Inputs, the clinical one first; it is never dropped in training.
    n_seeds
        Networks in the ensemble.
    network, training
        Shape and training.
    """

    name: str
    modalities: tuple[str, ...]
    n_seeds: int = 3
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: TrainingConfig = field(default_factory=TrainingConfig)

    def fit_nested(self, design: NestedDesign) -> NestedFit:
        if not design.dataset.has_time:
            raise ValueError(f"{self.name} learns times to an event, and this outcome has none")
        seen = {name: self._see(design, name) for name in self.modalities}
        looks = self._train(design, seen)
        held_out = torch.stack([look.held_out for look in looks])
        best = looks[int(held_out.sum(-1).argmax())]
        slope = float(_calibration_slopes(best.scores, design, design.weights[0]))
        fold_scores = best.scores[1:] * slope
        oof = out_of_fold(fold_scores, design)
        fitted = FittedNet(
            self.name,
            breslow(design.dataset.time, design.dataset.event, oof),
            {"epochs": best.epochs, "n_seeds": self.n_seeds, "calibration_slope": slope},
            {name: each.components for name, each in seen.items()},
            {name: each.gain for name, each in seen.items()},
            {name: each.inputs for name, each in seen.items()},
            self.network,
            # The first networks of the stack are those trained on everyone.
            {name: tensor[: self.n_seeds].clone() for name, tensor in best.state.items()},
            slope,
            best.centre,
        )
        return NestedFit(fitted, fold_scores, credit(held_out))

    def _see(self, design: NestedDesign, name: str) -> "_Seen":
        modality, block = design.dataset.modalities[name], design.block(name)
        described = ModalityInputs.of(modality)
        if self.network.reads_features(described):
            features = seen_features(
                modality, block.components, described, gain=1.0, config=self.network
            )
            # Directions are of no use to a network that reads features.
            scales = block.leading(0).components
            return _Seen(scales, 1.0, described, torch.as_tensor(features).float())
        if modality.kind != "ehr":
            block = block.leading(self.network.max_inputs)
        gain = unit_gain(block.scores)
        inputs = ModalityInputs(modality.kind, block.components.n_components)
        return _Seen(block.components, gain, inputs, (block.scores * gain).float())

    def _train(self, design: NestedDesign, seen: Mapping[str, "_Seen"]) -> list["_Look"]:
        """Train every inner and the full training set at once; stop where held-out stops rising."""
        inputs = {name: each.inputs for name, each in seen.items()}
        weights = design.weights.float().repeat_interleave(self.n_seeds, 0)
        features = {name: each.features.expand(len(weights), -1, -1) for name, each in seen.items()}
        present = {
            name: torch.as_tensor(design.dataset.modalities[name].present.copy())
            for name in self.modalities
        }
        steps = train_stacked(
            lambda: compose_network(inputs, self.network),
            features,
            present,
            design.sets,
            weights,
            always=self.modalities[0],
            config=self.training,
            embed=self.network.embed,
            keep_probability=self.network.keep_probability,
            seed=design.seed,
        )
        looks: list[_Look] = []
        best, last_gain = -np.inf, 0
        for network, state in steps:
            scores = self._scores(network, state, features, present)
            centres = _training_means(scores, design.weights)
            scores = scores - centres[:, None]
            held_out = _held_out(design, scores)
            epochs = (len(looks) + 1) * self.training.check_every
            looks.append(_Look(epochs, state, scores, float(centres[0]), held_out))
            if float(held_out.sum()) > best:
                best, last_gain = float(held_out.sum()), len(looks)
            elif len(looks) - last_gain >= self.training.patience:
                break
        if not looks:
            raise ValueError("training needs at least check_every epochs: raise max_epochs")
        return looks

    @torch.no_grad()
    def _scores(
        self, network: RiskNetwork, state: Stacked, features: dict[str, Tensor], present: dict
    ) -> Tensor:
        """Mean over seeds, (1 + inner fold, patient) float64."""
        n_models = len(next(iter(state.values())))
        everyone = {name: p.expand(n_models, -1) for name, p in present.items()}
        scores = stacked_scores(network, state, features, everyone).double()
        # (fold·seed, patient) → (fold, seed, patient)
        return scores.reshape(-1, self.n_seeds, scores.shape[-1]).mean(1)


@dataclass(frozen=True)
class _Seen:
    """What the networks see of one modality; ``features`` are (patient, column)."""

    components: Components
    gain: float
    inputs: ModalityInputs
    features: Tensor


@dataclass(frozen=True)
class _Look:
    """The stacked networks after some epochs: weights, scores, held-out likelihood a fold.

    ``scores``, (1 + inner fold, patient), are each less the mean of their own training patients;
    ``centre`` is that mean where everyone is trained on.
    """

    epochs: int
    state: Stacked
    scores: Tensor
    centre: float
    held_out: Tensor


def _training_means(scores: Tensor, weights: Tensor) -> Tensor:
    """Mean of each row over the patients whom its networks learned from, (1 + inner fold,)."""
    return (scores * weights).sum(-1) / weights.sum(-1)


def _held_out(design: NestedDesign, scores: Tensor) -> Tensor:
    """Held-out likelihood of each inner fold, with the slope that the other folds give."""
    training = design.weights[1:]
    calibrated = scores[1:] * _calibration_slopes(scores, design, training)[:, None]
    return held_out_log_likelihood(calibrated, design.sets, training)


def _calibration_slopes(scores: Tensor, design: NestedDesign, weights: Tensor) -> Tensor:
    """Cox regressions of the outcome on out-of-fold scores, never negative, (*batch,).

    ``weights``, (*batch, patient), say whom each of them counts.
    """
    column = torch.as_tensor(out_of_fold(scores[1:], design))[:, None]
    light = torch.full((1,), 1e-3, dtype=torch.float64)
    return fit_ridge_cox(column, design.sets, weights, light)[..., 0].clamp(min=0.0)
