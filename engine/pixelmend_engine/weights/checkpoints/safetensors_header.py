"""The header of a safetensors file: names and shapes, read and checked without torch."""

import json
import math
import struct
from pathlib import Path
from typing import Any, cast

from pixelmend.errors import UnreadableCheckpoint

LENGTH = struct.Struct("<Q")
MAX_HEADER = 100_000_000  # bytes, as in the format's own reader
SAMPLE_BYTES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}


def is_safetensors(path: Path) -> bool:
    """Whether it is meant to be a safetensors file: by its name, or by how it begins."""
    if path.suffix == ".safetensors":
        return True
    with path.open("rb") as file:
        return file.read(LENGTH.size + 1)[LENGTH.size :] == b"{"


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Reads the names and shapes of a file's tensors, and checks that all their bytes are there.

    Raises:
        UnreadableCheckpoint: The file is cut off, or no safetensors file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            start = file.read(LENGTH.size)
            length = LENGTH.unpack(start)[0] if len(start) == LENGTH.size else 0
            if not 0 < length <= min(MAX_HEADER, size - LENGTH.size):
                raise _damaged(path, "its header is cut off")
            header: Any = json.loads(file.read(length))
        return _shapes(header, size - LENGTH.size - length)
    except OSError as error:
        raise _damaged(path, error.strerror or str(error)) from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise _damaged(path, "its header is none") from error
    except _Elsewhere as error:
        raise _damaged(path, "it does not have the bytes that its header names") from error


class _Elsewhere(Exception):
    pass


def _shapes(header: dict[str, Any], data_bytes: int) -> dict[str, tuple[int, ...]]:
    header.pop("__metadata__", None)
    found: dict[str, tuple[int, ...]] = {}
    expected = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        shape = tuple(int(side) for side in cast("list[int]", entry["shape"]))
        begin, end = entry["data_offsets"]
        if begin != expected or end - begin != math.prod(shape) * SAMPLE_BYTES[entry["dtype"]]:
            raise _Elsewhere
        expected = end
        found[name] = shape
    if expected != data_bytes or not found:
        raise _Elsewhere
    return found


def _damaged(path: Path, why: str) -> UnreadableCheckpoint:
    return UnreadableCheckpoint(
        f"The weights file is damaged, or no weights file ({why}): `{path.name}`",
        hint="Download it again",
    )
