"""Several tokens, some of them absent → one embedding, by learned queries."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

N_QUERIES = 4


class TokenAttention(nn.Module):
    """What a few learned queries find among the tokens, side by side, projected to one embedding.

    Each query is one head: it takes the tokens' mean, weighted by how well they answer it. Keys
    and values need no projection of their own, since the queries are learned and the last layer
    is linear. Nothing present gives 0.

    Parameters
    ----------
    embed
        Width of the tokens and of the embedding.

    References
    ----------
    Vaswani, A. et al. (2017). Attention is all you need. NeurIPS.
    Lee, J. et al. (2019). Set transformer. ICML (pooling by learned queries).
    """

    def __init__(self, embed: int) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(N_QUERIES, embed))
        self.output = nn.Linear(N_QUERIES * embed, embed, bias=False)

    def forward(
        self,
        tokens: Float[Tensor, "patient token embed"],
        share: Float[Tensor, "patient token"] | None = None,
    ) -> Float[Tensor, "patient embed"]:
        """Embed.

        Parameters
        ----------
        tokens
            Finite everywhere.
        share
            Weight of each token before any query is asked, ≥ 0; 0 leaves a token out. None
            weighs all alike.
        """
        answer = torch.einsum("pte,qe->pqt", tokens, self.queries) * tokens.shape[-1] ** -0.5
        if share is None:
            weight = answer.softmax(dim=-1)
        else:
            here = (share > 0)[:, None]
            prior = torch.where(share > 0, share, 1.0).log()[:, None]
            # The lowest finite number: −∞ for every token of a patient would be NaN.
            lowest = torch.finfo(answer.dtype).min
            weight = torch.where(here, answer + prior, lowest).softmax(dim=-1) * here
        found = torch.einsum("pqt,pte->pqe", weight, tokens)
        return self.output(found.flatten(1))
