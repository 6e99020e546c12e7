"""PNG files of 8 and 16 bits per channel."""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image, PngImagePlugin

from pixelmend.wire import MAX_PROFILE
from pixelmend_engine.images import limits, metadata, stated_colors
from pixelmend_engine.images.damage import IMAGECODECS, Damaged, damage, unpack
from pixelmend_engine.images.formats import pillow
from pixelmend_engine.images.image_file import ImageFile, Pixels, with_channels
from pixelmend_engine.images.metadata import EXIF_HEADER, Metadata

SIGNATURE = b"\x89PNG\r\n\x1a\n"
BEHIND_HEADER = 33  # bytes: the signature and IHDR, which is always the first chunk
METERS_PER_INCH = 0.0254
XMP_HEADER = b"http://ns.adobe.com/xap/1.0/\0"  # how XMP starts in a JPEG file's APP1
LEGACY = "Raw profile type "  # and what it is: as ImageMagick and ExifTool have it
LEGACY_TEXT = re.compile(r"\n.*\n *\d+\n([0-9a-fA-F\s]*)")  # a name, a length, bytes
ONE = 100_000  # what `gAMA` and `cHRM` are multiplied by
LEVEL = 6  # zlib's own default


def read(path: Path) -> ImageFile:
    """Reads a file; its metadata as well.

    Raises:
        UnsupportedImage: It is animated.
        BadImage: It is too small or too large.
    """
    PngImagePlugin.MAX_TEXT_CHUNK = MAX_PROFILE  # which limits profiles, too, to 1 MiB otherwise
    with pillow.opened(path, ("PNG",)) as image:
        if not isinstance(image, PngImagePlugin.PngImageFile):
            raise TypeError("Pillow opens PNG files as such")
        if pillow.has_several(image):
            raise limits.several_pictures(path.name)
        limits.check_size(image.width, image.height, path.name)
        deep = _deep_samples(path)
        pillow.load(image)  # the chunks behind the pixels, too
        pixels, notes = pillow.pixels_of(image) if deep is None else (deep, [])
        legacy = _legacy(image)
        for name, packet in legacy.items():
            image.info.setdefault(name, packet)
        notes += _state_colors(image, path, gray=pixels.shape[2] < 3)
        photo = pillow.with_metadata(pixels, image, path, notes)
    iptc = legacy.get("iptc")
    return replace(photo, metadata=replace(photo.metadata, iptc=iptc)) if iptc else photo


def _state_colors(image: Image.Image, path: Path, *, gray: bool) -> list[str]:
    # Which of several statements holds: PNG, third edition, 4.3. Results have it as a profile.
    chunks = dict(chunks_of(path))
    if b"cICP" in chunks:
        primaries, curve = unpack("BB", chunks[b"cICP"], 0)
        said, profile = "cICP", stated_colors.of_codes(primaries, curve, path.name, gray=gray)
        image.info.pop("icc_profile", None)
    elif image.info.get("icc_profile") or b"sRGB" in chunks:
        return []
    else:
        said, profile = "gAMA and cHRM", _of_chromaticities(chunks, gray=gray)
    if profile is None:
        return []
    image.info["icc_profile"] = profile
    return [f"its colors, which {said} stated, are stated by a color profile now"]


def _of_chromaticities(chunks: dict[bytes, bytes], *, gray: bool) -> bytes | None:
    gamma, points = chunks.get(b"gAMA"), chunks.get(b"cHRM")
    try:
        return stated_colors.of_chromaticities(
            None if gamma is None else unpack(">I", gamma, 0)[0] / ONE,
            None if points is None else tuple(x / ONE for x in unpack(">8I", points, 0)),
            gray=gray,
        )
    except (Damaged, RuntimeError):  # as viewers do with what no light can be
        return None


def chunks_of(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yields the chunks of a file, but for the pixels; it ends where the file does."""
    with path.open("rb") as file:
        file.seek(len(SIGNATURE))
        while len(head := file.read(8)) == 8:
            length, kind = struct.unpack(">I4s", head)
            if kind == b"IDAT":
                file.seek(length, 1)
            else:
                yield kind, file.read(length)
            file.seek(4, 1)


def _deep_samples(path: Path) -> Pixels | None:
    # Pillow reduces 16-bit color to 8 without a word: the file itself has to be asked.
    with path.open("rb") as file:
        if file.read(25)[24:] != b"\x10":  # IHDR's bit depth
            return None
    data = path.read_bytes()
    with damage(IMAGECODECS):
        decoded = imagecodecs.png_decode(data)
    return with_channels(decoded)


def _legacy(image: PngImagePlugin.PngImageFile) -> dict[str, bytes]:
    # What ImageMagick and ExifTool put into texts before PNG had chunks for it.
    blocks: dict[str, bytes] = {}
    for name in ("exif", "xmp", "iptc", "APP1"):
        match = LEGACY_TEXT.fullmatch(image.text.get(LEGACY + name, ""))
        try:
            with damage((ValueError,)):
                data = bytes.fromhex(match[1]) if match else b""
            if name == "iptc" and data.startswith(metadata.RESOURCE):
                data = metadata.iptc_in(data) or b""
        except Damaged:
            continue
        kind = name if name != "APP1" else "xmp" if data.startswith(XMP_HEADER) else "exif"
        if data:
            blocks.setdefault(kind, data.removeprefix(XMP_HEADER))
    return blocks


def write(photo: ImageFile, path: Path) -> None:
    """Writes a file, with all of its metadata."""
    pixels = photo.pixels[..., 0] if photo.channels == "Y" else photo.pixels
    with damage(IMAGECODECS):
        encoded = imagecodecs.png_encode(np.ascontiguousarray(pixels), level=LEVEL)
    data = memoryview(encoded)
    with path.open("wb") as file:
        file.write(data[:BEHIND_HEADER])
        for kind, body in _chunks(photo.metadata):
            checksum = zlib.crc32(kind + body)
            file.write(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum))
        file.write(data[BEHIND_HEADER:])


def _chunks(file_metadata: Metadata) -> Iterator[tuple[bytes, bytes]]:
    # Source: PNG, third edition, chapter 11.
    if file_metadata.icc_profile is not None:
        yield b"iCCP", b"ICC profile\0\0" + zlib.compress(file_metadata.icc_profile)
    if file_metadata.dpi is not None:
        x, y = (round(value / METERS_PER_INCH) for value in file_metadata.dpi)
        yield b"pHYs", struct.pack(">IIB", x, y, 1)
    if file_metadata.exif is not None:
        yield b"eXIf", file_metadata.exif.removeprefix(EXIF_HEADER)
    if file_metadata.xmp is not None:
        yield b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + file_metadata.xmp
    if file_metadata.iptc is not None:
        data = metadata.iptc_resource(file_metadata.iptc)
        text = f"\niptc\n{len(data):8}\n{data.hex()}\n".encode()
        yield b"zTXt", f"{LEGACY}iptc".encode() + b"\0\0" + zlib.compress(text)
