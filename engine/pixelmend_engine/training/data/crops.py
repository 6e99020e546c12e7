"""Batches: which crops of which pictures a step sees.

A step's batch depends on the seed, the step and the number of the process, and on nothing that
happened before. So a run that is killed goes on with the same batches, and nothing has to be kept.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from pixelmend.errors import BadRequest
from pixelmend_engine.training.batch import Batch, concatenate
from pixelmend_engine.training.data import augmentations, picture_files
from pixelmend_engine.training.data.folders import TrainingFolder, TrainingPair, split
from pixelmend_engine.training.data.picture_files import Picture, Read
from pixelmend_engine.training.data.sample_pool import SamplePool
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import DegradationSettings
from pixelmend_engine.training.degradations.inpainting_masks import InpaintingMaskSettings
from pixelmend_engine.training.degradations.random_source import RandomSource
from pixelmend_engine.training.recipes.recipe import Phase, Recipe

SAMPLE_SALT = 52  # sets what single crops are drawn with apart from what steps draw
SHOWN = 5  # names in a message; the rest is counted


class PictureCache:
    """Pictures, decoded once: kept where they are used as long as there is room, then in memory."""

    def __init__(
        self,
        paths: Sequence[Path],
        device: torch.device,
        *,
        room_bytes: int,
        spare_bytes: int,
        read: Read = picture_files.read_rgb8,
    ) -> None:
        self._read = read
        self._device = device
        self._pictures: dict[Path, Picture] = {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for path, picture in zip(paths, threads.map(read, paths), strict=True):
                if room_bytes >= picture.nbytes:
                    room_bytes -= picture.nbytes
                    self._pictures[path] = picture.to(device)
                elif spare_bytes >= picture.nbytes:
                    spare_bytes -= picture.nbytes
                    self._pictures[path] = picture
                else:
                    threads.shutdown(cancel_futures=True)
                    break

    def get(self, path: Path) -> Picture:
        """Returns a picture; one that found no room is decoded again each time."""
        cached = self._pictures.get(path)
        return (self._read(path) if cached is None else cached).to(self._device)


class TrainingData:
    """The pictures of all folders of a run, without those that are kept back for validation."""

    def __init__(
        self,
        folders: Sequence[TrainingFolder],
        recipe: Recipe,
        degradation: DegradationSettings,
        *,
        seed: int,
        device: torch.device,
        room_bytes: int,  # on the device
        spare_bytes: int = 0,  # in memory, where the device has its own
    ) -> None:
        parts = [split(folder.pairs()) for folder in folders]
        self._training = [training for training, _ in parts]
        self.validation = [pair for _, kept_back in parts for pair in kept_back]
        for folder, training in zip(folders, self._training, strict=True):
            if not training:
                raise BadRequest(
                    f"The folder has too few pictures to keep one back: `{folder.path}`",
                    hint="Training takes two pictures at the least, and a hundred to be worth it",
                )
            if folder.kind == "pairs" and isinstance(degradation, InpaintingMaskSettings):
                raise BadRequest(
                    f"This recipe makes holes itself, and takes no pairs: `{folder.path}`",
                    hint="Give the folder of whole pictures with --sharp",
                )
        weights = np.array([folder.weight for folder in folders])
        self._shares = weights / weights.sum()
        self._recipe = recipe
        self._degradation = degradation
        self._seed = seed
        self._device = device
        self._pools: dict[tuple[Phase, int], SamplePool] = {}
        paths = [path for part in self._training for pair in part for path in pair.paths]
        check_sides((p.sharp for pairs in parts for part in pairs for p in part), recipe.least_side)
        self._cache = PictureCache(
            paths, device, room_bytes=room_bytes, spare_bytes=spare_bytes, read=reader(recipe)
        )

    @property
    def names(self) -> list[str]:
        """Names every picture that is trained on, in the order that crops are drawn from."""
        return [pair.name for part in self._training for pair in part]

    def batch(self, step: int, process: int, phase: Phase) -> Batch:
        """Draws what a step learns from."""
        if not self._recipe.pool_size:
            return self._draw_batch(process, phase, step)
        key = (phase, process)
        if key not in self._pools:
            draw = partial(self._draw_batch, process, phase)
            self._pools[key] = SamplePool(
                self._recipe.pool_size, phase.batch, (self._seed, process), draw
            )
        return self._pools[key].batch(step)

    def _draw_batch(self, process: int, phase: Phase, step: int) -> Batch:
        """Draws the crops of one step, and makes them worse.

        As published, a window is drawn from each picture (384 pixels), and then a crop at one
        place of all windows.
        """
        return self._draw(np.random.default_rng([self._seed, step, process]), phase)[1]

    def sample(self, number: int, patch: int) -> tuple[str, Batch]:
        """Draws one crop, whatever is drawn beside it: which picture it is of, and the crop."""
        rng = np.random.default_rng([self._seed, number, SAMPLE_SALT])
        pairs, batch = self._draw(rng, Phase(1, patch, 1))
        return pairs[0].name, batch

    @property
    def paths(self) -> dict[str, Path]:
        """The sharp pictures that are trained on, by their names."""
        return {pair.name: pair.sharp for part in self._training for pair in part}

    def _draw(self, rng: np.random.Generator, phase: Phase) -> tuple[list[TrainingPair], Batch]:
        drawn: list[TrainingPair] = []
        crop_at = rng.random(2)
        orientations = self._recipe.orientations
        crop = degrade.source_crop(self._degradation, phase.patch)
        scale = degrade.downscaling_factor(self._degradation)
        unpaired: list[Tensor] = []
        paired: list[tuple[Tensor, Tensor]] = []
        for _ in range(phase.batch):
            part = self._training[rng.choice(len(self._shares), p=self._shares)]
            pair = part[rng.integers(len(part))]
            drawn.append(pair)
            sharp = self._cache.get(pair.sharp)
            window_at, orientation = (
                rng.random(2),
                orientations[int(rng.integers(len(orientations)))],
            )
            if (
                isinstance(self._degradation, InpaintingMaskSettings)
                and self._degradation.augmented
            ):
                unpaired.append(
                    augmentations.augment(sharp, phase.patch, RandomSource(_generator(rng)))
                )
            elif pair.degraded is None:
                crop_of = _Crop(window_at, crop_at, orientation, crop.side, self._recipe.window)
                unpaired.append(crop_of.cut(sharp, crop.margin))
            else:
                degraded = self._cache.get(pair.degraded)
                check_sizes(pair, degraded, sharp, scale)
                small, window = phase.patch // scale, self._recipe.window // scale
                crop_of = _Crop(window_at, crop_at, orientation, small, window)
                paired.append((crop_of.cut(degraded, 0), crop_of.cut(sharp, 0, scale)))
        generator = _generator(rng)
        batches: list[Batch] = []
        if unpaired:
            whole = torch.stack(unpaired) / 255
            batches.append(degrade.degrade(whole, self._degradation, phase.patch, generator))
        if paired:
            lq = torch.stack([degraded for degraded, _ in paired]) / 255
            hq = torch.stack([sharp for _, sharp in paired]) / 255
            batches.append(Batch(lq, hq))
        return drawn, concatenate(batches)


def reader(recipe: Recipe) -> Read:
    """Returns what reads a picture for a recipe."""
    if recipe.whole:
        return partial(picture_files.read_middle, side=recipe.least_side)
    return picture_files.read_rgb8


def check_sides(paths: Iterable[Path], least: int) -> None:
    """Makes sure that the short side of every picture has as many pixels.

    Raises:
        BadRequest: Some have less; it says how many, and names some.
    """
    if not least:
        return
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        paths = sorted(paths)
        sides = list(threads.map(picture_files.short_side, paths))
    small = [path.name for path, side in zip(paths, sides, strict=True) if side < least]
    if small:
        raise BadRequest(
            f"{len(small)} of {len(paths)} pictures have fewer than {least} pixels on a side: "
            f"{first_names(small)}",
            hint="Take them out of the folder, or put larger copies there",
        )


def first_names(names: Sequence[str]) -> str:
    """Writes names for a message, the first few; the rest is counted."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(f'`{name}`' for name in names[:SHOWN])}{more}"


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def check_sizes(
    pair: TrainingPair, degraded: Picture, sharp: UInt8[Tensor, "3 hs ws"], scale: int = 1
) -> None:
    """Makes sure that the pictures of a pair fit together.

    Raises:
        BadRequest: They differ in size, or in another factor than `scale`.
    """
    if sharp.shape[1:] != (scale * degraded.shape[1], scale * degraded.shape[2]):
        differ = "differ in size" if scale == 1 else f"are not {scale} to 1 in size"
        raise BadRequest(
            f"The two pictures of a pair {differ}: `{pair.name}`",
            hint="Take it out of the folder, or give both the same size"
            if scale == 1
            else "Take it out of the folder, or let --sharp make the smaller ones",
        )


@dataclass(frozen=True)
class _Crop:
    """Where a crop lies in its picture, and which way round it is."""

    window_at: np.ndarray  # two shares: down, right
    crop_at: np.ndarray  # the same, of the crop in the window
    orientation: int  # one of the eight of a square
    patch: int
    window: int

    def cut(self, picture: Picture, margin: int, scale: int = 1) -> UInt8[Tensor, "3 n n"]:
        """Cuts it out, with so many pixels around; a picture is mirrored at its borders.

        `scale` is how many of its pixels make one of those that the crop is measured in.
        """
        for axis in (0, 1):
            size = picture.shape[axis + 1] // scale
            window = min(self.window, max(size, self.patch))
            first = int(self.window_at[axis] * (max(0, size - window) + 1))
            first += int(self.crop_at[axis] * (window - self.patch))
            count = (self.patch + 2 * margin) * scale
            indices = reflected_indices((first - margin) * scale, count, size * scale)
            picture = picture.index_select(axis + 1, indices.to(picture.device))
        quarters, flipped = divmod(self.orientation, 2)
        picture = picture.flip(1) if flipped else picture
        return torch.rot90(picture, quarters, dims=(1, 2))


def reflected_indices(first: int, count: int, size: int) -> Tensor:
    """Returns indices from `first` on, mirrored at both ends of an axis of so many places."""
    if size == 1:
        return torch.zeros(count, dtype=torch.long)
    period = 2 * (size - 1)
    indices = torch.arange(first, first + count) % period
    return torch.minimum(indices, period - indices)
