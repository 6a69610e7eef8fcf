"""Encoders, a fuser and a head, put together."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from fusion.encoders.ehr import EhrEncoder
from fusion.encoders.genomics import GenomicsEncoder
from fusion.fusers import GatedFuser
from fusion.heads import CoxHead


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the fusion network.

    Parameters
    ----------
    embed
        Width of each modality's embedding.
    keep_probability
        Of a unit under dropout.
    max_inputs
        Leading components of a modality that the network sees; clinical columns are all seen.
    """

    embed: int = 16
    max_inputs: int = 16
    keep_probability: float = 0.7


class RiskNetwork(nn.Module):
    """Risk score from whichever modalities a patient has.

    ``forward`` is a pure function of its inputs: dropout masks are passed in, so that many
    networks can be trained as one stacked model.

    Parameters
    ----------
    encoders
        One a modality.
    fuser, head
        From embeddings to the risk score.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], fuser: nn.Module, head: nn.Module):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fuser = fuser
        self.head = head

    def forward(
        self,
        features: dict[str, Float[Tensor, "patient _"]],
        present: dict[str, Bool[Tensor, " patient"]],
        kept: dict[str, Float[Tensor, "patient embed"]] | None = None,
    ) -> Float[Tensor, " patient"]:
        """Encode each modality, fuse what is present, score."""
        embeddings = {
            # Selected at the door: behind the encoder, a NaN would still spoil the gradient.
            name: encoder(
                torch.where(present[name][:, None], features[name], 0.0),
                None if kept is None else kept[name],
            )
            for name, encoder in self.encoders.items()
        }
        return self.head(self.fuser(embeddings, present))


def build_network(
    widths: Mapping[str, int], kinds: Mapping[str, str], config: NetworkConfig
) -> RiskNetwork:
    """A gated network with a Cox head.

    Parameters
    ----------
    widths
        Number of input columns, by modality.
    kinds
        ``ehr``, ``genomics`` or ``embedding``, by modality.
    """
    encoder_of = {"ehr": EhrEncoder, "genomics": GenomicsEncoder, "embedding": GenomicsEncoder}
    encoders = {
        name: encoder_of[kinds[name]](width, config.embed, config.keep_probability)
        for name, width in widths.items()
    }
    return RiskNetwork(encoders, GatedFuser(list(widths), config.embed), CoxHead(config.embed))
