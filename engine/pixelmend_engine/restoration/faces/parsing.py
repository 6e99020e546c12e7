"""Which pixels of an aligned face are face: ParseNet, loaded."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from jaxtyping import UInt8
from torch import nn

from pixelmend_engine.restoration.faces.alignment import Square

Parse = Callable[[Square], UInt8[np.ndarray, "512 512"]]
"""Sorts the pixels of an aligned face into ParseNet's classes."""


class Parser:
    """A loaded ParseNet.

    `order` is the order of channels that the network gets: the published pipeline hands it BGR by
    mistake, because it turns around what is RGB already.
    """

    def __init__(
        self, network: nn.Module, device: torch.device, order: Literal["rgb", "bgr"] = "bgr"
    ) -> None:
        self._network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = device
        self._order = order

    def __call__(self, square: Square) -> UInt8[np.ndarray, "512 512"]:
        """Sorts the pixels of an aligned face, sRGB in [0, 1]."""
        face = rearrange(torch.from_numpy(square), "h w c -> 1 c h w").to(self._device) * 2 - 1
        with torch.inference_mode():
            logits = self._network(face if self._order == "rgb" else face.flip(1))
        classes = logits.argmax(dim=1).to(torch.uint8)
        return rearrange(classes, "1 h w -> h w").cpu().numpy()
