"""Several embeddings, some of them absent → one.

Every fuser selects by presence: the values of an absent modality reach neither the output nor the
gradient, shapes stay fixed, and with nothing present the result is 0.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.attention import TokenAttention

MAX_PRODUCT = 4096
MAX_PROJECTION = 16
MIN_PROJECTION = 3


def select_present(
    values: Float[Tensor, "patient ..."], present: Bool[Tensor, " patient"]
) -> Float[Tensor, "patient ..."]:
    """Zeros where ``present`` is False, whatever stood there, NaN too."""
    # (patient,) → (patient, 1, …)
    rows = present.reshape(-1, *[1] * (values.ndim - 1))
    return torch.where(rows, values, 0.0)


class ConcatenationFuser(nn.Module):
    """One hidden layer over the modalities' embeddings, side by side.

    Parameters
    ----------
    names
        Modalities, in order.
    embed
        Width of each embedding and of the result.
    """

    def __init__(self, names: Sequence[str], embed: int) -> None:
        super().__init__()
        self.layer = nn.Linear(len(names) * embed, embed, bias=False)

    def forward(
        self,
        embeddings: dict[str, Float[Tensor, "patient embed"]],
        present: dict[str, Bool[Tensor, " patient"]],
    ) -> Float[Tensor, "patient embed"]:
        """Fuse what is present."""
        known = [select_present(e, present[name]) for name, e in embeddings.items()]
        return functional.gelu(self.layer(torch.cat(known, dim=-1)))


class GatedFuser(nn.Module):
    """Sum of the modalities' embeddings, each behind a gate that sees all of them.

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
        known = {name: select_present(e, present[name]) for name, e in embeddings.items()}
        everything = torch.cat(list(known.values()), dim=-1)
        gated = [
            select_present(
                self.gates[name](everything).sigmoid() * self.values[name](embedding).tanh(),
                present[name],
            )
            for name, embedding in known.items()
        ]
        return torch.stack(gated).sum(dim=0)


class TensorFuser(nn.Module):
    """Every product of units of different modalities, and every unit alone.

    Each embedding is projected to a few units and a constant 1 is put before them; the Kronecker
    product of these vectors then holds interactions of all orders. An absent modality is
    [1, 0, …], which leaves the interactions of the others as they are. The projection is as wide
    as ``MAX_PRODUCT`` allows.

    Parameters
    ----------
    names
        Modalities, in order.
    embed
        Width of each embedding and of the result.

    Raises
    ------
    ValueError
        With more modalities than leave a projection of at least ``MIN_PROJECTION`` units.

    References
    ----------
    Zadeh, A. et al. (2017). Tensor fusion network for multimodal sentiment analysis. EMNLP.
    Chen, R. et al. (2020). Pathomic fusion. IEEE TMI.
    """

    def __init__(self, names: Sequence[str], embed: int) -> None:
        super().__init__()
        width = _projection_width(len(names))
        self.projections = nn.ModuleDict({name: nn.Linear(embed, width) for name in names})
        # Without the product of all the constants, which says nothing of the patient.
        self.layer = nn.Linear((width + 1) ** len(names) - 1, embed, bias=False)

    def forward(
        self,
        embeddings: dict[str, Float[Tensor, "patient embed"]],
        present: dict[str, Bool[Tensor, " patient"]],
    ) -> Float[Tensor, "patient embed"]:
        """Fuse what is present."""
        first, *others = (
            functional.pad(self._projected(name, e, present[name]), (1, 0), value=1.0)
            for name, e in embeddings.items()
        )
        product = first
        for vector in others:
            product = torch.einsum("pi,pj->pij", product, vector).flatten(1)
        return self.layer(product[:, 1:])

    def _projected(self, name: str, embedding: Tensor, present: Tensor) -> Tensor:
        projected = self.projections[name](select_present(embedding, present)).tanh()
        return select_present(projected, present)


def _projection_width(n_modalities: int) -> int:
    """The widest projection whose product with the constants fits ``MAX_PRODUCT``."""
    fitting = [w for w in range(MAX_PROJECTION + 1) if (w + 1) ** n_modalities <= MAX_PRODUCT]
    if fitting[-1] < MIN_PROJECTION:
        raise ValueError(
            f"the tensor fuser would keep {fitting[-1]} units of each of {n_modalities} "
            f"modalities, at least {MIN_PROJECTION} are needed: leave some modalities out, or "
            "use the gated or cross_attention fuser"
        )
    return fitting[-1]


class CrossAttentionFuser(nn.Module):
    """Learned queries over the tokens of all modalities that are present.

    An embedding is one token; an encoder may also give several, such as one a pathway. Every
    modality starts with the same weight, however many tokens it has, and a vector of its own is
    added to its tokens so that queries can tell modalities apart.

    Parameters
    ----------
    names
        Modalities, in order.
    embed
        Width of each token and of the result.

    References
    ----------
    Jaegle, A. et al. (2021). Perceiver. ICML.
    Jaume, G. et al. (2024). Modeling dense multimodal interactions between biological pathways
    and histology for survival prediction. CVPR.
    """

    def __init__(self, names: Sequence[str], embed: int) -> None:
        super().__init__()
        self.origins = nn.ParameterDict(
            {name: nn.Parameter(torch.randn(embed) * embed**-0.5) for name in names}
        )
        self.attention = TokenAttention(embed)

    def forward(
        self,
        embeddings: dict[str, Float[Tensor, "patient ... embed"]],
        present: dict[str, Bool[Tensor, " patient"]],
    ) -> Float[Tensor, "patient embed"]:
        """Fuse what is present."""
        tokens, share = [], []
        for name, embedding in embeddings.items():
            known = select_present(embedding, present[name])
            # (patient, embed) → (patient, 1, embed); several tokens stay as they are
            tokens.append(known.reshape(len(known), -1, known.shape[-1]) + self.origins[name])
            n_tokens = tokens[-1].shape[1]
            share.append((present[name].to(known.dtype) / n_tokens)[:, None].expand(-1, n_tokens))
        return self.attention(torch.cat(tokens, dim=1), torch.cat(share, dim=1))
