"""Gradient checkpointing: what a part computes is computed once more for gradients, and not kept.

Source: Chen et al., arXiv:1604.06174.
"""

from typing import cast

import torch.utils.checkpoint
from torch import Tensor, nn


def recomputed(module: nn.Module, *inputs: Tensor | None) -> Tensor:
    """Runs a module so that only its inputs are kept for gradients."""
    run = torch.utils.checkpoint.checkpoint  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - torch's own types are partial
    return cast("Tensor", run(module, *inputs, use_reentrant=False))
