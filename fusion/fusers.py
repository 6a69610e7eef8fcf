"""Several embeddings, some of them absent → one."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn


class GatedFuser(nn.Module):
    """Sum of the modalities' embeddings, each behind a gate that sees all of them.

    An absent modality is selected out by presence: its values reach neither the output nor the
    gradient. With nothing present the result is 0.

    Parameters
    ----------
    names
        Modalities, in order.
    embed
        Width of each embedding and of the result.

    References
    ----------
    Arevalo, J. et al. (2017). Gated multimodal units for information fusion.
    Chen, R. et al. (2020). Pathomic fusion. IEEE TMI.
    """

    def __init__(self, names: Sequence[str], embed: int) -> None:
        super().__init__()
        self.gates = nn.ModuleDict({name: nn.Linear(len(names) * embed, embed) for name in names})
        self.values = nn.ModuleDict({name: nn.Linear(embed, embed) for name in names})

    def forward(
        self,
        embeddings: dict[str, Float[Tensor, "patient embed"]],
        present: dict[str, Bool[Tensor, " patient"]],
    ) -> Float[Tensor, "patient embed"]:
        """Fuse what is present."""
        known = {
            name: torch.where(present[name][:, None], embedding, 0.0)
            for name, embedding in embeddings.items()
        }
        everything = torch.cat(list(known.values()), dim=-1)
        gated = [
            torch.where(
                present[name][:, None],
                self.gates[name](everything).sigmoid() * self.values[name](embedding).tanh(),
                0.0,
            )
            for name, embedding in known.items()
        ]
        return torch.stack(gated).sum(dim=0)
