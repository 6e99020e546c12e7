"""What an image file says beside its pixels, in no format's own words."""

import contextlib
import dataclasses
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeVar

from PIL import ExifTags, Image, TiffImagePlugin, TiffTags

from pixelmend_engine.images import stated_colors
from pixelmend_engine.images.damage import PILLOW, Damaged, damage, pack, unpack

Value = TypeVar("Value")

FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
TEXTS = {
    ExifTags.Base.ImageDescription,
    ExifTags.Base.Make,
    ExifTags.Base.Model,
    ExifTags.Base.Software,
    ExifTags.Base.DateTime,
    ExifTags.Base.Artist,
    ExifTags.Base.HostComputer,
    ExifTags.Base.Copyright,
}
DESCRIBING_TAGS = {  # of a TIFF file; the others describe how that file is laid out
    *TEXTS,
    *(tag for tag in ExifTags.Base if tag.name.startswith("XP")),  # Windows' title, keywords, …
}
TOLD = {*DESCRIBING_TAGS, *FOLDERS}  # the tags that `described` keeps
UNDEFINED_IN_GPS = (ExifTags.GPS.GPSProcessingMethod, ExifTags.GPS.GPSAreaInformation)
MAX_DPI = 1_000_000.0
SIDES = (  # what states width and height, and what states how many pixels an inch has
    (ExifTags.Base.ImageWidth, ExifTags.Base.ImageLength),
    (ExifTags.Base.ExifImageWidth, ExifTags.Base.ExifImageHeight),
    (ExifTags.Base.XResolution, ExifTags.Base.YResolution),
)
LYING = (5, 6, 7, 8)  # orientations that turn width into height
EXIF_HEADER = b"Exif\0\0"  # how EXIF starts in a JPEG file; elsewhere it may be missing
RESOURCE = b"8BIM"  # how Photoshop wraps what it stores in files of others
IPTC_RESOURCE = 0x0404


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What a file says beside its pixels, once they stand upright."""

    exif: bytes | None = None  # with `EXIF_HEADER`
    icc_profile: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None  # IIM records
    dpi: tuple[float, float] | None = None
    compression: str | None = None  # of the same format, in that format's words


class MetadataReader:
    """Reads one thing after another; what is damaged is left out, and said."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def attempt(self, name: str, function: Callable[[], Value], default: Value) -> Value:
        """Returns what the function does, or the default where it finds damage."""
        try:
            return function()
        except (OSError, Damaged):
            self.notes.append(f"its {name} could not be read and was left out")
            return default


def described(exif: Image.Exif) -> Image.Exif:
    """Keeps of a TIFF file's tags what describes the picture, and not how the file is laid out."""
    kept = Image.Exif()
    with damage(PILLOW):
        items = list(exif.items())
    for tag, value in items:
        if tag in DESCRIBING_TAGS:
            # Pillow reads texts as Latin-1 and writes ASCII; what came as bytes goes as bytes.
            kept[tag] = value.encode("latin-1") if isinstance(value, str) else value
    for folder in FOLDERS:
        with damage(PILLOW):
            values = exif.get_ifd(folder)
        if values:
            # The folder that this one points to in its turn says nothing of the picture.
            kept[folder] = {t: v for t, v in values.items() if t != ExifTags.IFD.Interop}
    return kept


def folder(code: int, values: dict[int, Any]) -> TiffImagePlugin.ImageFileDirectory_v2:
    """Makes one of EXIF's folders, with the types that Pillow, who knows TIFF's, has to guess.

    Raises:
        Damaged: It holds what no tag can.
    """
    directory = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    with damage(PILLOW):
        directory.update(values)
    for tag, value in values.items():
        if isinstance(value, bytes) and (code == ExifTags.IFD.Exif or tag in UNDEFINED_IN_GPS):
            directory.tagtype[tag] = TiffTags.UNDEFINED
    return directory


def encoded(exif: Image.Exif) -> bytes | None:
    """Writes what `described` kept, as it stands in JPEG files; None if it is empty."""
    folders = {int(code): folder(code, exif[code]) for code in FOLDERS if code in exif}
    first = TiffImagePlugin.ImageFileDirectory_v2(b"II*\0\x08\0\0\0")
    with damage(PILLOW):
        first.update({tag: value for tag, value in exif.items() if tag not in FOLDERS})
        first.update(dict.fromkeys(folders, 0))
    if not len(first):
        return None
    end = 8 + len(written(first, 8))
    bodies: list[bytes] = []
    for code, made in folders.items():
        first[code] = end
        bodies.append(written(made, end))
        end += len(bodies[-1])
    return EXIF_HEADER + b"II*\0\x08\0\0\0" + written(first, 8) + b"".join(bodies)


def written(made: TiffImagePlugin.ImageFileDirectory_v2, offset: int) -> bytes:
    """Writes a folder as it stands at a place in a file.

    Raises:
        Damaged: It holds what no tag can.
    """
    with damage(PILLOW):
        return made.tobytes(offset)


def without_orientation(exif: bytes) -> bytes:
    """Takes the orientation out, and moves nothing that maker's notes may point to."""
    order, first, count = _first_folder(exif)
    end = first + 12 * count + 4  # behind the entries, where the next folder is
    entries = [exif[place : place + 12] for place in range(first, end - 4, 12)]
    kept = [e for e in entries if unpack(f"{order}H", e, 0) != (ExifTags.Base.Orientation,)]
    body = struct.pack(f"{order}H", len(kept)) + b"".join(kept) + exif[end - 4 : end]
    body = body.ljust(end - first + 2, b"\0")
    return exif[: first - 2] + body + exif[end:]


def _first_folder(exif: bytes) -> tuple[str, int, int]:
    # The byte order, as struct has it; where the entries are, of twelve bytes each; their number.
    start = _start_of(exif)
    order = {b"II": "<", b"MM": ">"}.get(exif[start : start + 2])
    if order is None:
        raise Damaged("no byte order")
    (offset,) = unpack(f"{order}I", exif, start + 4)
    (count,) = unpack(f"{order}H", exif, start + offset)
    return order, start + offset + 2, count


def _start_of(exif: bytes) -> int:
    return len(EXIF_HEADER) if exif.startswith(EXIF_HEADER) else 0


def resized(metadata: Metadata, across: float, down: float) -> Metadata:
    """Returns the metadata of a picture that has grown, but for its XMP: it prints at its old size.

    Width, height and resolution, where EXIF states them, are those of the file it was read from,
    and grow with it. Patched where they stand, as in `turned_upright`.
    """
    dpi = (
        None
        if metadata.dpi is None
        else sound_dpi(metadata.dpi[0] * across, metadata.dpi[1] * down)
    )
    exif = metadata.exif
    if exif is not None:
        with contextlib.suppress(Damaged):  # what can't be read states nothing
            exif = _with_sides(exif, across, down)
    return dataclasses.replace(metadata, dpi=dpi, exif=exif)


def _with_sides(exif: bytes, across: float, down: float) -> bytes:
    factors: dict[int, float] = {}
    for wide, high in SIDES:
        factors |= {wide: across, high: down}
    start, (order, _, _) = _start_of(exif), _first_folder(exif)
    patched = bytearray(exif)
    for tag, entry in _places(exif):
        kind, count = unpack(f"{order}HI", exif, entry + 2)
        if tag not in factors or count != 1:
            continue
        if kind == TiffTags.RATIONAL:
            place = start + unpack(f"{order}I", exif, entry + 8)[0]
            over, under = unpack(f"{order}II", exif, place)
            if under:
                grown = (Fraction(over, under) * Fraction(factors[tag])).limit_denominator(1000)
                pack(f"{order}II", patched, place, *grown.as_integer_ratio())
        elif form := {TiffTags.SHORT: "H", TiffTags.LONG: "I"}.get(kind):
            (side,) = unpack(f"{order}{form}", exif, entry + 8)
            grown = int(side * factors[tag])  # as a long: a short may be too small now
            pack(f"{order}HII", patched, entry + 2, TiffTags.LONG, 1, grown)
    return bytes(patched)


def _places(exif: bytes) -> Iterator[tuple[int, int]]:
    # Tags and where their entries are: those of the first folder, then those of EXIF's own.
    order, first, count = _first_folder(exif)
    inner: list[int] = []
    for entry in range(first, first + 12 * count, 12):
        (tag,) = unpack(f"{order}H", exif, entry)
        yield tag, entry
        if tag == ExifTags.IFD.Exif:
            inner.append(_start_of(exif) + unpack(f"{order}I", exif, entry + 8)[0])
    for begin in inner:
        (count,) = unpack(f"{order}H", exif, begin)
        for entry in range(begin + 2, begin + 2 + 12 * count, 12):
            yield unpack(f"{order}H", exif, entry)[0], entry


def parsed(exif: bytes | None) -> Image.Exif:
    """Takes EXIF apart, as far as it can be read."""
    tags = Image.Exif()
    with contextlib.suppress(OSError, Damaged):  # better a result without EXIF than none
        with damage(PILLOW):
            tags.load(exif or b"")
        return described(tags)
    return Image.Exif()


def orientation(exif: bytes) -> int:
    """Returns how a viewer is to turn the picture: 1 to 8, as EXIF counts."""
    tags = Image.Exif()
    with damage(PILLOW):
        tags.load(exif)
        return int(tags.get(ExifTags.Base.Orientation, 1))


def profile_by_exif(exif: bytes | None) -> bytes | None:
    """Returns Adobe RGB's profile where EXIF says that the colors are Adobe RGB's, and else None.

    Cameras say it by the index `R03` alone. Source: DCF 2.0 (CIPA DC-009), 3.2.3.
    """
    tags = Image.Exif()
    try:
        with damage(PILLOW):
            tags.load(exif or b"")
            index = tags.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    except Damaged:
        return None
    index = index.decode("ascii", "replace") if isinstance(index, bytes) else str(index)
    return stated_colors.adobe_rgb() if index.strip("\0 ") == "R03" else None


def turned_upright(exif: bytes) -> bytes:
    """Says in EXIF that the picture stands upright; width and height change places if it lay.

    Patched where it stands, because maker's notes point into these bytes. The thumbnail is cut off:
    it would lie on its side from now on.
    """
    patched = bytearray(exif)
    order, first, count = _first_folder(exif)
    places = dict(_places(exif))
    upright = places.get(ExifTags.Base.Orientation)
    if upright is not None:
        (lay,) = unpack(f"{order}H", exif, upright + 8)
        pack(f"{order}HIHH", patched, upright + 2, 3, 1, 1, 0)
        for wide, high in SIDES if lay in LYING else ():
            if wide in places and high in places:
                one, other = (slice(places[tag] + 2, places[tag] + 12) for tag in (wide, high))
                patched[one], patched[other] = patched[other], patched[one]
    pack(f"{order}I", patched, first + 12 * count, 0)
    return bytes(patched)


def sound_dpi(x: float, y: float) -> tuple[float, float] | None:
    """Returns a resolution, unless no printer could have it."""
    sound = all(math.isfinite(value) and 0 < value <= MAX_DPI for value in (x, y))
    return (x, y) if sound else None


def iptc_in(resources: bytes) -> bytes | None:
    """Finds IPTC's records among Photoshop's resources; None if there are none.

    Source: Adobe Photoshop File Formats Specification, "Image Resource Blocks".
    """
    return next((data for number, data in _resources(resources) if number == IPTC_RESOURCE), None)


def _resources(data: bytes) -> Iterator[tuple[int, bytes]]:
    place = 0
    while data[place : place + 4] == RESOURCE:
        number, name_length = unpack(">HB", data, place + 4)
        place += 7 + name_length
        place += place % 2
        (size,) = unpack(">I", data, place)
        yield number, data[place + 4 : place + 4 + size]
        place += 4 + size + size % 2


def iptc_resource(iptc: bytes) -> bytes:
    """Wraps IPTC's records as Photoshop's resource, which is how JPEG and PNG files hold them."""
    padding = bytes(len(iptc) % 2)
    return RESOURCE + struct.pack(">HHI", IPTC_RESOURCE, 0, len(iptc)) + iptc + padding
