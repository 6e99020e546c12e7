"""Where training pictures come from, and which of them are kept back for validation."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pixelmend.errors import BadRequest
from pixelmend_engine.training.data import picture_files

KEPT_BACK = 10  # every so many-th file is for validation
# What the two halves of a pair's folder, or of its name, are called in published data sets.
DEGRADED = ("blur", "blurred", "input", "lq")
SHARP = ("sharp", "gt", "target", "hq")


@dataclass(frozen=True)
class TrainingPair:
    """What is learned from: a pair of pictures, or a sharp one that is degraded on the fly."""

    name: str  # the path in its folder, of the degraded one if there is one
    sharp: Path
    degraded: Path | None = None

    @property
    def paths(self) -> list[Path]:
        """Its pictures."""
        return [self.sharp] if self.degraded is None else [self.degraded, self.sharp]


@dataclass(frozen=True, kw_only=True)
class TrainingFolder:
    """A folder to train on. `weight` is how often it is drawn from, compared with others."""

    kind: Literal["sharp", "pairs"]
    path: Path
    weight: float = 1.0

    def pairs(self) -> list[TrainingPair]:
        """Lists its pictures, or pairs of them.

        Raises:
            BadImage: There are none.
            BadRequest: A blurred picture has no sharp one.
        """
        return unpaired(self.path) if self.kind == "sharp" else paired(self.path)


def unpaired(folder: Path) -> list[TrainingPair]:
    """Lists the pictures of a folder, and of the folders in it."""
    return [
        TrainingPair(path.relative_to(folder).as_posix(), path)
        for path in picture_files.list_pictures(folder)
    ]


def paired(folder: Path) -> list[TrainingPair]:
    """Pairs the pictures of a folder as GoPro's and RealBlur's are laid out.

    A pair lies in two folders beside each other, one of `DEGRADED` and one of `SHARP`, under one
    name, or under names that differ in these words alone (`blur_1.png`, `gt_1.png`). Other folders,
    such as GoPro's `blur_gamma`, are left out.

    Raises:
        BadImage: There are no pictures.
        BadRequest: There is no pair, or a blurred picture has no sharp one.
    """
    sharp: dict[tuple[Path, str], Path] = {}
    degraded: dict[tuple[Path, str], Path] = {}
    for path in picture_files.list_pictures(folder):
        kind = path.parent.name.lower()
        if kind in DEGRADED + SHARP:
            half = degraded if kind in DEGRADED else sharp
            half[path.parent.parent, _stem_without_kind(path.stem)] = path
    if not degraded:
        raise BadRequest(
            f"There are no pairs in the folder `{folder}`",
            hint=f"Put the pictures into folders named `{DEGRADED[0]}` and `{SHARP[0]}`",
        )
    unmatched = next((path for key, path in degraded.items() if key not in sharp), None)
    if unmatched is not None:
        raise BadRequest(
            f"There is no sharp picture for `{unmatched}`",
            hint=f"Put it into a folder `{SHARP[0]}` beside, under the same name",
        )
    return [
        TrainingPair(path.relative_to(folder).as_posix(), sharp[key], path)
        for key, path in sorted(degraded.items())
    ]


def _stem_without_kind(stem: str) -> str:
    for word in DEGRADED + SHARP:
        stem = stem.removeprefix(f"{word}_")
    return stem


def split(pairs: Sequence[TrainingPair]) -> tuple[list[TrainingPair], list[TrainingPair]]:
    """Splits pairs into those to train on and those for validation: every tenth by SHA-1 of name.

    The names are put into the order of their hashes, and the first of each ten is kept back. It
    does not depend on where the folder lies, nor on what is in the files.
    """
    ordered = sorted(pairs, key=lambda pair: hashlib.sha1(pair.name.encode()).digest())
    return (
        [pair for index, pair in enumerate(ordered) if index % KEPT_BACK],
        ordered[::KEPT_BACK],
    )
