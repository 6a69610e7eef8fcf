"""Encoders, a fuser and a head, put together."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from jaxtyping import Bool, Float
from torch import Tensor, nn

from fusion.dataset import Kind, Modality
from fusion.encoders.ehr import EhrEncoder
from fusion.encoders.feature_tokens import FeatureTokenEncoder, FeatureTokens
from fusion.encoders.genomics import GenomicsEncoder
from fusion.encoders.pathways import PathwayEncoder, PathwayTokens
from fusion.fusers import (
    ConcatenationFuser,
    CrossAttentionFuser,
    GatedFuser,
    TensorFuser,
    select_present,
)
from fusion.heads import CoxHead

FuserName = Literal["concatenation", "gated", "tensor", "cross_attention"]
GenomicsInput = Literal["components", "pathways"]
EhrInput = Literal["columns", "tokens"]

FUSERS = {
    "concatenation": ConcatenationFuser,
    "gated": GatedFuser,
    "tensor": TensorFuser,
    "cross_attention": CrossAttentionFuser,
}


@dataclass(frozen=True)
class ModalityInputs:
    """What a network has to know of one modality before it is built.

    Parameters
    ----------
    kind
        As in :class:`~fusion.dataset.Modality`.
    n_features
        Input columns; channels of an image.
    groups
        Positions of the members of each feature set, by name: the columns of one categorical
        variable, the genes of a pathway.

    Raises
    ------
    ValueError
        If the kind is unknown, a position is no feature, or a set names one twice.
    """

    kind: Kind
    n_features: int
    groups: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require_one_of("kind", self.kind, get_args(Kind))
        for name, members in self.groups.items():
            if not set(members) <= set(range(self.n_features)):
                raise ValueError(
                    f"{name}: members must be positions below {self.n_features}, the number of "
                    f"features, got {max(members, key=abs)}: groups and features must belong "
                    "together"
                )
            if len(set(members)) < len(members):
                raise ValueError(f"{name}: {len(members)} members, some of them twice")

    @classmethod
    def of(cls, modality: Modality) -> "ModalityInputs":
        """The inputs of a network that reads the modality's own features.

        Sets without a member, such as a categorical variable with a single level, are left out;
        a member that a set names twice counts once.
        """
        position = {name: i for i, name in enumerate(modality.names)}
        groups = {
            name: tuple(position[member] for member in dict.fromkeys(members))
            for name, members in modality.groups.items()
            if members
        }
        return cls(modality.kind, len(modality.names), groups)


@dataclass(frozen=True)
class NetworkConfig:
    """Shape of the fusion network.

    Parameters
    ----------
    embed
        Width of each modality's embedding.
    max_inputs
        Leading components of a modality that the network sees; clinical columns are all seen.
    keep_probability
        Of a unit under dropout.
    fuser
        How embeddings become one: side by side, each behind a gate, all their products, or
        attention over tokens.
    genomics
        ``pathways`` makes one token of each gene set, in modalities that have gene sets; all
        others are seen as components.
    ehr
        ``tokens`` makes one token of each clinical variable, with one for a missing value;
        ``columns`` takes a missing value as the mean.

    Raises
    ------
    ValueError
        If a choice is none of those named.
    """

    embed: int = 16
    max_inputs: int = 16
    keep_probability: float = 0.7
    fuser: FuserName = "gated"
    genomics: GenomicsInput = "components"
    ehr: EhrInput = "columns"

    def __post_init__(self) -> None:
        _require_one_of("fuser", self.fuser, get_args(FuserName))
        _require_one_of("genomics", self.genomics, get_args(GenomicsInput))
        _require_one_of("ehr", self.ehr, get_args(EhrInput))

    def reads_features(self, inputs: ModalityInputs) -> bool:
        """Whether the network takes a modality's own features instead of its components.

        Such features are standardised, with NaN where a measurement is missing.
        """
        if inputs.kind == "genomics":
            return self.genomics == "pathways" and bool(inputs.groups)
        return inputs.kind == "ehr" and self.ehr == "tokens"


class RiskNetwork(nn.Module):
    """What is predicted, from whichever modalities a patient has.

    ``forward`` is a pure function of its inputs: dropout masks are passed in, so that many
    networks can be trained as one stacked model.

    Parameters
    ----------
    encoders
        One a modality: features and dropout mask → embedding, or tokens if the fuser takes them.
    fuser
        Embeddings and presence → one embedding.
    head
        From there to what is predicted.
    """

    def __init__(self, encoders: Mapping[str, nn.Module], fuser: nn.Module, head: nn.Module):
        super().__init__()
        self.encoders = nn.ModuleDict(encoders)
        self.fuser = fuser
        self.head = head

    def forward(
        self,
        features: dict[str, Float[Tensor, "patient ..."]],
        present: dict[str, Bool[Tensor, " patient"]],
        kept: dict[str, Float[Tensor, "patient embed"]] | None = None,
    ) -> Float[Tensor, "patient ..."]:
        """Encode each modality, fuse what is present, predict."""
        embeddings = {
            # Selected at the door: behind the encoder, a NaN would still spoil the gradient.
            name: encoder(
                select_present(features[name], present[name]),
                None if kept is None else kept[name],
            )
            for name, encoder in self.encoders.items()
        }
        return self.head(self.fuser(embeddings, present))


def compose_network(
    inputs: Mapping[str, ModalityInputs],
    config: NetworkConfig,
    head: nn.Module | None = None,
    *,
    encoders: Mapping[str, nn.Module] | None = None,
) -> RiskNetwork:
    """The network that a configuration describes.

    Parameters
    ----------
    inputs
        By modality, in order.
    head
        From the fused embedding, of width ``config.embed``, to what is predicted; None for
        Cox's log relative hazard.
    encoders
        By modality, in place of the usual ones: such as an
        :class:`~fusion.encoders.slices.SliceEncoder` on a pretrained backbone. Their embeddings
        must be ``config.embed`` wide.

    Raises
    ------
    ValueError
        If an encoder is of no modality of ``inputs``.
    """
    given = encoders or {}
    if unknown := sorted(set(given) - set(inputs)):
        raise ValueError(f"an encoder for {unknown[0]!r}, but inputs are {', '.join(inputs)}")
    chosen = {
        name: given[name] if name in given else _encoder(described, config)
        for name, described in inputs.items()
    }
    fuser = FUSERS[config.fuser](list(inputs), config.embed)
    return RiskNetwork(chosen, fuser, CoxHead(config.embed) if head is None else head)


def build_network(
    widths: Mapping[str, int],
    kinds: Mapping[str, Kind],
    config: NetworkConfig,
    head: nn.Module | None = None,
) -> RiskNetwork:
    """:func:`compose_network` for modalities without feature sets.

    Parameters
    ----------
    widths
        Number of input columns, by modality.
    kinds
        Kind of each modality.
    head
        As in :func:`compose_network`.
    """
    inputs = {name: ModalityInputs(kinds[name], width) for name, width in widths.items()}
    return compose_network(inputs, config, head)


def _encoder(inputs: ModalityInputs, config: NetworkConfig) -> nn.Module:
    n_features, embed, keep = inputs.n_features, config.embed, config.keep_probability
    match inputs.kind:
        case "ehr" if config.reads_features(inputs):
            return FeatureTokenEncoder(FeatureTokens(inputs.groups, n_features, embed), embed, keep)
        case "ehr":
            return EhrEncoder(n_features, embed, keep)
        case "genomics" if config.reads_features(inputs):
            tokens = PathwayTokens(inputs.groups, n_features, embed, keep)
            return tokens if config.fuser == "cross_attention" else PathwayEncoder(tokens, embed)
        case "genomics" | "embedding":
            return GenomicsEncoder(n_features, embed, keep)
        case "image":
            # Here, since it brings MONAI, which takes seconds that most networks need not spend.
            from fusion.encoders.image_network import ImageNetwork

            return ImageNetwork(n_features, embed, keep)


def _require_one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{what} must be one of {', '.join(allowed)}, got {value!r}")
