"""Blocks that are compiled before they are trained."""

import torch
from torch import nn

SIZES = 64  # of features that a block's code is made for, before it runs as it is; gopro has 35


def compile_blocks(networks: nn.Module, block: type[nn.Module]) -> None:
    """Has all modules of the class `block` compiled when they run first, once for each size.

    There are few sizes: a phase has one on each level. Code for all sizes at once, which torch
    turns to at the second of them, is code that it fails to make here (torch 2.13).
    """
    torch._dynamo.config.recompile_limit = SIZES  # pyright: ignore[reportPrivateUsage] - the documented place
    for module in networks.modules():
        if isinstance(module, block):
            module.compile(dynamic=False)
