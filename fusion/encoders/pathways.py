"""Genes → one token a pathway → embedding."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from fusion.attention import TokenAttention
from fusion.kept_units import alpha_dropout

OTHER_GENES = "other genes"


class PathwayTokens(nn.Module):
    """Each pathway's genes → its token, through SELU; genes in no pathway share one more token.

    A gene may belong to several pathways, and a token depends on no gene but its own. All
    pathways are one batched product over their genes, padded to the largest pathway.

    Parameters
    ----------
    pathways
        Positions of the member genes, by name; at least one gene each.
    n_features
        Genes, of which those in no pathway go to the token ``other genes``.
    embed
        Width of a token.
    keep_probability
        Of a unit under alpha dropout.

    Attributes
    ----------
    names
        Of the tokens, in order.

    Raises
    ------
    ValueError
        Without a pathway, or with one that has no gene.

    References
    ----------
    Jaume, G. et al. (2024). Modeling dense multimodal interactions between biological pathways
    and histology for survival prediction. CVPR.
    """

    members: Int[Tensor, "pathway member"]
    others: Int[Tensor, " gene"]

    def __init__(
        self,
        pathways: Mapping[str, Sequence[int]],
        n_features: int,
        embed: int,
        keep_probability: float,
    ) -> None:
        super().__init__()
        empty = [name for name, genes in pathways.items() if not genes]
        if empty or not pathways:
            raise ValueError(
                "pathway tokens need pathways with at least one gene each, got "
                f"{len(pathways)} pathways, {len(empty)} of them empty: leave out what is "
                "not measured, or use components"
            )
        self.keep_probability = keep_probability
        size = max(map(len, pathways.values()))
        # Padding points one past the last gene, where the input is 0.
        members = torch.tensor(
            [[*genes, *[n_features] * (size - len(genes))] for genes in pathways.values()]
        )
        others = sorted(set(range(n_features)).difference(*pathways.values()))
        self.names = (*pathways, *([OTHER_GENES] if others else []))
        self.register_buffer("members", members, persistent=False)
        self.register_buffer("others", torch.tensor(others, dtype=torch.long), persistent=False)
        real = (members < n_features)[..., None]
        scale = real.sum(dim=1, keepdim=True) ** -0.5
        self.weight = nn.Parameter(torch.randn(len(pathways), size, embed) * scale * real)
        self.bias = nn.Parameter(torch.zeros(len(pathways), embed))
        self.other_genes = nn.Linear(len(others), embed) if others else None
        if self.other_genes is not None:
            nn.init.normal_(self.other_genes.weight, std=len(others) ** -0.5)
            nn.init.zeros_(self.other_genes.bias)

    def forward(
        self,
        features: Float[Tensor, "patient gene"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient pathway embed"]:
        """Tokens of standardised genes; a missing value is the mean, 0.

        ``kept`` is the dropout mask of 0 and 1, drawn by the training loop; all tokens of a
        patient lose the same units.
        """
        known = torch.where(features.isnan(), 0.0, features)
        genes = functional.pad(known, (0, 1))[:, self.members]
        tokens = torch.einsum("pgm,gme->pge", genes, self.weight) + self.bias
        if self.other_genes is not None:
            rest = self.other_genes(known[:, self.others])
            tokens = torch.cat([tokens, rest[:, None]], dim=1)
        by_token = None if kept is None else kept[:, None]
        return alpha_dropout(functional.selu(tokens), by_token, self.keep_probability)


class PathwayEncoder(nn.Module):
    """Pathway tokens, pooled to one embedding by attention.

    Parameters
    ----------
    tokens
        Genes → tokens.
    embed
        Width of the tokens and of the embedding.
    """

    def __init__(self, tokens: PathwayTokens, embed: int) -> None:
        super().__init__()
        self.tokens = tokens
        self.attention = TokenAttention(embed)

    def forward(
        self,
        features: Float[Tensor, "patient gene"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        return functional.selu(self.attention(self.tokens(features, kept)))
