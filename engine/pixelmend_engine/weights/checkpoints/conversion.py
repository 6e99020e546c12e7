"""From a file as it was published to one safetensors file with the tensors that are used.

What is in a file decides what it is; its name is not believed. torch comes with this module.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeGuard, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor

from pixelmend.errors import UnreadableCheckpoint
from pixelmend_engine.catalog.weight_files import Shapes, WeightFile, manifest
from pixelmend_engine.weights.checkpoints import archives, reading
from pixelmend_engine.weights.checkpoints.files import SUFFIXES
from pixelmend_engine.weights.checkpoints.reading import StateDict

WRAPPERS = ("params_ema", "params", "state_dict")  # the first that fits: BasicSR's own order
PREFIXES = ("", "module.", "generator.")  # of training on several GPUs; of Lightning's parts
SHOWN = 3  # names in a message; the rest is counted


@dataclass(frozen=True)
class Checkpoint:
    """One checkpoint of a file, an archive or a folder."""

    path: Path
    state_dicts: tuple[StateDict, ...]  # that may be meant: what is wrapped in it, or itself


@contextlib.contextmanager
def open_checkpoints(path: Path, workdir: Path) -> Generator[Sequence[Checkpoint]]:
    """Opens a checkpoint, an archive of such, or a folder of such.

    Raises:
        UnreadableCheckpoint: There is none, or one that is damaged or dangerous.
    """
    with _files(path, workdir) as files:
        for file in files:
            archives.check_sums(file)
        yield [Checkpoint(file, tuple(_state_dicts(reading.open_any(file)))) for file in files]


def select_tensors(file: WeightFile, checkpoints: Sequence[Checkpoint]) -> StateDict:
    """Picks the tensors of a published file, by name and shape, out of what was opened.

    Raises:
        UnreadableCheckpoint: They are not all there, or others are among them.
    """
    selected: StateDict = {}
    for part, name in file.parts.items():
        tensors = _matching(file, part, manifest(name), checkpoints)
        prefix = f"{part}." if part else ""
        selected |= {prefix + key: tensor for key, tensor in tensors.items()}
    return selected


def write(tensors: StateDict, file: WeightFile, path: Path) -> None:
    """Writes tensors as safetensors; they come back with the bits and types that they had."""
    owners: set[int] = set()
    own: StateDict = {}
    for name, tensor in tensors.items():
        storage = tensor.untyped_storage().data_ptr()
        # The format has no two names for one tensor, and no views of a larger one.
        shared = storage in owners or tensor.untyped_storage().nbytes() > tensor.nbytes
        owners.add(storage)
        if shared:
            own[name] = tensor.clone(memory_format=torch.contiguous_format)
        else:
            own[name] = tensor.contiguous()
    try:
        save_file(own, path, metadata={"format": "pt", "id": file.id})
    except SafetensorError as error:  # what its writer makes of a full disk
        raise OSError(None, str(error)) from error


@contextlib.contextmanager
def _files(path: Path, workdir: Path) -> Generator[Sequence[Path]]:
    if path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if p.suffix in SUFFIXES and p.name[0] != "."]
        yield files
        return
    archives.refuse_foreign(path)
    if not archives.is_archive(path):
        yield [path]
        return
    folder = Path(tempfile.mkdtemp(prefix=f"unpacked-{os.getpid()}-", dir=workdir))
    try:
        yield archives.unpack(path, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _state_dicts(loaded: object) -> Iterator[StateDict]:
    if not isinstance(loaded, Mapping):
        return
    entries = cast("Mapping[object, object]", loaded)
    for mapping in [*(entries.get(wrapper) for wrapper in WRAPPERS), entries]:
        if isinstance(mapping, Mapping):
            yield {
                key: value
                for key, value in cast("Mapping[object, object]", mapping).items()
                if isinstance(key, str) and _is_plain(value)
            }


def _is_plain(value: object) -> TypeGuard[Tensor]:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"  # others hold nothing
        and not value.is_quantized
    )


def _matching(
    file: WeightFile, part: str, shapes: Shapes, checkpoints: Sequence[Checkpoint]
) -> StateDict:
    problems: list[tuple[int, str]] = []
    own = [f"{part}."] if part else []
    for checkpoint in checkpoints:
        for tensors in checkpoint.state_dicts:
            for prefix in [*own, *PREFIXES]:
                named = {
                    key.removeprefix(prefix): value
                    for key, value in tensors.items()
                    if key.startswith(prefix)
                }
                wrong = _differences(shapes, named, drops_extras=file.drops_extras)
                if not wrong:
                    return {key: named[key] for key in shapes}
                problems.append((len(wrong), _words(wrong)))
    nearest = min(problems, default=(0, "there is no checkpoint in it"))[1]
    what = f"of its {part}, {nearest}" if part else nearest
    raise UnreadableCheckpoint(
        f"The weights are not those of `{file.id}`: {what}",
        hint=f"Look for `{file.name}` at {file.sources[0].page}",
    )


def _differences(shapes: Shapes, named: StateDict, *, drops_extras: bool) -> list[str]:
    missing = [f"{key} is missing" for key in shapes.keys() - named.keys()]
    extra = [] if drops_extras else [f"{key} is unknown" for key in named.keys() - shapes.keys()]
    other = [
        f"{key} is {list(named[key].shape)}, not {list(shape)}"
        for key, shape in shapes.items()
        if key in named and tuple(named[key].shape) != shape
    ]
    return sorted(missing) + sorted(extra) + other


def _words(wrong: Sequence[str]) -> str:
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    return ", ".join(wrong[:SHOWN]) + more
