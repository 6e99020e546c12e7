"""What is a picture, and what is taken for one, by name and first bytes; said here alone."""

FORMATS = {  # by the endings of what is read and written
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".jxl": "JXL",
    ".heic": "HEIF",
    ".heif": "HEIF",
    ".hif": "HEIF",
}
READ_ONLY = {  # by the endings of what is read alone
    ".mpo": "JPEG",
    ".bmp": "BMP",
    ".dib": "BMP",
    ".tga": "TGA",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pnm": "PPM",
    ".pbm": "PPM",
    ".jp2": "JPEG2000",
    ".j2k": "JPEG2000",
    ".j2c": "JPEG2000",
    ".jpc": "JPEG2000",
    ".jpf": "JPEG2000",
    ".jpx": "JPEG2000",
}
RAW = "camera raw"
RAW_ENDINGS = {
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".gpr", ".iiq"),
    *(".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl"),
    *(".sr2", ".srf", ".srw", ".x3f"),
}
READABLE_NAMES = (
    "JPEG, PNG, TIFF, WebP, AVIF, HEIC, JPEG XL, JPEG 2000, BMP, TGA, PPM and camera raw"
)
RESULT_ENDINGS = {  # unless another is asked for
    **dict.fromkeys((".heic", ".heif", ".hif", ".mpo"), ".jpg"),
    **dict.fromkeys((ending for ending in READ_ONLY if ending != ".mpo"), ".png"),
    **dict.fromkeys(RAW_ENDINGS, ".tif"),
}
RAW_STARTS = (b"FUJIFILMCCD-RAW", b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FOVb", b"\0MRM")
CR2, CRW = b"CR\x02", b"HEAPCCDR"  # where they begin as TIFF files do
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"mif2")
VIDEO_BRANDS = (b"isom", b"iso2", b"mp41", b"mp42", b"qt  ", b"M4V ", b"avc1", b"3gp4", b"3gp5")
IN_AN_EDITOR = "Export it as PNG or TIFF, or open it in {}: Pixelmend works there"
STARTS = (  # how files begin, what they are, and what to do with them
    (b"8BPS", "a Photoshop picture (PSD)", IN_AN_EDITOR.format("Krita or GIMP")),
    (b"gimp xcf", "a GIMP picture (XCF)", IN_AN_EDITOR.format("GIMP")),
    (b"v/1\x01", "an OpenEXR picture", IN_AN_EDITOR.format("Krita")),
    (b"#?RADIANCE", "a Radiance HDR picture", IN_AN_EDITOR.format("Krita")),
    (b"%PDF", "a PDF document", "Save its pages as TIFF or PNG, for example with `pdftoppm`"),
    (b"%!PS", "a PostScript document", "Save its pages as TIFF or PNG"),
    (b"GIF8", "a GIF picture", "Save the frame that you want restored as PNG"),
    (b"\x1aE\xdf\xa3", "a video (Matroska or WebM)", "Save the frame that you want as PNG"),
    (b"\0\0\1\0", "an icon (ICO)", "Save the picture in it as PNG"),
)
ZIPPED = (  # archives that are pictures: what stands in their first entry
    (b"application/x-krita", "a Krita picture (KRA)", IN_AN_EDITOR.format("Krita")),
    (b"image/openraster", "an OpenRaster picture (ORA)", IN_AN_EDITOR.format("Krita or GIMP")),
)
SVG = "an SVG drawing", "Export it as PNG in the size that you need"
VIDEO = "a video", "Save the frame that you want restored as PNG"
START_BYTES = 512  # of a file, which tell all of that


def is_picture(name: str) -> bool:
    """Says whether a file is a picture that can be restored, as far as its name tells."""
    ending = ending_of(name)
    return ending in FORMATS or ending in READ_ONLY or ending in RAW_ENDINGS


def format_of(name: str) -> str:
    """Returns the format that a name says; empty for none that is read here."""
    ending = ending_of(name)
    return RAW if ending in RAW_ENDINGS else FORMATS.get(ending) or READ_ONLY.get(ending, "")


def ending_of(name: str) -> str:
    """Returns the ending of a file's name, in lower case and with its dot; empty without one."""
    stem, dot, ending = name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    return f".{ending.lower()}" if dot and stem.strip(".") else ""


def result_ending(name: str) -> str:
    """Returns the ending that a result has unless another is asked for: mostly its source's."""
    ending = ending_of(name)
    return RESULT_ENDINGS.get(ending, name[len(name) - len(ending) :] if ending else "")


def result_name(name: str) -> str:
    """Returns what a result in another folder is called: as its source, but for the ending."""
    return name.removesuffix(name[len(name) - len(ending_of(name)) :]) + result_ending(name)


def change(source: str, result: str) -> list[str]:
    """Says that a result is of another kind than its source, where that was not asked for."""
    ending = RESULT_ENDINGS.get(ending_of(source))
    if ending is None or ending != ending_of(result):
        return []
    return [f"the result is a {FORMATS[ending]} file; -o names another"]


def brands(start: bytes) -> tuple[bytes, ...]:
    """Returns what a file of the family of MP4 says that it is; nothing for any other.

    Source: ISO/IEC 14496-12, 4.3 (`ftyp`).
    """
    if start[4:8] != b"ftyp":
        return ()
    size = min(int.from_bytes(start[:4]), len(start))
    return (start[8:12], *(start[place : place + 4] for place in range(16, size, 4)))


def is_heic(start: bytes) -> bool:
    """Says whether a file begins as HEIC and HEIF pictures do, and not as AVIF's."""
    stated = brands(start)
    return b"avif" not in stated and any(brand in HEIC_BRANDS for brand in stated)


def is_raw(start: bytes, name: str) -> bool:
    """Says whether a file is a camera's raw one: by its beginning, or a TIFF's by its name."""
    if start.startswith(RAW_STARTS) or b"crx " in brands(start):
        return True
    if start[8:11] == CR2 or start[6:14] == CRW:
        return True
    return start[:2] in (b"II", b"MM") and ending_of(name) in RAW_ENDINGS


def foreign(start: bytes) -> tuple[str, str] | None:
    """Says what a file is that can't be restored, and what to do with it; None if it is unknown."""
    for text, what, hint in STARTS:
        if start.startswith(text):
            return what, hint
    if start.startswith(b"PK\3\4"):
        for text, what, hint in ZIPPED:
            if text in start:
                return what, hint
    if b"<svg" in start:
        return SVG
    is_riff_video = start.startswith(b"RIFF") and start[8:12] == b"AVI "
    if is_riff_video or any(brand in VIDEO_BRANDS for brand in brands(start)):
        return VIDEO
    return None
