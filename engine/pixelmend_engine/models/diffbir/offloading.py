"""CPU offload: modules of a model that are on its device only while they compute."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def on_device(
    modules: Sequence[nn.Module],
    others: Sequence[nn.Module],
    device: torch.device,
    *,
    all_resident: bool,
) -> Generator[None]:
    """Moves modules to a device, and to the CPU afterwards, unless all of them stay there.

    The others, which an earlier picture may have left there, make room first.
    """
    if not all_resident:
        for other in others:
            other.to("cpu")
    try:
        for module in modules:
            module.to(device)
        yield
    finally:
        if not all_resident:
            for module in modules:
                module.to("cpu")
