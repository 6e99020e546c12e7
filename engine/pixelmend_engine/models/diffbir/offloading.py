"""Parts of a model that are on its device for their turn alone."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager

import torch
from torch import nn


@contextmanager
def visiting(
    parts: Sequence[nn.Module], others: Sequence[nn.Module], device: torch.device, *, stay: bool
) -> Generator[None]:
    """Brings parts to a device, and back afterwards, unless there is room for all of them.

    The others, which an earlier picture may have left there, make room first.
    """
    if not stay:
        for other in others:
            other.to("cpu")
    try:
        for part in parts:
            part.to(device)
        yield
    finally:
        if not stay:
            for part in parts:
                part.to("cpu")
