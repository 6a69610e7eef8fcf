"""Fused embedding → what is predicted."""

from jaxtyping import Float
from torch import Tensor, nn


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
