"""Golden vectors of the face networks: weights and pictures made by a recipe, not stored."""

import json
import zlib
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor, nn

HERE = Path(__file__).parent / "diffbir"
Network = TypeVar("Network", bound=nn.Module)


class Golden:
    """What the published code computed."""

    def __init__(self, name: str) -> None:
        self.facts: dict[str, Any] = json.loads((HERE / f"{name}.json").read_text())
        self.tensors = load_file(HERE / f"{name}.safetensors")

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    @property
    def sha256(self) -> str:
        """What `recipe.digest` gives for the network that the published code ran."""
        return self.facts["weights"]["sha256_sorted_name_plus_f32le_bytes"]

    def array(self, name: str) -> np.ndarray:
        """Returns a tensor as numpy has it."""
        return self.tensors[name].numpy()


def filled(network: Network, prefix: str) -> Network:
    """Fills a network by the recipe, and freezes it."""
    state = {
        key: torch.zeros_like(tensor)
        if key.endswith("num_batches_tracked")
        else _tensor(prefix + key, tuple(tensor.shape))
        for key, tensor in network.state_dict().items()
    }
    network.load_state_dict(state, strict=True)
    return network.eval().requires_grad_(requires_grad=False)


def _tensor(name: str, shape: tuple[int, ...]) -> Tensor:
    draws = np.random.RandomState(zlib.crc32(name.encode()))
    values = draws.standard_normal(int(np.prod(shape))).astype(np.float32).reshape(shape)
    tenth = np.float32(0.1)
    if name.endswith("running_var"):
        values = 1 + tenth * np.abs(values)
    elif len(shape) > 1:
        values *= np.float32(1 / np.sqrt(np.prod(shape[1:])))
    elif name.endswith("weight"):
        values = 1 + tenth * values
    else:
        values = tenth * values
    return torch.from_numpy(np.asarray(values, np.float32))


def smooth(seed: int, height: int, width: int) -> np.ndarray:
    """Makes a picture of waves and a little noise: float32, `h w 3`, in [0, 1]."""
    draws = np.random.RandomState(seed)
    y, x = np.meshgrid(np.arange(height) / height, np.arange(width) / width, indexing="ij")
    channels: list[np.ndarray] = []
    for _ in range(3):
        waves = np.zeros((height, width))
        for _ in range(6):
            across, down = draws.uniform(-6, 6, 2)
            phase = draws.uniform(0, 2 * np.pi)
            size = draws.uniform(0.3, 1)
            waves += size * np.sin(2 * np.pi * (across * x + down * y) + phase)
        channels.append((waves - waves.min()) / (waves.max() - waves.min()))
    noise = 0.02 * draws.standard_normal((1, 3, height, width))
    picture = np.clip(np.stack(channels) + noise[0], 0, 1).astype(np.float32)
    return np.ascontiguousarray(picture.transpose(1, 2, 0))
