"""The header of a safetensors file: names and shapes, read and checked without torch."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pixelmend.errors import UnreadableCheckpoint

LENGTH_BYTES = 8  # of the header's length, which comes before it


def is_safetensors(path: Path) -> bool:
    """Whether it is meant to be a safetensors file: by its name, or by how it begins."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(LENGTH_BYTES + 1)[LENGTH_BYTES:] == b"{"


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Reads the names and shapes of a file's tensors, and checks that all their bytes are there.

    Nothing else is read; the format's own reader takes headers of 100 MB at most.

    Raises:
        UnreadableCheckpoint: The file is cut off, holds nothing, or is no safetensors file.
    """
    try:
        opened: Any = safe_open(path, framework="np")  # its stubs say nothing
        with opened as file:
            shapes = {str(name): tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise _damaged(path, _reason(str(error))) from error
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    if not shapes:
        raise _damaged(path, "it holds no tensors")
    return shapes


def _reason(message: str) -> str:
    # In the user's words; the reader's own name its types.
    if "not fully covered" in message:
        return "it does not have the bytes that its header names"
    if "header too" in message or "header length" in message:
        return "its header is cut off"
    return "its header is none"


def _damaged(path: Path, why: str) -> UnreadableCheckpoint:
    return UnreadableCheckpoint(
        f"The weights file is damaged, or no weights file ({why}): `{path.name}`",
        hint="Download it again",
    )
