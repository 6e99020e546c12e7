"""What an image file says beside its pixels: read, kept, and written as the next format has it."""

import contextlib
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from PIL import ExifTags, Image, TiffImagePlugin, WebPImagePlugin

Value = TypeVar("Value")

TURNS = {  # what EXIF's orientation asks of a viewer
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
DESCRIBING_TAGS = {  # of a TIFF file; the others describe how that file is laid out
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
    *(tag for tag in ExifTags.Base if tag.name.startswith("XP")),  # Windows' title, keywords, …
}
FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
LOSSLESS_TIFF = {"raw", "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd"}
JPEG_QUALITY = 95
WEBP_QUALITY = 95
MAX_DPI = 1_000_000.0
UNREADABLE = (  # what Pillow raises over metadata that are not as they should be
    ArithmeticError,
    AttributeError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says beside its pixels, once they stand upright."""

    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    compression: str | None = None  # of a TIFF file, as Pillow names it; or `lossless` WebP


@dataclass(frozen=True)
class Reading:
    """The metadata of a file, how its pixels are to be turned, and what could not be read."""

    metadata: Metadata
    turn: Image.Transpose | None
    notes: tuple[str, ...]


def read(image: Image.Image, path: Path) -> Reading:
    """Reads the metadata of an opened file. What can't be read is left out, and said."""
    notes: list[str] = []

    def attempt(name: str, function: Callable[[], Value], default: Value) -> Value:
        try:
            return function()
        except UNREADABLE:
            notes.append(f"its {name} could not be read and was left out")
            return default

    orientation = attempt("EXIF orientation", lambda: _orientation(image), 1)
    metadata = Metadata(
        exif=attempt("EXIF", lambda: _exif(image, orientation), None),
        icc_profile=image.info.get("icc_profile"),
        dpi=attempt("resolution", lambda: _dpi(image), None),
        compression=attempt("compression", lambda: _compression(image, path), None),
    )
    return Reading(metadata, TURNS.get(orientation), tuple(notes))


def _orientation(image: Image.Image) -> int:
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _exif(image: Image.Image, orientation: int) -> bytes | None:
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return _described(image.getexif())
    raw = image.info.get("exif")
    if raw is None or orientation not in TURNS:
        return raw  # as it is, with the maker's notes and the thumbnail
    return _turned_upright(raw)


def _described(exif: Image.Exif) -> bytes | None:
    kept = Image.Exif()
    kept.update({tag: exif[tag] for tag in exif if tag in DESCRIBING_TAGS})
    for folder in FOLDERS:
        if values := exif.get_ifd(folder):
            kept[folder] = dict(values)
    return kept.tobytes() if len(kept) else None


def _turned_upright(raw: bytes) -> bytes:
    # Patched where it stands, because maker's notes point into these bytes. The thumbnail is cut
    # off: it would lie on its side from now on.
    patched = bytearray(raw)
    start = 6 if raw.startswith(b"Exif\0\0") else 0
    order = {b"II": "<", b"MM": ">"}[raw[start : start + 2]]
    (offset,) = struct.unpack_from(f"{order}I", raw, start + 4)
    (count,) = struct.unpack_from(f"{order}H", raw, start + offset)
    first = start + offset + 2
    for entry in range(first, first + 12 * count, 12):
        (tag,) = struct.unpack_from(f"{order}H", raw, entry)
        if tag == ExifTags.Base.Orientation:
            struct.pack_into(f"{order}HIHH", patched, entry + 2, 3, 1, 1, 0)
    struct.pack_into(f"{order}I", patched, first + 12 * count, 0)
    return bytes(patched)


def _dpi(image: Image.Image) -> tuple[float, float] | None:
    if "dpi" not in image.info:
        return None
    x, y = (float(value) for value in image.info["dpi"])
    sound = all(math.isfinite(value) and 0 < value <= MAX_DPI for value in (x, y))
    return (x, y) if sound else None


def _compression(image: Image.Image, path: Path) -> str | None:
    if isinstance(image, WebPImagePlugin.WebPImageFile):
        return "lossless" if _is_lossless(path) else None
    return image.info.get("compression")


def _is_lossless(path: Path) -> bool:
    # A WebP file is a RIFF container; the chunk that holds the pixels tells how.
    with path.open("rb") as file:
        file.seek(12)
        while len(head := file.read(8)) == 8:
            kind, size = struct.unpack("<4sI", head)
            if kind in (b"VP8L", b"VP8 "):
                return kind == b"VP8L"
            file.seek(size + size % 2, 1)
    return False


def save_options(metadata: Metadata, format_: str) -> dict[str, Any]:
    """Returns what Pillow's `save` needs to write the metadata, and to lose nothing else."""
    options: dict[str, Any] = {
        "exif": metadata.exif,
        "icc_profile": metadata.icc_profile,
        "dpi": metadata.dpi,
    }
    match format_:
        case "JPEG":
            options |= {"quality": JPEG_QUALITY, "subsampling": "4:4:4", "optimize": True}
        case "WEBP":
            lossless = metadata.compression == "lossless"
            options |= {"quality": WEBP_QUALITY, "method": 4, "lossless": lossless, "exact": True}
        case "TIFF":
            options |= _tiff_options(metadata)
        case _:
            pass
    return {name: value for name, value in options.items() if value is not None}


def _tiff_options(metadata: Metadata) -> dict[str, Any]:
    exif, described = Image.Exif(), None
    with contextlib.suppress(*UNREADABLE):  # better a result without EXIF than none
        exif.load(metadata.exif or b"")
        described = _described(exif)
    compression = metadata.compression
    if any(folder in exif for folder in FOLDERS):
        compression = "raw"  # through libtiff, which compresses, Pillow can't write these folders
    elif compression not in LOSSLESS_TIFF:
        compression = "tiff_adobe_deflate"
    return {"exif": described, "compression": compression}
