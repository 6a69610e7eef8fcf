"""Rules by which relevance flows back through a convolutional network, as gradients of another one.

Of a layer with value ``z``, a rule names a carrier: a function of the layer's inputs that is the
sum of what each input is credited with. The network that gives ``z`` and has the gradient of
``carrier · (z / carrier)``, the quotient held constant, passes relevance on: of every tensor, value
times gradient is its relevance. Concatenations, means and pooling need no rule then, and no graph
has to be walked.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode, resolve_name

CONVOLUTIONS = (torch.conv2d, torch.conv3d)
SAME_PLACE = (
    *(functional.relu, functional.leaky_relu, functional.elu, functional.relu6),
    *(functional.gelu, functional.silu, functional.hardswish),
    *(functional.group_norm, functional.instance_norm, functional.layer_norm),
)
"""Functions whose outputs hand their relevance to the input at their place."""
LINEAR = (
    *(torch.cat, torch.mean, Tensor.mean, torch.sum, Tensor.sum, Tensor.contiguous, Tensor.float),
    *(torch.flatten, Tensor.flatten, Tensor.unflatten, Tensor.view, Tensor.reshape),
    *(Tensor.transpose, Tensor.movedim, Tensor.permute, Tensor.squeeze, Tensor.unsqueeze),
    *(Tensor.__getitem__, Tensor.to, functional.dropout, functional.pad),
    *(functional.max_pool2d, functional.max_pool3d, torch.max_pool2d, torch.max_pool3d),
    *(functional.avg_pool2d, functional.avg_pool3d),
    *(functional.adaptive_avg_pool2d, functional.adaptive_avg_pool3d),
)
"""Functions whose inputs' parts sum to their output; the largest of a pool takes all."""
SUMS = (torch.add, Tensor.add, Tensor.__add__, Tensor.add_, Tensor.__radd__)
PRODUCTS = (torch.mul, Tensor.mul, Tensor.__mul__, Tensor.__rmul__, Tensor.div)


@dataclass(frozen=True)
class Convolution:
    """A convolution of some input, its weights as a norm after it has scaled them."""

    of: Callable[[Tensor, Tensor], Tensor]
    x: Tensor
    weight: Tensor
    bias: Tensor
    is_first: bool

    def scaled(self, scale: Tensor, shift: Tensor) -> "Convolution":
        """The same with its outputs scaled and shifted, (channel,) each."""
        weight = self.weight * scale.view(-1, *(1,) * (self.weight.ndim - 1))
        return Convolution(self.of, self.x, weight, self.bias * scale + shift, self.is_first)


@dataclass(eq=False)
class Rules(TorchFunctionMode):
    """While open, functions of what the first convolution sees pass relevance on.

    Dense layers take the ε rule, convolutions the γ rule in its form for outputs of either sign,
    and the first of them z^B, whose credits start from the darkest and brightest pixels of the
    image, since the sign of a pixel means nothing. A batch norm that follows a convolution is
    folded into it; other norms and activations hand relevance to the same place.

    Parameters
    ----------
    epsilon
        Added to the size of every denominator.
    gamma
        How much a convolution favours what has the sign of its output, an input times its weight:
        0 for not at all, infinite for nothing else (z⁺).
    box
        Whether the first convolution takes z^B; otherwise it is one like the others.

    References
    ----------
    Bach, S. et al. (2015). On pixel-wise explanations for non-linear classifier decisions by
    layer-wise relevance propagation. PLoS ONE 10(7).
    Montavon, G. et al. (2019). Layer-wise relevance propagation: an overview. In: Explainable AI,
    LNCS 11700.
    Andéol, L. et al. (2021). Learning domain invariant representations by joint Wasserstein
    distance minimization. arXiv:2106.04923 (the γ rule for either sign).
    """

    epsilon: float
    gamma: float
    box: bool = True
    pixels: list[Tensor] = field(default_factory=list)
    """What the first convolution sees; under z^B also each channel's least and greatest value."""
    biases: list[Tensor] = field(default_factory=list)
    """Of every layer, a row an image: they take relevance too."""
    path: list[str] = field(default_factory=list)
    """The layer that is being computed, and those that it is in."""

    def __post_init__(self) -> None:
        super().__init__()
        self._last: tuple[Tensor, Convolution] | None = None

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute as asked, with the gradient of the function's rule.

        Raises
        ------
        ValueError
            If there is no rule for a function of the pixels.
        """
        named = dict(kwargs or {})
        if func in CONVOLUTIONS:
            return self._convolution(func, *args, **named)
        if not any(map(_moves, args)):
            return func(*args, **named)
        if func is functional.linear:
            return self._linear(*args, **named)
        if func is functional.batch_norm:
            return self._batch_norm(*args, **named)
        if func in SAME_PLACE:
            named.pop("inplace", None)
            return self._same_place(func(*args, **named), args[0])
        if func in SUMS:
            return self._sum(args[0], args[1])
        found = func(*args, **named)
        one_factor = func in PRODUCTS and sum(map(_moves, args)) == 1
        if func in LINEAR or one_factor or not _moves(found):
            return found
        raise ValueError(
            f"layer-wise relevance has no rule for {resolve_name(func) or func}, which layer "
            f"{self.path[-1] if self.path else 'of the encoder'} calls: choose Grad-CAM"
        )

    def _convolution(
        self,
        func: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        *how: Any,
        **named: Any,
    ) -> Tensor:
        is_first = not self.pixels
        if is_first:
            x = x.detach().requires_grad_()
            ends = (x.amin(_space(x), True), x.amax(_space(x), True)) if self.box else ()
            self.pixels += [x, *(e.detach().expand_as(x).clone().requires_grad_() for e in ends)]
        layer = Convolution(
            lambda x, weight: func(x, weight, None, *how, **named),
            x,
            weight,
            weight.new_zeros(len(weight)) if bias is None else bias,
            is_first,
        )
        return self._convolved(layer)

    def _convolved(self, layer: Convolution) -> Tensor:
        value = layer.of(layer.x, layer.weight) + _over_space(layer.bias, layer.x)
        if layer.is_first and self.box:
            x, low, high = self.pixels
            above, below = layer.weight.clamp(min=0), layer.weight.clamp(max=0)
            credits = layer.of(x, layer.weight) - layer.of(low, above) - layer.of(high, below)
        else:
            rising, falling = (self._favoured(layer, sign) for sign in (1.0, -1.0))
            credits = torch.where(value >= 0, rising, falling)
        out = self._carried(value, credits)
        self._last = (out, layer)
        return out

    def _favoured(self, layer: Convolution, sign: float) -> Tensor:
        """Credits of one sign, and the others' at 1 / (1 + γ) of their size; a bias has input 1."""

        def favoured(weights: Tensor, sign: float) -> Tensor:
            return torch.where(weights * sign >= 0, weights, weights / (1 + self.gamma))

        above = layer.x.clamp(min=0)
        below = layer.x - above
        credits = layer.of(above, favoured(layer.weight, sign))
        if below.any():
            credits = credits + layer.of(below, favoured(layer.weight, -sign))
        bias = favoured(layer.bias, sign)
        return credits + self._taking(_over_space(bias, layer.x), len(layer.x))

    def _linear(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        credits = functional.linear(x, weight)
        if bias is not None:
            credits = credits + self._taking(bias.view(*(1,) * (x.ndim - 1), -1), len(x))
        return self._carried(credits, credits)

    def _batch_norm(
        self,
        x: Tensor,
        mean: Tensor,
        variance: Tensor,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        if training:
            raise ValueError("relevance is of one image: put the network in evaluation mode")
        scale = (variance + eps).rsqrt() * (1 if weight is None else weight)
        shift = (0 if bias is None else bias) - mean * scale
        if self._last is not None and self._last[0] is x:
            return self._convolved(self._last[1].scaled(scale, shift))
        return self._same_place(x * _over_space(scale, x) + _over_space(shift, x), x)

    def _sum(self, one: Tensor | float, other: Tensor | float) -> Tensor:
        total = torch.add(one, other)
        if _moves(one) and _moves(other):
            return self._carried(total, total)
        moving = one if _moves(one) else other
        # A number cannot move, so this is a tensor.
        return self._same_place(total, torch.as_tensor(moving))

    def _same_place(self, value: Tensor, x: Tensor) -> Tensor:
        """Relevance goes to the input at the same place; where that is 0, a bias took it."""
        lost = (x == 0) & (value != 0)
        if not lost.any():
            return self._carried(value, x)
        return self._carried(value, torch.where(lost, self._taking(value, len(x)), x))

    def _carried(self, value: Tensor, credits: Tensor) -> Tensor:
        """The value, with the gradient of credits that add up to it."""
        quotient = value / torch.where(credits >= 0, credits + self.epsilon, credits - self.epsilon)
        scaled = credits * quotient.detach()
        return value.detach() + (scaled - scaled.detach())

    def _taking(self, bias: Tensor, n: int) -> Tensor:
        """A bias that tells how much relevance it took of each image."""
        leaf = bias.detach().expand(n, *bias.shape[1:]).clone().requires_grad_()
        self.biases.append(leaf)
        return leaf


def _moves(part: Any) -> bool:
    """Whether something depends on the pixels."""
    if isinstance(part, list | tuple):
        return any(map(_moves, part))
    return isinstance(part, Tensor) and part.requires_grad


def _space(x: Tensor) -> tuple[int, ...]:
    return tuple(range(2, x.ndim))


def _over_space(values: Tensor, x: Tensor) -> Tensor:
    """(channel,) → (1, channel, 1, ...)."""
    return values.view(1, -1, *(1,) * (x.ndim - 2))
