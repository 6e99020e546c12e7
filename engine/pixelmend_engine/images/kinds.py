"""What is a picture, by the ending of its name; said here alone."""

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
}
READABLE_NAMES = "JPEG, PNG, TIFF, WebP, AVIF and JPEG XL"


def is_picture(name: str) -> bool:
    """Says whether a file is a picture that can be restored, as far as its name tells."""
    return ending_of(name) in FORMATS


def ending_of(name: str) -> str:
    """Returns the ending of a file's name, in lower case and with its dot; empty without one."""
    stem, dot, ending = name.replace("\\", "/").rsplit("/", 1)[-1].rpartition(".")
    return f".{ending.lower()}" if dot and stem.strip(".") else ""
