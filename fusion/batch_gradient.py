"""The gradient of one batch of patients, however it is spread over ranks and memory.

A batch is cut into micro-batches that fit in memory, and the ranks share them. Where the loss is a
sum over patients, the gradients of the parts add up. Cox's likelihood compares patients, so its
batch takes two passes (gradient cache): the first computes all outputs without keeping anything for
the way back, then the loss and its gradient with respect to the outputs come from the whole batch,
and the second pass takes that gradient back through one micro-batch after the other. Both passes
see the same dropout masks. The result does not depend on the number of ranks or the size of the
micro-batches, but for rounding.

References
----------
Gao, L. et al. (2021). Scaling deep contrastive learning batch size under memory limited setup.
RepL4NLP.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator
from jaxtyping import Float, Int
from torch import Tensor, nn

from fusion.counted_noise import uniform
from fusion.network import NetworkConfig
from fusion.network_inputs import NetworkInputs
from fusion.tasks import FittedTask, Targets


@dataclass(frozen=True)
class Masks:
    """How training thins what the network sees.

    Parameters
    ----------
    embed
        Units of each modality's embedding.
    keep_unit
        Probability that a unit is kept.
    keep_modality
        Probability that a modality of a patient is kept; the clinical one always is.
    seed
        Not negative.
    """

    embed: int
    keep_unit: float
    keep_modality: float
    seed: int

    @classmethod
    def of(cls, network: NetworkConfig, keep_modality: float, seed: int) -> "Masks":
        """Masks of the width and probability that the network was built for."""
        return cls(network.embed, network.keep_probability, keep_modality, seed)


@dataclass(frozen=True)
class BatchGradient:
    """A network, the patients it learns from, and the task that says how wrong it is.

    Parameters
    ----------
    network
        Called with features, presence and masks by modality, like
        :class:`~fusion.network.RiskNetwork`.
    inputs, targets
        Of all training patients, in one order, on the accelerator's device.
    micro_batch
        Patients that a rank passes through the network at once.
    """

    network: nn.Module
    inputs: NetworkInputs
    task: FittedTask
    targets: Targets
    masks: Masks
    micro_batch: int
    accelerator: Accelerator

    def accumulate(self, step: int, batch: Int[Tensor, " batch"]) -> float:
        """Add the gradient of the batch's mean loss to the parameters, on every rank alike.

        Parameters
        ----------
        step
            Of the optimiser; it decides the masks.
        batch
            Positions of the patients, on the CPU.

        Returns
        -------
        float
            Mean loss a patient.
        """
        parts = torch.arange(len(batch)).split(self.micro_batch)
        if self.task.additive or len(parts) == 1:
            loss = self._one_pass(step, batch, parts)
        else:
            loss = self._two_passes(step, batch, parts)
        self._sum_over_ranks()
        return loss

    def _one_pass(self, step: int, batch: Tensor, parts: Sequence[Tensor]) -> float:
        total = torch.zeros((), dtype=torch.float64)
        for part in _own(parts, self.accelerator):
            outputs = self._outputs(step, batch[part])
            loss = self.task.loss(outputs, _rows(self.targets, batch[part])) / len(batch)
            loss.backward()
            total += loss.detach().cpu()
        return float(self.accelerator.reduce(total.to(self.accelerator.device), reduction="sum"))

    def _two_passes(self, step: int, batch: Tensor, parts: Sequence[Tensor]) -> float:
        with torch.no_grad():
            outputs = _gather(
                parts, lambda part: self._outputs(step, batch[part]), self.accelerator
            )
        outputs.requires_grad_()
        loss = self.task.loss(outputs, _rows(self.targets, batch)) / len(batch)
        (gradient,) = torch.autograd.grad(loss, outputs)
        for part in _own(parts, self.accelerator):
            self._outputs(step, batch[part]).backward(gradient[part.to(gradient.device)])
        return float(loss.detach())

    def _outputs(self, step: int, positions: Tensor) -> Tensor:
        """What the network says in training, in the precision of its weights."""
        with _own_noise(self.masks.seed, step, int(positions[0]), self.accelerator.device):
            features, present = self.inputs.batch(positions)
            kept, seen = self._draw(step, positions, present)
            with self.accelerator.autocast():
                outputs = self.network(features, seen, kept)
        return outputs.to(_dtype(self.network))

    def _draw(
        self, step: int, positions: Tensor, present: dict[str, Tensor]
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Dropout masks, and presence after modality dropout."""
        masks, device = self.masks, self.accelerator.device
        noise = uniform(masks.seed, step, positions.numpy(), len(present), masks.embed + 1)
        kept, seen = {}, {}
        for (name, here), numbers in zip(present.items(), noise, strict=True):
            units = torch.as_tensor(numbers[:, 1:] < masks.keep_unit)
            kept[name] = units.to(device, _dtype(self.network))
            modality = torch.as_tensor(numbers[:, 0] < masks.keep_modality)
            seen[name] = here if name == self.inputs.clinical else here & modality.to(device)
        return kept, seen

    def _sum_over_ranks(self) -> None:
        """Sum, where DistributedDataParallel would average: ranks may hold unequal parts."""
        parameters = [p for p in self.network.parameters() if p.requires_grad]
        for parameter in parameters:
            # A rank that had no part of this batch must still take the others' gradients.
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        if self.accelerator.num_processes == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        total = self.accelerator.reduce(flat, reduction="sum")
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, summed in zip(gradients, total.split(sizes), strict=True):
            gradient.copy_(summed.view_as(gradient))


@torch.no_grad()
def predict_outputs(
    network: nn.Module, inputs: NetworkInputs, *, micro_batch: int, accelerator: Accelerator
) -> Float[np.ndarray, "patient *_"]:
    """Outputs for every patient, without dropout; ranks share the work and all get the result.

    Leaves the network in evaluation mode.

    Parameters
    ----------
    micro_batch
        Patients that a rank passes through the network at once.
    """
    network.to(accelerator.device).eval()
    there = inputs.to(accelerator.device)

    def outputs(part: Tensor) -> Tensor:
        with accelerator.autocast():
            return network(*there.batch(part)).to(_dtype(network))

    parts = torch.arange(inputs.n_patients).split(micro_batch)
    return _gather(parts, outputs, accelerator).double().cpu().numpy()


def _own(parts: Sequence[Tensor], accelerator: Accelerator) -> Sequence[Tensor]:
    return parts[accelerator.process_index :: accelerator.num_processes]


def _gather(
    parts: Sequence[Tensor], outputs_of: Callable[[Tensor], Tensor], accelerator: Accelerator
) -> Tensor:
    """Outputs of all parts on every rank, each part computed on one."""
    found = [(part, outputs_of(part)) for part in _own(parts, accelerator)]
    # A rank without a part still has to know the shape of what the others send.
    example = found[0][1] if found else outputs_of(parts[0])
    everyone = example.new_zeros((sum(map(len, parts)), *example.shape[1:]))
    for part, outputs in found:
        everyone[part.to(everyone.device)] = outputs
    return accelerator.reduce(everyone, reduction="sum")


def _rows(targets: Targets, positions: Tensor) -> dict[str, Tensor]:
    return {name: values[positions.to(values.device)] for name, values in targets.items()}


def _dtype(network: nn.Module) -> torch.dtype:
    return next(network.parameters()).dtype


@contextmanager
def _own_noise(seed: int, step: int, position: int, device: torch.device) -> Iterator[None]:
    """A network or reader that draws from torch's generator gets the same numbers in both passes.

    These do depend on how the batch is cut; the masks of the loop do not.
    """
    drawn = int(np.random.SeedSequence([seed, step, position]).generate_state(1, np.uint64)[0])
    on_gpu = device.type == "cuda"
    with torch.random.fork_rng(devices=[device] if on_gpu else []):
        # Not torch.manual_seed: it would seed devices that are not forked, and costs a millisecond.
        torch.default_generator.manual_seed(drawn)
        if on_gpu:
            torch.cuda.manual_seed(drawn)
        yield
