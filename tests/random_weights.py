"""Weights of DiffIR's models with random numbers in them.

What random weights put out says nothing of a model; size, place, metadata and errors say a lot of
the program. The figures of the networks are in tests/golden.
"""

from pathlib import Path

import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend_engine.catalog import weight_files
from pixelmend_engine.catalog.diffir import DiffIRConfig
from pixelmend_engine.catalog.registry import find
from pixelmend_engine.models.diffir import DiffIR
from pixelmend_engine.weights import store


def write(model_id: str, path: Path) -> Path:
    """Writes them, in half precision, unless they are there."""
    if not path.exists():
        config = find(model_id).config
        assert isinstance(config, DiffIRConfig)
        torch.manual_seed(0)
        state = DiffIR(config).state_dict()
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: value.half().contiguous() for name, value in state.items()}, path)
    return path


def install(model_id: str, models_dir: Path) -> None:
    """Writes them to where the program has a model's weights."""
    (file,) = weight_files.needed(find(model_id))
    write(model_id, store.path_of(file.id, models_dir))
