"""Clinical variables → embedding."""

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.kept_units import dropout


class EhrEncoder(nn.Module):
    """One hidden layer over standardised clinical columns; a missing value is the mean, 0.

    Parameters
    ----------
    n_features
        Columns, one for each level of a categorical variable but the first.
    embed
        Width of the embedding.
    keep_probability
        Of a unit under dropout.
    """

    def __init__(self, n_features: int, embed: int, keep_probability: float) -> None:
        super().__init__()
        self.layer = nn.Linear(n_features, embed)
        self.keep_probability = keep_probability

    def forward(
        self,
        features: Float[Tensor, "patient feature"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        return dropout(functional.gelu(self.layer(features)), kept, self.keep_probability)
