"""Image files in and out: pixels, and everything a file says beside them."""

import contextlib
import dataclasses
import os
import secrets
import struct
import warnings
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError

from pixelmend.errors import BadImage, OutOfMemory, OutputExists, OutputFailed, UnsupportedImage
from pixelmend.wire import MAX_PROFILE, Raster
from pixelmend_engine import metadata
from pixelmend_engine.metadata import Metadata

FORMATS = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
}
READABLE = {*FORMATS.values(), "MPO"}  # MPO: a JPEG as some phones write it, with further pictures
READABLE_NAMES = "JPEG, PNG, TIFF and WebP"
SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"\xff\xd8\xff", b"\x89PNG", b"RIFF")

MIN_SIDE = 8  # pixels; what a network pads by mirroring must be shorter than the side
MAX_PIXELS = 150_000_000  # the largest cameras of today; more is likely no photograph
MAX_SIDES = {"JPEG": 65_500, "WEBP": 16_383}  # pixels, what the codecs write
MAX_JPEG_EXIF = 65_533  # bytes, what one of a JPEG file's segments holds
TIFF_BITS_PER_SAMPLE = 258
PNG_DEPTH_OFFSET = 24  # bytes into the file; IHDR always comes first
BROKEN = (  # what decoders and encoders raise besides OSError, over files and values they reject
    AttributeError,
    EOFError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


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
        OutOfMemory: Its pixels do not fit.
    """
    if path.is_dir():
        raise BadImage(
            f"`{path}` is a folder", hint=f"Name its files, for example `{path / '*.jpg'}`"
        )
    with warnings.catch_warnings():
        # Pillow warns of large pictures and odd metadata; the limits here are our own.
        warnings.simplefilter("ignore")
        with _decoding(path), Image.open(path) as image:
            _refuse_unsupported(image, path)
            check_size(image.width, image.height, path.name)
            image.load()
            return _photo(image, path)


@contextlib.contextmanager
def _decoding(path: Path) -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise BadImage(f"There is no file `{path}`", hint="Check the path") from error
    except PermissionError as error:
        raise BadImage(
            f"`{path}` may not be read", hint="Check the permissions of the file"
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_large(path.name) from error
    except UnidentifiedImageError as error:
        raise _unidentified(path) from error
    except MemoryError as error:
        raise OutOfMemory(
            f"There is no memory for the pixels of `{path.name}`", hint="Close other programs"
        ) from error
    except (OSError, *BROKEN) as error:
        raise BadImage(
            f"The image is damaged, or cut off: `{path.name}`",
            hint="Copy the file again from where it came, or open and save it in an image editor",
        ) from error


def _unidentified(path: Path) -> BadImage | UnsupportedImage:
    with path.open("rb") as file:
        start = file.read(12)
    if start[4:8] == b"ftyp":
        return UnsupportedImage(
            f"`{path.name}` is a HEIC or AVIF picture", hint="Export it as JPEG or TIFF first"
        )
    if start.startswith(SIGNATURES):
        return UnsupportedImage(
            f"`{path.name}` is damaged, or of a rare kind, such as more than 8 bits per channel",
            hint="Open it in an image editor and save a copy with 8 bits per channel",
        )
    return BadImage(
        f"`{path.name}` is no image" if start else f"The file is empty: `{path.name}`",
        hint=f"Pixelmend reads {READABLE_NAMES}",
    )


def check_size(width: int, height: int, name: str) -> None:
    """Makes sure that a picture is of a size that can be restored.

    Raises:
        BadImage: It is too small or too large.
    """
    if min(width, height) < MIN_SIDE:
        raise BadImage(
            f"The picture is too small ({width} x {height} pixels): `{name}`",
            hint=f"Each side needs at least {MIN_SIDE} pixels",
        )
    if width * height > MAX_PIXELS:
        raise _too_large(name)


def _too_large(name: str) -> BadImage:
    return BadImage(
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels: `{name}`",
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


def _photo(image: Image.Image, path: Path) -> Photo:
    reading = metadata.read(image, path)
    notes = list(reading.notes)
    named = FORMATS.get(path.suffix.lower(), "no format")
    if named != image.format and image.format in FORMATS.values():
        notes.append(f"it is a {image.format} file, though its name says {named}")
    if image.format == "MPO":
        notes.append("only the first of the file's pictures was restored")
    if image.mode == "P":
        notes.append("the palette was replaced by full color")
    if image.mode == "1":
        notes.append("black and white were replaced by shades of gray")
    gray = image.mode in ("1", "L", "LA")
    alpha = None
    if image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = _upright(image.getchannel("A"), reading)
    pixels = _upright(image.convert("RGB"), reading)
    return Photo(
        pixels=pixels, alpha=alpha, gray=gray, metadata=reading.metadata, notes=tuple(notes)
    )


def _upright(image: Image.Image, reading: metadata.Reading) -> UInt8[np.ndarray, "..."]:
    return np.array(image if reading.turn is None else image.transpose(reading.turn))


def read_mask(path: Path) -> UInt8[np.ndarray, "h w"]:
    """Reads which parts of a picture are to be restored: white are, black are not.

    Raises:
        BadImage: As for `read`.
        UnsupportedImage: As for `read`.
    """
    return np.array(Image.fromarray(read(path).pixels).convert("L"))


def to_raster(photo: Photo, mask: UInt8[np.ndarray, "h w"] | None = None) -> Raster:
    """Turns a picture into what travels to the engine.

    Raises:
        BadImage: The mask has another size.
    """
    if mask is not None and mask.shape != photo.pixels.shape[:2]:
        (height, width), (picture_height, picture_width) = mask.shape, photo.pixels.shape[:2]
        raise BadImage(
            f"The mask has {width} x {height} pixels, the picture "
            f"{picture_width} x {picture_height}",
            hint="Give a mask of the picture's size, upright",
        )
    color = photo.pixels[..., :1] if photo.gray else photo.pixels
    alpha = [] if photo.alpha is None else [photo.alpha[..., None]]
    samples = np.ascontiguousarray(np.concatenate([color, *alpha], axis=2))
    height, width, _ = samples.shape
    profile = photo.metadata.icc_profile
    return Raster(
        width=width,
        height=height,
        samples="U8",
        channels=("Y" if photo.gray else "RGB") + ("A" if alpha else ""),
        data=samples.data.cast("B"),
        mask=None if mask is None else np.ascontiguousarray(mask).data.cast("B"),
        color_profile=profile if profile and len(profile) <= MAX_PROFILE else None,
    )


def with_pixels(photo: Photo, raster: Raster) -> Photo:
    """Returns the picture with what came back from the engine in place of its own pixels."""
    samples = np.frombuffer(raster.data, np.uint8).reshape(raster.height, raster.width, -1)
    color = samples[..., :1].repeat(3, axis=2) if photo.gray else samples[..., :3]
    return dataclasses.replace(photo, pixels=np.ascontiguousarray(color))


def check_format(photo: Photo, path: Path) -> None:
    """Makes sure, before the work, that a picture can be written to a file of that name.

    Raises:
        OutputFailed: Its ending names no format that we write, or one that can't hold the picture.
    """
    if path.is_dir():
        raise OutputFailed(f"`{path}` is a folder", hint="Name a file, or use --out-dir")
    format_ = FORMATS.get(path.suffix.lower())
    if not path.suffix:
        raise OutputFailed(
            f"The name `{path.name}` has no ending that says which format to write",
            hint=f"Name the result with -o, for example `-o {path.name}.jpg`",
        )
    if format_ is None:
        raise OutputFailed(
            f"Pixelmend does not write files that end in `{path.suffix}`",
            hint=f"Use one of {', '.join(FORMATS)}",
        )
    problem = None
    if format_ == "JPEG" and photo.alpha is not None and photo.alpha.min() < 255:
        problem = "the picture's transparency"
    elif format_ == "JPEG" and len(photo.metadata.exif or b"") > MAX_JPEG_EXIF:
        problem = "so much EXIF"
    elif max(photo.pixels.shape) > MAX_SIDES.get(format_, max(photo.pixels.shape)):
        problem = f"a side of {max(photo.pixels.shape)} pixels"
    if problem is not None:
        raise OutputFailed(
            f"A {format_} file can't hold {problem}", hint="Name a .png or .tif file with -o"
        )


@contextlib.contextmanager
def replacing(path: Path, *, overwrite: bool) -> Generator[Path]:
    """Opens a temporary file beside `path`, which becomes `path` when the block ends well.

    When it does not, the temporary file is gone and `path` is as it was. A link is followed.

    Raises:
        OutputExists: `path` is there, now or at the end, and `overwrite` is not set.
        OutputFailed: Its folder is missing or can't be written to.
    """
    with _as_output_failed(path):
        target = path.resolve()
        if target.exists() and not overwrite:
            raise _exists(path)
    temporary = target.with_name(f".{secrets.token_hex(4)}.part{target.suffix}")
    try:
        with _as_output_failed(path):
            # Opened once here, so that a folder that can't be written to is found before the work.
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        yield temporary
        with _as_output_failed(path):
            if target.exists() and not overwrite:
                raise _exists(path)  # it came while we worked
            temporary.replace(target)
    finally:
        with contextlib.suppress(OSError):  # it was never made, or has become the result
            temporary.unlink()


def _exists(path: Path) -> OutputExists:
    return OutputExists(
        f"`{path}` is there already", hint="Use --overwrite to replace it, or -o to name another"
    )


def write(photo: Photo, path: Path) -> None:
    """Writes a picture in the format that the file's ending says, with all of its metadata.

    Raises:
        OutputFailed: The disk is full.
    """
    format_ = FORMATS[path.suffix.lower()]
    with warnings.catch_warnings(), _as_output_failed(path), path.open("wb") as file:
        warnings.simplefilter("ignore")  # of odd metadata, carried along as they are
        options = metadata.save_options(photo.metadata, format_)
        _image(photo, format_).save(file, format_, **options)
        file.flush()
        os.fsync(file.fileno())


def _image(photo: Photo, format_: str) -> Image.Image:
    image = Image.fromarray(photo.pixels)
    if photo.gray:
        image = image.convert("L")
    if photo.alpha is not None and format_ != "JPEG":
        image.putalpha(Image.fromarray(photo.alpha))
    return image


@contextlib.contextmanager
def _as_output_failed(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise OutputFailed(
            f"`{path}` can't be written: {error.strerror or error}",
            hint="Check that the folder exists, may be written to and has space, or use --out-dir",
        ) from error
    except BROKEN as error:
        raise OutputFailed(
            f"`{path}` can't be written in that format: {error}",
            hint="Name a file of another format with -o",
        ) from error
