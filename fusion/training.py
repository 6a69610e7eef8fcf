"""Training many small networks as one stacked model.

A nested cross-validation trains the same network on overlapping training sets from several seeds.
Their weights are stacked along a first axis and trained together: patients outside a training set
have weight 0, dropout masks are inputs, and one backward pass serves all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.func import functional_call, stack_module_state, vmap

from fusion.losses import RiskSets, cox_log_likelihood, efron_terms
from fusion.network import RiskNetwork

Stacked = dict[str, Tensor]


@dataclass(frozen=True)
class TrainingConfig:
    """How the stacked networks are trained.

    Parameters
    ----------
    max_epochs, check_every
        Epochs (one full-batch step each), and after how many of them held-out patients are
        looked at.
    patience
        Looks without improvement after which training ends.
    learning_rate, weight_decay
        Of AdamW.
    encoder_ridge
        Penalty on the squared weights of the encoders, added to the mean loss an event. As in
        ridge Cox it is what keeps a few hundred patients from being learned by heart.
    modality_keep
        Probability that a modality of a patient is kept in a step; at least the clinical one
        always is.
    """

    max_epochs: int = 240
    check_every: int = 5
    patience: int = 6
    learning_rate: float = 5e-3
    weight_decay: float = 0.01
    encoder_ridge: float = 0.1
    modality_keep: float = 0.9


def stacked_scores(
    network: RiskNetwork,
    state: Stacked,
    features: dict[str, Float[Tensor, "model patient _"]],
    present: dict[str, Bool[Tensor, "model patient"]],
    kept: dict[str, Float[Tensor, "model patient embed"]] | None = None,
) -> Float[Tensor, "model patient"]:
    """Risk scores of every stacked network, each on its own inputs."""
    if kept is None:
        return vmap(lambda s, f, p: functional_call(network, s, (f, p)))(state, features, present)
    return vmap(lambda s, f, p, k: functional_call(network, s, (f, p, k)))(
        state, features, present, kept
    )


def train_stacked(
    build: Callable[[], RiskNetwork],
    features: dict[str, Float[Tensor, "model patient _"]],
    present: dict[str, Bool[Tensor, " patient"]],
    sets: RiskSets,
    weights: Float[Tensor, "model patient"],
    *,
    always: str,
    config: TrainingConfig,
    embed: int,
    keep_probability: float,
    seed: int,
) -> Iterator[tuple[RiskNetwork, Stacked]]:
    """Train one network a row of ``weights`` by full-batch Cox likelihood.

    Yields after every ``check_every`` epochs, so that the caller decides when to stop.

    Parameters
    ----------
    build
        Makes one freshly initialised network.
    features
        Inputs of each network for all patients, in the order of ``sets``; NaN marks a missing
        measurement of networks that read features.
    present
        Which patients have each modality.
    weights
        Case weights of each network's training set; 0 leaves a patient out.
    always
        The modality that is never dropped.
    seed
        Draws initial weights and dropout.

    Yields
    ------
    network, state
        The skeleton for :func:`stacked_scores`, and a copy of the stacked weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        networks = [build() for _ in range(len(weights))]
    state = {k: v.detach().clone() for k, v in stack_module_state(networks)[0].items()}
    for tensor in state.values():
        tensor.requires_grad_()
    optimiser = torch.optim.AdamW(
        state.values(), lr=config.learning_rate, weight_decay=config.weight_decay
    )
    n_events, terms = (weights * sets.event).sum(-1), efron_terms(sets, weights)
    noise = np.random.default_rng(seed)
    for epoch in range(1, config.max_epochs + 1):
        kept, seen = _draw(noise, present, len(weights), always, embed, keep_probability, config)
        scores = stacked_scores(networks[0], state, features, seen, kept)
        loss = -(cox_log_likelihood(scores, sets, weights, terms) / n_events).sum()
        loss = loss + config.encoder_ridge * _squared_encoder_weights(state)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if epoch % config.check_every == 0:
            yield networks[0], {k: v.detach().clone() for k, v in state.items()}


def _squared_encoder_weights(state: Stacked) -> Tensor:
    """Summed over the stacked networks, which do not share any weight."""
    encoders = (v for k, v in state.items() if k.startswith("encoders.") and k.endswith("weight"))
    return torch.stack([(weight**2).sum() for weight in encoders]).sum()


def _draw(
    noise: np.random.Generator,
    present: dict[str, Tensor],
    n_models: int,
    always: str,
    embed: int,
    keep_probability: float,
    config: TrainingConfig,
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Dropout masks, and presence after modality dropout, for one step."""
    kept, seen = {}, {}
    for name, here in present.items():
        shape = (n_models, len(here))
        units = noise.random((*shape, embed), dtype=np.float32) < keep_probability
        kept[name] = torch.as_tensor(units, dtype=torch.float32, device=here.device)
        modality = noise.random(shape, dtype=np.float32) < config.modality_keep
        dropped = torch.as_tensor(modality | (name == always), device=here.device)
        seen[name] = here & dropped
    return kept, seen
