"""Several pictures of one patient → one vector: a mean, or attention that learns which matter."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class MeanPooling(nn.Module):
    """The mean of the pictures that are there; nothing gives 0."""

    def forward(
        self,
        features: Float[Tensor, "patient picture feature"],
        here: Bool[Tensor, "patient picture"],
    ) -> Float[Tensor, "patient feature"]:
        """One vector a patient."""
        weight = here.to(features.dtype)[..., None]
        return (features * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class GatedAttentionPooling(nn.Module):
    """Attention-based multiple-instance learning, with a gate; nothing gives 0.

    Parameters
    ----------
    n_features
        Of a picture.
    hidden
        Width of the layer that judges each picture.

    References
    ----------
    Ilse, M., Tomczak, J. and Welling, M. (2018). Attention-based deep multiple instance learning.
    ICML.
    """

    def __init__(self, n_features: int, hidden: int = 64) -> None:
        super().__init__()
        self.content = nn.Linear(n_features, hidden)
        self.gate = nn.Linear(n_features, hidden)
        self.judge = nn.Linear(hidden, 1, bias=False)

    def weights(
        self,
        features: Float[Tensor, "patient picture feature"],
        here: Bool[Tensor, "patient picture"],
    ) -> Float[Tensor, "patient picture"]:
        """How much each picture counts; they sum to 1, or to 0 where nothing is there."""
        judged = self.judge(self.content(features).tanh() * self.gate(features).sigmoid())[..., 0]
        # The lowest finite number: −∞ for every picture of a patient would be NaN.
        lowest = torch.finfo(judged.dtype).min
        return torch.where(here, judged, lowest).softmax(dim=-1) * here

    def forward(
        self,
        features: Float[Tensor, "patient picture feature"],
        here: Bool[Tensor, "patient picture"],
    ) -> Float[Tensor, "patient feature"]:
        """One vector a patient."""
        return torch.einsum("pi,pif->pf", self.weights(features, here), features)
