"""In how many bits a network computes, and where fewer than 32 would be wrong."""

from typing import Literal

from torch import nn

Precision = Literal["no", "bf16"]


def require_sound_precision(network: nn.Module, precision: str, device: str) -> None:
    """Refuse what torch computes wrongly: gradients of volumes in bf16 on a processor.

    Where features are less deep than a kernel (two slices under a kernel of three), torch 2.14 on a
    processor with AVX-512 BF16 takes memory that nobody wrote for a part of the weights' gradient.
    It may hold anything: most runs end with a loss that is no number, others learn from it
    unnoticed. Pictures are safe, and so is what a trained or frozen network returns.

    Parameters
    ----------
    network
        That is to be trained.
    precision
        ``no`` or ``bf16``.
    device
        Type of device, such as ``cpu`` or ``cuda``.

    Raises
    ------
    ValueError
        If the precision is another, or the network holds a convolution that goes wrong in it.
    """
    if precision not in ("no", "bf16"):
        raise ValueError(
            f"precision must be 'no' or 'bf16', got {precision!r}: pass one of them (to an "
            "Accelerator as mixed_precision)"
        )
    if precision == "no" or device != "cpu":
        return
    learning = (m for m in network.modules() if isinstance(m, nn.Conv3d) and m.weight.requires_grad)
    deep = [convolution for convolution in learning if convolution.kernel_size[0] > 1]
    if deep:
        raise ValueError(
            f"bf16 on the CPU gives wrong gradients of the network's {len(deep)} convolutions over "
            "several slices: train volumes with precision 'no', or on a GPU"
        )
