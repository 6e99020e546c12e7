"""Image files in and out: pixels, and everything a file says beside them."""

import contextlib
import os
import secrets
import warnings
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import ExifTags, Image, ImageOps, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from pixelmend.errors import BadImage, OutputExists, OutputFailed, UnsupportedImage

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
READABLE = {*FORMATS.values(), "MPO"}  # MPO: a JPEG as some phones write it, with further pictures
READABLE_NAMES = "JPEG, PNG, TIFF and WebP"

MIN_SIDE = 8  # pixels; what a network pads by mirroring must be shorter than the side
MAX_PIXELS = 150_000_000  # the largest cameras of today; more is likely no photograph
JPEG_QUALITY = 95
WEBP_QUALITY = 95
LOSSLESS_TIFF = {
    "raw",
    "packbits",
    "tiff_lzw",
    "tiff_adobe_deflate",
    "tiff_deflate",
    "lzma",
    "zstd",
}
TIFF_BITS_PER_SAMPLE = 258
PNG_DEPTH_OFFSET = 24  # bytes into the file; IHDR always comes first
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


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says beside its pixels, as it is written back."""

    exif: bytes | None = None
    icc_profile: bytes | None = None
    dpi: tuple[float, float] | None = None
    tiff_compression: str | None = None


@dataclass(frozen=True, kw_only=True)
class Photo:
    """An 8-bit picture, upright, with its file's metadata."""

    pixels: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None = None
    gray: bool = False  # the file has one channel; the three here are equal
    metadata: Metadata = field(default_factory=Metadata)
    notes: tuple[str, ...] = ()  # what the user should know was changed on the way


def read(path: Path) -> Photo:
    """Reads a JPEG, PNG, TIFF or WebP file: 8 bits per channel, gray or RGB, with alpha or not.

    The orientation that EXIF asks for is applied, and taken out of the metadata.

    Raises:
        BadImage: The file is missing, damaged, no image, too small or too large.
        UnsupportedImage: It is sound, but can't be restored without losing part of it.
    """
    with _readable(path) as image:
        _refuse_unsupported(image, path)
        width, height = image.size
        if min(width, height) < MIN_SIDE:
            raise BadImage(
                f"The picture is too small ({width} x {height} pixels): `{path.name}`",
                hint=f"Each side needs at least {MIN_SIDE} pixels",
            )
        if width * height > MAX_PIXELS:
            raise _too_large(path)
        image.load()
        notes: list[str] = []
        if image.format == "MPO":
            notes.append("only the first of the file's pictures was restored")
        if image.mode in ("P", "1"):
            notes.append("the palette was replaced by full color")
        return _photo(image, notes)


@contextlib.contextmanager
def _readable(path: Path) -> Generator[Image.Image]:
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures; the limit here is our own.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                yield image
    except FileNotFoundError as error:
        raise BadImage(f"There is no file `{path}`", hint="Check the path") from error
    except IsADirectoryError as error:
        raise BadImage(
            f"`{path}` is a folder", hint=f"Name its files, for example `{path / '*.jpg'}`"
        ) from error
    except PermissionError as error:
        raise BadImage(
            f"`{path}` may not be read", hint="Check the permissions of the file"
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path) from error
    except UnidentifiedImageError as error:
        empty = path.stat().st_size == 0
        raise BadImage(
            f"The file is empty: `{path.name}`" if empty else f"`{path.name}` is no image",
            hint=f"Pixelmend reads {READABLE_NAMES}",
        ) from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:  # whatever a decoder stumbles on
        raise BadImage(
            f"The image is damaged, or cut off: `{path.name}`",
            hint="Copy the file again from where it came, or open and save it in an image editor",
        ) from error


def _too_large(path: Path) -> BadImage:
    return BadImage(
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels: `{path.name}`",
        hint="Restore it in parts",
    )


def _refuse_unsupported(image: Image.Image, path: Path) -> None:
    if image.format not in READABLE:
        raise UnsupportedImage(
            f"`{path.name}` is in the format {image.format}",
            hint=f"Pixelmend reads {READABLE_NAMES}; save it as one of these",
        )
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise UnsupportedImage(
            f"`{path.name}` holds several pictures: pages, or an animation",
            hint="Save the picture that you want restored to a file of its own",
        )
    if _bits(image, path) > 8 or image.mode in ("I", "F") or image.mode.startswith("I;16"):
        raise UnsupportedImage(
            f"`{path.name}` has more than 8 bits per channel, which would be lost",
            hint="Save a copy with 8 bits per channel and restore that",
        )
    if image.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        raise UnsupportedImage(
            f"`{path.name}` is not in RGB or gray, but in {image.mode}",
            hint="Convert it to RGB in an image editor",
        )


def _bits(image: Image.Image, path: Path) -> int:
    # Pillow reduces 16-bit RGB to 8 without a word: the file itself has to be asked.
    if isinstance(image, PngImagePlugin.PngImageFile):
        with path.open("rb") as file:
            return file.read(PNG_DEPTH_OFFSET + 1)[PNG_DEPTH_OFFSET]
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        return max(image.tag_v2.get(TIFF_BITS_PER_SAMPLE, (8,)))
    return 8


def _photo(image: Image.Image, notes: list[str]) -> Photo:
    info = dict(image.info)
    upright = ImageOps.exif_transpose(image)
    has_alpha = upright.has_transparency_data
    gray = upright.mode in ("1", "L", "LA")
    alpha = np.array(upright.convert("RGBA").getchannel("A")) if has_alpha else None
    dpi = info.get("dpi")
    return Photo(
        pixels=np.array(upright.convert("RGB")),
        alpha=alpha,
        gray=gray,
        metadata=Metadata(
            exif=_exif(image),
            icc_profile=info.get("icc_profile"),
            dpi=(float(dpi[0]), float(dpi[1])) if dpi else None,
            tiff_compression=info.get("compression"),
        ),
        notes=tuple(notes),
    )


def _exif(image: Image.Image) -> bytes | None:
    exif = image.getexif()
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        kept = Image.Exif()
        kept.update({tag: exif[tag] for tag in exif if tag in DESCRIBING_TAGS})
        for folder in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
            if values := exif.get_ifd(folder):
                kept[folder] = dict(values)
        return kept.tobytes() if len(kept) else None
    if ExifTags.Base.Orientation in exif:
        del exif[ExifTags.Base.Orientation]
        return exif.tobytes()
    return image.info.get("exif")  # as it is, with the maker's notes and the thumbnail


def check_format(photo: Photo, path: Path) -> None:
    """Makes sure, before the work, that a picture can be written to a file of that name.

    Raises:
        OutputFailed: Its ending names no format that we write, or one that can't hold the picture.
    """
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise OutputFailed(
            f"Pixelmend does not write files that end in `{path.suffix}`",
            hint=f"Use one of {', '.join(FORMATS)}",
        )
    if photo.alpha is not None and format_ == "JPEG":
        raise OutputFailed(
            "A JPEG file can't hold the picture's transparency",
            hint="Name a .png, .tif or .webp file with -o",
        )


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool) -> Generator[Path]:
    """Opens a temporary file beside `path`, which becomes `path` when the block ends well.

    When it does not, the temporary file is gone and `path` is as it was.

    Raises:
        OutputExists: `path` is there, and `overwrite` is not set.
        OutputFailed: Its folder is missing or can't be written to.
    """
    if path.exists() and not overwrite:
        raise OutputExists(
            f"`{path}` is there already",
            hint="Use --overwrite to replace it, or -o to name another",
        )
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part{path.suffix}")
    with _as_output_failed(path):
        # Opened once here, so that a folder that can't be written to is found before the work.
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    try:
        yield temporary
        with _as_output_failed(path):
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write(photo: Photo, path: Path) -> None:
    """Writes a picture in the format that the file's ending says, with all of its metadata.

    Raises:
        OutputFailed: The disk is full.
    """
    format_ = FORMATS[path.suffix.lower()]
    with _as_output_failed(path), path.open("wb") as file:
        _image(photo).save(file, format_, **_save_options(photo.metadata, format_))
        file.flush()
        os.fsync(file.fileno())


def _image(photo: Photo) -> Image.Image:
    image = Image.fromarray(photo.pixels)
    if photo.gray:
        image = image.convert("L")
    if photo.alpha is not None:
        image.putalpha(Image.fromarray(photo.alpha))
    return image


def _save_options(metadata: Metadata, format_: str) -> dict[str, Any]:
    options: dict[str, Any] = {
        "exif": metadata.exif,
        "icc_profile": metadata.icc_profile,
        "dpi": metadata.dpi,
    }
    match format_:
        case "JPEG":
            options |= {"quality": JPEG_QUALITY, "subsampling": "4:4:4", "optimize": True}
        case "WEBP":
            options |= {"quality": WEBP_QUALITY, "method": 4}
        case "TIFF":
            options["compression"] = _tiff_compression(metadata)
        case _:
            pass
    return {name: value for name, value in options.items() if value is not None}


def _tiff_compression(metadata: Metadata) -> str:
    if metadata.exif:
        return "raw"  # through libtiff, which compresses, Pillow can't write EXIF's own folders
    kept = metadata.tiff_compression in LOSSLESS_TIFF
    return metadata.tiff_compression or "raw" if kept else "tiff_adobe_deflate"


@contextlib.contextmanager
def _as_output_failed(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"`{path}` can't be written: {error.strerror or error}",
            hint="Check that the folder exists, may be written to and has space, or use --out-dir",
        ) from error
