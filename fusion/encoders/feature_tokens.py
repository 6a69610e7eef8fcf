"""Clinical variables → one token each → embedding."""

from collections.abc import Mapping, Sequence
from itertools import chain

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from fusion.attention import TokenAttention
from fusion.kept_units import dropout


class FeatureTokens(nn.Module):
    """A number times its vector, plus the variable's own; a missing value has a token of its own.

    A categorical variable has one token: its bias is the reference level, the vector of a column
    the difference that a level makes.

    Parameters
    ----------
    variables
        Positions of the columns of each categorical variable, by name. Every other column is a
        variable of its own. Tokens stand in the order of the variables' first columns.
    n_features
        Columns.
    embed
        Width of a token.

    Raises
    ------
    ValueError
        If a column belongs to two variables.

    References
    ----------
    Gorishniy, Y. et al. (2021). Revisiting deep learning models for tabular data. NeurIPS.
    """

    columns: Float[Tensor, "variable feature"]

    def __init__(self, variables: Mapping[str, Sequence[int]], n_features: int, embed: int) -> None:
        super().__init__()
        grouped = list(chain.from_iterable(variables.values()))
        if len(set(grouped)) < len(grouped):
            raise ValueError(
                f"{len(grouped) - len(set(grouped))} columns belong to more than one categorical "
                "variable: give each column to one"
            )
        alone = [[column] for column in range(n_features) if column not in set(grouped)]
        every = sorted([*(list(v) for v in variables.values() if v), *alone], key=min)
        columns = torch.zeros(len(every), n_features)
        for row, members in zip(columns, every, strict=True):
            row[members] = 1
        self.register_buffer("columns", columns, persistent=False)
        self.weight = nn.Parameter(torch.empty(n_features, embed))
        self.bias = nn.Parameter(torch.empty(len(every), embed))
        self.missing = nn.Parameter(torch.empty(len(every), embed))
        for parameter in (self.weight, self.bias, self.missing):
            nn.init.uniform_(parameter, -(embed**-0.5), embed**-0.5)

    def forward(
        self, features: Float[Tensor, "patient feature"]
    ) -> Float[Tensor, "patient variable embed"]:
        """Tokens of standardised columns, NaN where a value is missing."""
        unknown = features.isnan()
        known = torch.where(unknown, 0.0, features)
        tokens = torch.einsum("pf,vf,fe->pve", known, self.columns, self.weight) + self.bias
        missing = unknown.to(self.columns.dtype) @ self.columns.mT > 0
        return torch.where(missing[..., None], self.missing, tokens)


class FeatureTokenEncoder(nn.Module):
    """Feature tokens, read by one attention layer.

    The summary token of the FT-Transformer is reduced to its queries: with a single layer nothing
    else of it would be read.

    Parameters
    ----------
    tokens
        Columns → tokens.
    embed
        Width of the tokens and of the embedding.
    keep_probability
        Of a unit under dropout.
    """

    def __init__(self, tokens: FeatureTokens, embed: int, keep_probability: float) -> None:
        super().__init__()
        self.tokens = tokens
        self.attention = TokenAttention(embed)
        self.keep_probability = keep_probability

    def forward(
        self,
        features: Float[Tensor, "patient feature"],
        kept: Float[Tensor, "patient embed"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed; ``kept`` is the dropout mask of 0 and 1, drawn by the training loop."""
        embedding = functional.gelu(self.attention(self.tokens(features)))
        return dropout(embedding, kept, self.keep_probability)
