"""Fused embedding → what is predicted.

A head gives outputs on the scale that its likelihood takes (log hazards, logits, a standardised
mean). All but Cox's start near their bias: before training, every patient gets the same
prediction, and a plausible one.
"""

import math

from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

# Small beside the bias, but not 0: from 0 no gradient would reach the layers below.
START_SCALE = 0.01


class CoxHead(nn.Module):
    """Log relative hazard. Without bias, since Cox's likelihood cannot see one.

    Parameters
    ----------
    embed
        Width of the fused embedding.
    """

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.layer = nn.Linear(embed, 1, bias=False)

    def forward(self, fused: Float[Tensor, "patient embed"]) -> Float[Tensor, " patient"]:
        """Risk score of each patient."""
        return self.layer(fused)[:, 0]


class DiscreteHazardHead(nn.Module):
    """Logit of the hazard in each interval; starts at 1 / (n_intervals + 1) everywhere.

    Parameters
    ----------
    embed
        Width of the fused embedding.
    n_intervals
        Intervals of time, at least 1.
    """

    def __init__(self, embed: int, n_intervals: int) -> None:
        super().__init__()
        self.layer = _layer(embed, n_intervals, bias=-math.log(n_intervals))

    def forward(self, fused: Float[Tensor, "patient embed"]) -> Float[Tensor, "patient interval"]:
        """Logit of the probability of the event, given survival up to the interval."""
        return self.layer(fused)


class CompetingRisksHead(nn.Module):
    """Logit of each cause in each interval, against surviving the interval, whose logit is 0.

    Starts with a hazard of 1 / (n_intervals + 1) everywhere, shared evenly by the causes.

    Parameters
    ----------
    embed
        Width of the fused embedding.
    n_causes
        Causes of the event, at least 1; censoring is none of them.
    n_intervals
        Intervals of time, at least 1.
    """

    def __init__(self, embed: int, n_causes: int, n_intervals: int) -> None:
        super().__init__()
        self.n_causes = n_causes
        self.layer = _layer(embed, n_causes * n_intervals, bias=-math.log(n_causes * n_intervals))

    def forward(
        self, fused: Float[Tensor, "patient embed"]
    ) -> Float[Tensor, "patient cause interval"]:
        """Logits of the causes, relative to survival."""
        return rearrange(
            self.layer(fused),
            "patient (cause interval) -> patient cause interval",
            cause=self.n_causes,
        )


class BinaryHead(nn.Module):
    """Logit of the event by a horizon; starts at probability 1/2.

    Parameters
    ----------
    embed
        Width of the fused embedding.
    """

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.layer = _layer(embed, 1, bias=0.0)

    def forward(self, fused: Float[Tensor, "patient embed"]) -> Float[Tensor, " patient"]:
        """Logit of each patient."""
        return self.layer(fused)[:, 0]


class RegressionHead(nn.Module):
    """Mean of a continuous outcome in standard deviations; starts at the training mean, 0.

    Parameters
    ----------
    embed
        Width of the fused embedding.
    """

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.layer = _layer(embed, 1, bias=0.0)

    def forward(self, fused: Float[Tensor, "patient embed"]) -> Float[Tensor, " patient"]:
        """Standardised mean of each patient."""
        return self.layer(fused)[:, 0]


def _layer(embed: int, n_outputs: int, *, bias: float) -> nn.Linear:
    """A linear layer whose first outputs are about ``bias``, whatever the embedding."""
    layer = nn.Linear(embed, n_outputs)
    nn.init.normal_(layer.weight, std=START_SCALE)
    nn.init.constant_(layer.bias, bias)
    return layer
