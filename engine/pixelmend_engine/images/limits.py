"""What is said of pictures that can't be restored without losing part of them."""

from pixelmend.errors import BadImage, UnsupportedImage

MIN_SIDE = 8  # pixels; what a network pads by mirroring must be shorter than the side
MAX_PIXELS = 150_000_000  # the largest cameras of today; more is likely no photograph


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
        raise too_large(name)


def check_result(width: int, height: int, scale: float) -> None:
    """Makes sure that an enlarged picture is of a size that can be written and read again.

    Raises:
        BadImage: It would be too large.
    """
    if width * height * scale**2 > MAX_PIXELS:
        raise BadImage(
            f"{scale:g} times larger, the picture would have more than "
            f"{MAX_PIXELS // 1_000_000} megapixels",
            hint="Take a smaller scale, or enlarge it in parts",
        )


def too_large(name: str) -> BadImage:
    """Returns what is said of a picture with too many pixels."""
    return BadImage(
        f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels: `{name}`",
        hint="Restore it in parts",
    )


def several_pictures(name: str) -> UnsupportedImage:
    """Returns what is said of pages and animations."""
    return UnsupportedImage(
        f"`{name}` holds several pictures: pages, or an animation",
        hint="Save the picture that you want restored to a file of its own",
    )


def other_colors(name: str, kind: str) -> UnsupportedImage:
    """Returns what is said of CMYK, Lab and the like."""
    return UnsupportedImage(
        f"`{name}` is not in RGB or gray, but in {kind}",
        hint="Convert it to RGB in an image editor",
    )


def hdr(name: str, curve: str) -> UnsupportedImage:
    """Returns what is said of pictures whose light goes beyond white; `curve` encodes it."""
    return UnsupportedImage(
        f"`{name}` is an HDR picture ({curve}): its light goes beyond white",
        hint="Export it in standard range (SDR), for example as a 16-bit TIFF",
    )


def camera_raw(name: str) -> UnsupportedImage:
    """Returns what is said of sensors' samples in a file that is called a picture."""
    return UnsupportedImage(
        f"`{name}` is a camera raw file, though its name does not say so",
        hint="Give it the name that it had, for example with .dng for its ending",
    )


def other_samples(name: str, kind: str) -> UnsupportedImage:
    """Returns what is said of numbers that no front end sends."""
    return UnsupportedImage(
        f"`{name}` has {kind}",
        hint="Save a copy with 8 or 16 bits per channel, or with floats of 16 or 32",
    )


def rare(name: str, what: str) -> UnsupportedImage:
    """Returns what is said of a format's seldom used kinds."""
    return UnsupportedImage(
        f"`{name}` is of a rare kind: {what}",
        hint="Open it in an image editor and save a copy as PNG or TIFF",
    )
