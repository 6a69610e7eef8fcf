"""One network for one task, on its own: outside the model comparison, images end to end.

The model comparison ranks relative hazards of many small networks. Other questions (hazards that
cross, competing causes, risk by one horizon, a continuous outcome) and networks that read images
themselves are answered by one network, trained by :mod:`fusion.network_training`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Generic

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from fusion.batch_gradient import predict_outputs
from fusion.dataset import PatientDataset
from fusion.models.network_features import NetworkReader
from fusion.models.protocol import require_modalities
from fusion.nested import MIN_EVENTS, N_INNER_FOLDS, stratified_folds
from fusion.network import NetworkConfig, RiskNetwork, compose_network
from fusion.network_inputs import NetworkInputs
from fusion.network_training import NetworkTrainingConfig, OnStep, train_network
from fusion.predictions import Predictions
from fusion.tasks import (
    FittedCompetingRisks,
    FittedContinuous,
    FittedSurvivalTask,
    FittedTask,
    Measurement,
    Targets,
    Task,
    TimeToEvent,
)
from fusion.tasks.protocol import Outcome


@dataclass(frozen=True)
class FittedTaskNet:
    """A network that has learned one task. It predicts for any non-empty subset of modalities.

    Parameters
    ----------
    model
        Its name.
    task, fitted_task
        What was asked, and the same with what it learned from the training outcome.
    reader
        From patients to what the network sees.
    state
        Weights, by name.
    micro_batch
        Patients that pass through the network at once.
    chosen
        Number of steps, and the looks at held-out patients that chose it, JSON-ready.
    """

    model: str
    task: Task
    fitted_task: FittedTask
    reader: NetworkReader
    state: Mapping[str, Tensor]
    micro_batch: int
    chosen: Mapping[str, Any]

    def risk_score(self, dataset: PatientDataset) -> np.ndarray:
        """Higher is worse, (patient,), on the scale of the task."""
        return self.fitted_task.risk_score(self._outputs(dataset))

    def predict(self, dataset: PatientDataset, horizons: np.ndarray) -> Predictions:
        """Risk score and survival of new patients.

        Parameters
        ----------
        horizons
            (horizon,), ascending, in the unit of the training times. A network that was asked for
            the risk by one horizon knows that one alone.

        Raises
        ------
        ValueError
            If the task knows no survival at these horizons: competing risks have
            :meth:`cumulative_incidence`, a continuous outcome has :meth:`predicted_mean`.
        """
        task = self.fitted_task
        # That of competing risks is survival of every cause, which their risk score is not about.
        if not isinstance(task, FittedSurvivalTask) or isinstance(task, FittedCompetingRisks):
            raise ValueError(
                f"{self.model}: {type(self.task).__name__} predicts no survival: ask for "
                "cumulative_incidence of competing risks, or predicted_mean of a continuous outcome"
            )
        outputs, at = self._outputs(dataset), np.asarray(horizons, dtype=float)
        return Predictions(
            model=self.model,
            patient_id=dataset.patient_id,
            fold=np.full(dataset.n_patients, -1),
            risk_score=task.risk_score(outputs),
            horizons=at,
            survival=task.survival(outputs, at),
            provenance={"chosen": dict(self.chosen)},
        )

    def cumulative_incidence(self, dataset: PatientDataset, horizons: np.ndarray) -> np.ndarray:
        """Probability of an event of each cause by each horizon, (patient, cause, horizon).

        Raises
        ------
        ValueError
            If the task is not competing risks.
        """
        task = self.fitted_task
        if not isinstance(task, FittedCompetingRisks):
            raise self._fit_instead("CompetingRisksTask", "cumulative incidence by cause")
        return task.cumulative_incidence(self._outputs(dataset), np.asarray(horizons, dtype=float))

    def predicted_mean(self, dataset: PatientDataset) -> np.ndarray:
        """Mean of a continuous outcome, (patient,), in its own unit.

        Raises
        ------
        ValueError
            If the task is not a continuous outcome.
        """
        task = self.fitted_task
        if not isinstance(task, FittedContinuous):
            raise self._fit_instead("ContinuousTask", "the mean of a continuous outcome")
        return task.predicted_mean(self._outputs(dataset))

    def _fit_instead(self, task: str, what: str) -> ValueError:
        return ValueError(
            f"{self.model}: {type(self.task).__name__} does not predict {what}: fit a {task}"
        )

    def _outputs(self, dataset: PatientDataset) -> np.ndarray:
        network = _first_network(self.reader, self.task, seed=0)
        network.load_state_dict(dict(self.state))
        inputs, accelerator = self.reader.read(dataset), Accelerator()
        return predict_outputs(
            network, inputs, micro_batch=self.micro_batch, accelerator=accelerator
        )


@dataclass(frozen=True)
class TaskNet(Generic[Outcome]):
    """One network for one task, its number of steps chosen on held-out training patients.

    A fifth of the training patients is held out, with the same share of events. The look with
    their highest likelihood chooses the number of steps, and a fresh network takes that many on
    everyone. Held-out likelihood is what that of all patients has over that of those trained on:
    so Cox's model compares held-out patients within whole risk sets.

    Parameters
    ----------
    name
        Its name in predictions.
    modalities
        Inputs, the clinical one first; it is never dropped in training. Images are read end to
        end, by an encoder that learns with the rest.
    task
        What is asked.
    network, training
        Shape and training; the seed of :meth:`fit` takes the place of that of ``training``.

    References
    ----------
    Verweij, P. and van Houwelingen, H. (1993). Cross-validation in survival analysis. Statistics
    in Medicine 12.
    """

    name: str
    modalities: tuple[str, ...]
    task: Task[Outcome]
    network: NetworkConfig = field(default_factory=NetworkConfig)
    training: NetworkTrainingConfig = field(default_factory=NetworkTrainingConfig)

    def fit(
        self,
        dataset: PatientDataset,
        outcome: Outcome,
        *,
        seed: int,
        checkpoint: Path | None = None,
        progress: bool = True,
        on_step: Callable[[str], OnStep] | None = None,
    ) -> FittedTaskNet:
        """Fit on a training set, with every choice made inside it.

        Parameters
        ----------
        dataset
            Training patients. Their own time and event are not looked at.
        outcome
            Of the same patients, in the same order.
        seed
            Draws held-out patients, first weights, batches and dropout. Not negative.
        checkpoint
            Folder to resume from, and to write to at every look.
        progress
            Show a bar for each of the two trainings.
        on_step
            Takes the name of a training, and returns what :func:`train_network` calls after each of
            its steps.

        Raises
        ------
        ValueError
            If rows differ, a modality is not described or nobody has it, too few patients have
            an event, or the checkpoints are of another run.
        """
        self._require_modalities(dataset)
        held_out = _held_out(outcome, dataset.n_patients, seed)
        config, accelerator = replace(self.training, seed=seed), Accelerator()

        def outputs(learner: _Learner) -> np.ndarray:
            return predict_outputs(
                learner.network,
                learner.inputs,
                micro_batch=config.micro_batch,
                accelerator=accelerator,
            )

        trial = self._learner(dataset, outcome, ~held_out, seed)
        choice = train_network(
            trial.network,
            *trial.lessons(),
            shape=self.network,
            config=config,
            accelerator=accelerator,
            held_out=lambda network: trial.held_out_log_likelihood(outputs(trial)),
            checkpoint=None if checkpoint is None else checkpoint / "choice.safetensors",
            progress=progress,
            on_step=None if on_step is None else on_step("choosing the number of steps"),
        )
        # Held-out patients are unknown to this network, as new ones will be to the final one.
        tried = outputs(trial)

        final = self._learner(dataset, outcome, np.ones_like(held_out), seed)
        train_network(
            final.network,
            *final.lessons(),
            shape=self.network,
            config=config,
            accelerator=accelerator,
            n_steps=choice.n_steps,
            checkpoint=None if checkpoint is None else checkpoint / "final.safetensors",
            progress=progress,
            on_step=None if on_step is None else on_step("training on everyone"),
        )
        return FittedTaskNet(
            self.name,
            self.task,
            final.task.centred(tried[~held_out])
            .calibrate(tried[held_out], _rows(outcome, held_out))
            .centred(outputs(final)),
            final.reader,
            {name: value.cpu() for name, value in final.network.state_dict().items()},
            config.micro_batch,
            {
                "n_steps": choice.n_steps,
                "n_held_out": int(held_out.sum()),
                "looks": choice.looks,
            },
        )

    def _learner(
        self, dataset: PatientDataset, outcome: Outcome, training: np.ndarray, seed: int
    ) -> "_Learner":
        """A network with its first weights, and all that is learned before it from those rows."""
        reader = NetworkReader.fit(dataset, self.modalities, training, self.network)
        task = self.task.fit(_rows(outcome, training))
        return _Learner(
            reader,
            _first_network(reader, self.task, seed),
            reader.read(dataset),
            task,
            task.targets(outcome),
            torch.as_tensor(np.flatnonzero(training)),
        )

    def _require_modalities(self, dataset: PatientDataset) -> None:
        require_modalities(dataset, self.modalities)
        for name in self.modalities:
            if not dataset.modalities[name].present.any():
                raise ValueError(f"no training patient has the modality {name}: leave it out")


@dataclass(frozen=True)
class _Learner:
    """A network and the patients it learns from, with those it is judged on.

    ``inputs`` and ``targets`` are of all patients; ``training`` are the positions of those that
    reader, task and network learn from.
    """

    reader: NetworkReader
    network: RiskNetwork
    inputs: NetworkInputs
    task: FittedTask
    targets: Targets
    training: Tensor

    def lessons(self) -> tuple[NetworkInputs, FittedTask, Targets]:
        """What the network learns from: inputs and targets of the training patients."""
        return self.inputs.take(self.training), self.task, self._training_targets()

    def held_out_log_likelihood(self, outputs: np.ndarray) -> float:
        """That of all patients, less that of the training patients."""
        everyone = torch.as_tensor(outputs)
        learned = self.task.loss(everyone[self.training], self._training_targets())
        return float(learned - self.task.loss(everyone, self.targets))

    def _training_targets(self) -> Targets:
        return {name: values[self.training] for name, values in self.targets.items()}


def _first_network(reader: NetworkReader, task: Task, seed: int) -> RiskNetwork:
    """The network with the first weights that a seed draws; the caller's generator stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head = task.head(reader.config.embed)
        return compose_network(reader.inputs, reader.config, head)


def _held_out(outcome: TimeToEvent | Measurement, n_patients: int, seed: int) -> np.ndarray:
    """A fifth of the patients, (patient,) bool, with their share of events or of high values."""
    match outcome:
        case TimeToEvent():
            stratum, what = outcome.event, "events"
        case Measurement():
            rank = outcome.value.argsort(kind="stable").argsort()
            stratum, what = rank >= len(rank) / 2, "patients above the median"
    if len(stratum) != n_patients:
        raise ValueError(
            f"outcome: {len(stratum)} rows for {n_patients} patients: pass the outcome of the same "
            "patients in the same order"
        )
    if stratum.sum() < MIN_EVENTS:
        raise ValueError(
            f"a training set needs at least {MIN_EVENTS} {what}, got {stratum.sum()} in "
            f"{n_patients} patients: there is nothing to choose the number of steps on"
        )
    return stratified_folds(stratum, N_INNER_FOLDS, seed) == 0


def _rows(outcome: Outcome, rows: np.ndarray) -> Outcome:
    """The outcome of some patients."""
    parts = {part.name: getattr(outcome, part.name) for part in fields(outcome)}
    return replace(outcome, **{n: None if v is None else v[rows] for n, v in parts.items()})
