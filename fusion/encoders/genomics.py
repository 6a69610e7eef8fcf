"""Genomic components → embedding, by a self-normalising network."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.kept_units import alpha_dropout


class GenomicsEncoder(nn.Module):
    """Two SELU layers with alpha dropout, which keep mean 0 and variance 1 without batch norm.

    Parameters
    ----------
    n_features
        Components (or genes), about unit variance each.
    embed
        Width of both layers.
    keep_probability
        Of a unit under alpha dropout.

    References
    ----------
    Klambauer, G. et al. (2017). Self-normalizing neural networks. NeurIPS.
    """

    def __init__(self, n_features: int, embed: int, keep_probability: float) -> None:
        super().__init__()
        self.first = nn.Linear(n_features, embed)
        self.second = nn.Linear(embed, embed)
        self.keep_probability = keep_probability
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, std=layer.in_features**-0.5)
            nn.init.zeros_(layer.bias)

    def forward(
        self,
        features: Float[Tensor, "patient feature"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        hidden = functional.selu(self.second(functional.selu(self.first(features))))
        return alpha_dropout(hidden, kept, self.keep_probability)
