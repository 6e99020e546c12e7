"""The header of a safetensors file: names and shapes, read and checked without torch."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pixelmend.errors import UnreadableCheckpoint

LENGTH_BYTES = 8  # of the header's length, which comes before it
MAX_HEADER = 1024 * 1024  # bytes; the longest of a published file has a sixth of that
ESCAPED = 6  # bytes that JSON may need for a character
ENTRY = 256  # bytes of a tensor's type, shape and place, at most
METADATA = 16 * 1024  # bytes beside the tensors


def is_safetensors(path: Path) -> bool:
    """Whether it is meant to be a safetensors file: by its name, or by how it begins."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(LENGTH_BYTES + 1)[LENGTH_BYTES:] == b"{"


def max_bytes(expected: Mapping[str, tuple[int, ...]]) -> int:
    """Returns how long a header can be that has these names and no others."""
    return METADATA + sum(ESCAPED * len(name) + ENTRY for name in expected)


def check_length(path: Path, max_header: int = MAX_HEADER) -> None:
    """Refuses a header that is longer than those of weights, before it is parsed.

    The format's own readers take 100 MB, and parse them for a minute.

    Raises:
        UnreadableCheckpoint: It is longer than `max_header` bytes.
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
    if max_header < length <= path.stat().st_size:  # else it is cut off, as the reader will say
        raise _damaged(path, f"its header has {length} bytes, where weights have fewer")


def shapes(path: Path, max_header: int = MAX_HEADER) -> dict[str, tuple[int, ...]]:
    """Reads the names and shapes of a file's tensors, and checks that all their bytes are there.

    Nothing else is read.

    Raises:
        UnreadableCheckpoint: The file is cut off, holds nothing, is no safetensors file, or has a
            header of more than `max_header` bytes.
    """
    try:
        check_length(path, max_header)
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
