"""Where training pictures come from, and which of them are kept back for validation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data import pictures

KEPT_BACK = 10  # every so many-th file is for validation
# What the two halves of a pair's folder, or of its name, are called in published data sets.
BLURRED = ("blur", "blurred", "input", "lq")
SHARP = ("sharp", "gt", "target", "hq")


@dataclass(frozen=True)
class Scene:
    """A scene to learn from: a pair of pictures, or a sharp one that is made worse on the fly."""

    name: str  # the path in its folder, of the blurred one if there is one
    sharp: Path
    blurred: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Its pictures."""
        return [self.sharp] if self.blurred is None else [self.blurred, self.sharp]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A folder to train on. `weight` is how often it is drawn from, compared with others."""

    kind: Literal["sharp", "pairs"]
    folder: Path
    weight: float = 1.0

    def scenes(self) -> list[Scene]:
        """Lists its pictures, or pairs of them.

        Raises:
            BadImage: There are none.
            BadRequest: A blurred picture has no sharp one.
        """
        return singles(self.folder) if self.kind == "sharp" else pairs(self.folder)


def singles(folder: Path) -> list[Scene]:
    """Lists the pictures of a folder, and of the folders in it."""
    return [Scene(path.relative_to(folder).as_posix(), path) for path in pictures.files(folder)]


def pairs(folder: Path) -> list[Scene]:
    """Pairs the pictures of a folder as GoPro's and RealBlur's are laid out.

    A pair lies in two folders beside each other, one of `BLURRED` and one of `SHARP`, under one
    name, or under names that differ in these words alone (`blur_1.png`, `gt_1.png`). Other folders,
    such as GoPro's `blur_gamma`, are left out.

    Raises:
        BadImage: There are no pictures.
        BadRequest: There is no pair, or a blurred picture has no sharp one.
    """
    sharp: dict[tuple[Path, str], Path] = {}
    blurred: dict[tuple[Path, str], Path] = {}
    for path in pictures.files(folder):
        kind = path.parent.name.lower()
        if kind in BLURRED + SHARP:
            half = blurred if kind in BLURRED else sharp
            half[path.parent.parent, _number(path.stem)] = path
    if not blurred:
        raise BadRequest(
            f"There are no pairs in the folder `{folder}`",
            hint=f"Put the pictures into folders named `{BLURRED[0]}` and `{SHARP[0]}`",
        )
    lonely = next((path for key, path in blurred.items() if key not in sharp), None)
    if lonely is not None:
        raise BadRequest(
            f"There is no sharp picture for `{lonely}`",
            hint=f"Put it into a folder `{SHARP[0]}` beside, under the same name",
        )
    return [
        Scene(path.relative_to(folder).as_posix(), sharp[key], path)
        for key, path in sorted(blurred.items())
    ]


def _number(stem: str) -> str:
    for word in BLURRED + SHARP:
        stem = stem.removeprefix(f"{word}_")
    return stem


def split(scenes: Sequence[Scene]) -> tuple[list[Scene], list[Scene]]:
    """Splits scenes into those to train on and those for validation: every tenth by SHA-1 of name.

    The names are put into the order of their hashes, and the first of each ten is kept back. It
    does not depend on where the folder lies, nor on what is in the files.
    """
    ordered = sorted(scenes, key=lambda scene: hashlib.sha1(scene.name.encode()).digest())
    return (
        [scene for number, scene in enumerate(ordered) if number % KEPT_BACK],
        ordered[::KEPT_BACK],
    )
