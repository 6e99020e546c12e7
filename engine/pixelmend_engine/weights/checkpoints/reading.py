"""Reading checkpoints: files in, tensors by name out; nothing in them is ever executed."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor, nn

from pixelmend.errors import UnreadableCheckpoint, WeightsNotReadable
from pixelmend_engine.weights.checkpoints import pickles, safetensors_header

StateDict = dict[str, Tensor]

SHOWN = 3  # names in a message; the rest is counted


def read(path: Path, part: str | None = None) -> StateDict:
    """Reads a `.safetensors` file, or a pickled one that holds tensors.

    They may stand alone, or under `params` or `params_ema`, as BasicSR writes them, or under
    `state_dict`, as Lightning does: of what stands there the `part`, or where none is named the
    generator, or all if nothing is called so.

    Where training kept an average of the weights (`params_ema`) beside them, that is taken.

    Raises:
        UnreadableCheckpoint: The file is damaged, or holds something else than tensors by name.
    """
    return _tensors(open_any(path), path.name, part)


def open_any(path: Path) -> object:
    """Reads whatever a checkpoint holds; nothing in it is executed.

    Raises:
        UnreadableCheckpoint: The file is damaged, or names what no weights need, or so many
            names that it holds no weights.
    """
    try:
        if not safetensors_header.is_safetensors(path):
            return pickles.load(path)
        safetensors_header.check_length(path)
        return load_file(path)
    except (SafetensorError, pickles.NoCheckpoint) as error:
        raise UnreadableCheckpoint(
            f"The weights file is damaged, or no weights file: `{path.name}`",
            hint="Download it again, or unpack it first if it is an archive",
        ) from error
    except PermissionError as error:
        raise WeightsNotReadable(
            f"You may not read the weights at `{path}`", hint="Ask whose they are to let you"
        ) from error
    except OSError as error:
        raise UnreadableCheckpoint(
            f"The weights file can't be read ({error.strerror or error}): `{path.name}`",
            hint="Check the path and its permissions",
        ) from error


def _tensors(loaded: object, name: str, part: str | None) -> StateDict:
    entries: Mapping[object, object] = {}
    if isinstance(loaded, Mapping):
        entries = cast("Mapping[object, object]", loaded)
    if entries and set(entries) <= {"params", "params_ema"}:
        inner = entries.get("params_ema", entries.get("params"))
        entries = cast("Mapping[object, object]", inner) if isinstance(inner, Mapping) else {}
    elif isinstance(inner := entries.get("state_dict"), Mapping):
        kept = cast("Mapping[object, object]", inner)
        entries = _of_part(kept, part or "generator")
        if part is None and not entries:
            entries = kept
    state: StateDict = {
        # Training on several GPUs leaves this prefix; published loaders strip it too.
        key.removeprefix("module."): value
        for key, value in entries.items()
        if isinstance(key, str) and isinstance(value, Tensor)
    }
    if not state or len(state) != len(entries):
        raise UnreadableCheckpoint(
            f"The file holds no network, or more than tensors by name: `{name}`",
            hint="Point --weights at the published files of the model",
        )
    return state


def _of_part(entries: Mapping[object, object], part: str) -> Mapping[object, object]:
    return {
        key.removeprefix(f"{part}."): value
        for key, value in entries.items()
        if isinstance(key, str) and key.startswith(f"{part}.")
    }


def fill_strictly(networks: nn.Module, states: Mapping[str, StateDict]) -> None:
    """Puts a checkpoint's tensors, in float32, into networks that lie on the meta device.

    Raises:
        UnreadableCheckpoint: A name is missing or unknown, or a shape differs.
    """
    tensors = {
        f"{name}.{key}": value for name, state in states.items() for key, value in state.items()
    }
    expected = networks.state_dict()
    missing = sorted(expected.keys() - tensors.keys())
    extra = sorted(tensors.keys() - expected.keys())
    shapes = [
        f"{key} is {list(tensors[key].shape)}, not {list(expected[key].shape)}"
        for key in expected
        if key in tensors and tensors[key].shape != expected[key].shape
    ]
    absent = sorted({key.partition(".")[0] for key in missing} - states.keys())
    for problem, names in (
        ("the networks are not all there, missing", absent),
        ("tensors are missing", missing),
        ("tensors are there that the model does not have", extra),
        ("shapes differ", shapes),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            raise UnreadableCheckpoint(
                f"The weights are not those of this model: {problem}: "
                f"{', '.join(names[:SHOWN])}{more}",
                hint="Point --weights at the files of the model that you named with --model",
            )
    # Copied, because tensors mapped from a file lie at any address, and some kernels sum in an
    # order that depends on it: the same weights in two layouts would not give the same bits.
    filled = {key: value.to(torch.float32, copy=True) for key, value in tensors.items()}
    networks.load_state_dict(filled, assign=True)


def fill_parts(
    parts: Mapping[str, nn.Module], names: Iterable[str], states: Mapping[str, StateDict]
) -> None:
    """Fills the named networks alone, strictly; a checkpoint may hold others beside them.

    Raises:
        UnreadableCheckpoint: See `fill_strictly`.
    """
    selected = nn.ModuleDict({name: parts[name] for name in names})
    fill_strictly(selected, {name: states[name] for name in selected if name in states})
