"""DiffBIR's golden vectors: networks whose weights are made by a recipe instead of stored."""

import dataclasses
import hashlib
import json
import zlib
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor, nn

from pixelmend_engine.catalog import sizes
from pixelmend_engine.catalog.diffbir import DiffBIRConfig
from pixelmend_engine.weights.checkpoints.reading import StateDict

HERE = Path(__file__).parent / "diffbir"
Network = TypeVar("Network", bound=nn.Module)

SWINIR = sizes.SwinIRSizes(channels=24, blocks=(2, 2), heads=2)
RRDB = sizes.RRDBSizes(channels=16, blocks=2, growth=8)
SCUNET = sizes.SCUNetSizes(blocks=(2, 2, 1, 1, 1, 2, 2))
UNET = sizes.UNetSizes(channels=32, head_channels=16, context=64)
AUTOENCODER = sizes.AutoencoderSizes(channels=32)
TEXT = sizes.TextEncoderSizes(width=64, heads=4, layers=3)
CHANGED: dict[str, tuple[float, float]] = {  # after the recipe: times this, and this more
    "bsrnet.conv_last.weight": (0.5, 0.0),
    "bsrnet.conv_last.bias": (1.0, 0.5),
    "scunet.m_tail.0.weight": (0.005, 0.0),
}


class Golden:
    """What the published code computed with one of the tiny networks."""

    def __init__(self, name: str) -> None:
        self.facts: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
        self.tensors = load_file(HERE / f"{name}.safetensors")

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]


def recipe_tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    """Makes one tensor from the hash of its published name."""
    draws = np.random.RandomState(zlib.crc32(name.encode()))
    values = draws.standard_normal(int(np.prod(shape))).astype(np.float32).reshape(shape)
    if len(shape) > 1:
        values *= np.float32(1 / np.sqrt(np.prod(shape[1:])))
    else:
        values = np.float32(0.1) * values
        if name.endswith("weight") and shape:
            values = np.float32(1) + values
    times, more = (np.float32(number) for number in CHANGED.get(name, (1.0, 0.0)))
    return torch.from_numpy(np.asarray(values * times + more))


def recipe_state(network: nn.Module, prefix: str) -> StateDict:
    """Makes all tensors of a network."""
    return {
        key: recipe_tensor(prefix + key, tuple(tensor.shape))
        for key, tensor in network.state_dict().items()
    }


def filled(network: Network, prefix: str) -> Network:
    """Fills a network by the recipe, and freezes it."""
    network.load_state_dict(recipe_state(network, prefix), strict=True)
    return network.eval().requires_grad_(requires_grad=False)


def digest(state: StateDict) -> str:
    """Hashes names and values, as the golden files do; counters of batches are left out."""
    digest = hashlib.sha256()
    for key, tensor in sorted(state.items()):
        if not key.endswith("num_batches_tracked"):
            digest.update(key.encode())
            digest.update(tensor.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def tiny(published: DiffBIRConfig) -> DiffBIRConfig:
    """Returns a published system in the sizes of the golden vectors."""
    return dataclasses.replace(
        published,
        unet=UNET,
        autoencoder=AUTOENCODER,
        text=TEXT,
        swinir=SWINIR,
        bsrnet=RRDB,
        scunet=SCUNET,
    )
