"""Going on with the weights of a network that had fewer blocks at its levels."""

import logging
from collections.abc import Iterable
from typing import cast

import torch
from torch import nn

from pixelmend_engine.weights.checkpoints.reading import StateDict

logger = logging.getLogger(__name__)

BRANCH_OUTPUT = "project_out.weight"  # ends both branches of a transformer block


def grow_depth(state: StateDict, network: nn.Module, block: type[nn.Module]) -> StateDict:
    """Returns a network's weights with those of the blocks that a deeper `network` has besides.

    A new block is a copy of the last one of its level, whose branches put out zeros: the deeper
    network begins by restoring exactly what the other did. Levels of which `state` has no block
    are left as they are. Source of the idea: Chen et al., Net2Net, arXiv:1511.05641, section 2.3.
    """
    grown = dict(state)
    new_blocks = 0
    parts = cast("Iterable[tuple[str, nn.Module]]", network.named_modules())
    for path, part in parts:
        if not isinstance(part, block) or any(key.startswith(f"{path}.") for key in grown):
            continue
        level, _, number = path.rpartition(".")
        last = f"{level}.{int(number) - 1}."
        copied = {
            f"{path}.{key.removeprefix(last)}": tensor
            for key, tensor in grown.items()
            if key.startswith(last)
        }
        new_blocks += bool(copied)
        for key, tensor in copied.items():
            grown[key] = torch.zeros_like(tensor) if key.endswith(BRANCH_OUTPUT) else tensor
    if new_blocks:
        # Said aloud, as blocks may also be missing by mistake.
        logger.warning(
            "What it starts from has fewer blocks: %d new ones do nothing at first", new_blocks
        )
    return grown
