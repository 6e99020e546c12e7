"""Batches: which crops of which pictures a step sees.

A step's batch depends on the seed, the step and the number of the process, and on nothing that
happened before. So a run that is killed goes on with the same batches, and nothing has to be kept.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor

from pixelmend.errors import BadRequest
from pixelmend_engine.training.batch import Batch, joined
from pixelmend_engine.training.data import augmentations, pictures
from pixelmend_engine.training.data.folders import Scene, Source, split
from pixelmend_engine.training.data.sample_pool import Pool
from pixelmend_engine.training.degradations import degrade
from pixelmend_engine.training.degradations.degrade import Worsening
from pixelmend_engine.training.degradations.inpainting_masks import Holes
from pixelmend_engine.training.degradations.random_source import Dice
from pixelmend_engine.training.recipes.recipe import Phase, Recipe

Picture = UInt8[Tensor, "3 h w"]


class Shelf:
    """Pictures, decoded once: kept where they are used as long as there is room, then in memory."""

    def __init__(
        self, paths: Sequence[Path], device: torch.device, *, room_bytes: int, spare_bytes: int
    ) -> None:
        self._paths = paths
        self._device = device
        self._kept: dict[Path, Picture] = {}
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            for path, picture in zip(paths, threads.map(pictures.read, paths), strict=True):
                if room_bytes >= picture.nbytes:
                    room_bytes -= picture.nbytes
                    self._kept[path] = picture.to(device)
                elif spare_bytes >= picture.nbytes:
                    spare_bytes -= picture.nbytes
                    self._kept[path] = picture
                else:
                    threads.shutdown(cancel_futures=True)
                    break

    def take(self, path: Path) -> Picture:
        """Returns a picture; one that found no room is decoded again each time."""
        kept = self._kept.get(path)
        return (pictures.read(path) if kept is None else kept).to(self._device)


class Data:
    """The pictures of all folders of a run, without those that are kept back for validation."""

    def __init__(
        self,
        sources: Sequence[Source],
        recipe: Recipe,
        how: Worsening,
        *,
        seed: int,
        device: torch.device,
        room_bytes: int,  # on the device
        spare_bytes: int = 0,  # in memory, where the device has its own
    ) -> None:
        parts = [split(source.scenes()) for source in sources]
        self._training = [training for training, _ in parts]
        self.validation = [scene for _, kept in parts for scene in kept]
        for source, training in zip(sources, self._training, strict=True):
            if not training:
                raise BadRequest(
                    f"The folder has too few pictures to keep one back: `{source.folder}`",
                    hint="Training takes two pictures at the least, and a hundred to be worth it",
                )
            if source.kind == "pairs" and isinstance(how, Holes):
                raise BadRequest(
                    f"This recipe makes holes itself, and takes no pairs: `{source.folder}`",
                    hint="Give the folder of whole pictures with --sharp",
                )
        weights = np.array([source.weight for source in sources])
        self._shares = weights / weights.sum()
        self._recipe = recipe
        self._how = how
        self._seed = seed
        self._device = device
        self._pools: dict[tuple[Phase, int], Pool] = {}
        paths = [path for part in self._training for scene in part for path in scene.paths]
        self._shelf = Shelf(paths, device, room_bytes=room_bytes, spare_bytes=spare_bytes)

    @property
    def names(self) -> list[str]:
        """Names every picture that is trained on, in the order that crops are drawn from."""
        return [scene.name for part in self._training for scene in part]

    def batch(self, step: int, process: int, phase: Phase) -> Batch:
        """Draws what a step learns from."""
        if not self._recipe.pool:
            return self._made(process, phase, step)
        key = (phase, process)
        if key not in self._pools:
            make = partial(self._made, process, phase)
            self._pools[key] = Pool(self._recipe.pool, phase.batch, (self._seed, process), make)
        return self._pools[key].batch(step)

    def _made(self, process: int, phase: Phase, step: int) -> Batch:
        """Draws the crops of one step, and makes them worse.

        As published, a window is drawn from each picture (384 pixels), and then a crop at one
        place of all windows.
        """
        rng = np.random.default_rng([self._seed, step, process])
        place = rng.random(2)
        turns = self._recipe.turns
        cut = degrade.cut(self._how, phase.patch)
        scale = degrade.scale(self._how)
        sharp: list[Tensor] = []
        paired: list[tuple[Tensor, Tensor]] = []
        for _ in range(phase.batch):
            part = self._training[rng.choice(len(self._shares), p=self._shares)]
            scene = part[rng.integers(len(part))]
            clear = self._shelf.take(scene.sharp)
            window_at, turn = rng.random(2), turns[int(rng.integers(len(turns)))]
            if isinstance(self._how, Holes) and self._how.varied:
                sharp.append(augmentations.varied(clear, phase.patch, Dice(_generator(rng))))
            elif scene.blurred is None:
                draw = _Crop(window_at, place, turn, cut.side, self._recipe.window)
                sharp.append(draw.of(clear, cut.around))
            else:
                blurred = self._shelf.take(scene.blurred)
                check_sizes(scene, blurred, clear, scale)
                small, window = phase.patch // scale, self._recipe.window // scale
                draw = _Crop(window_at, place, turn, small, window)
                paired.append((draw.of(blurred, 0), draw.of(clear, 0, scale)))
        generator = _generator(rng)
        made: list[Batch] = []
        if sharp:
            whole = torch.stack(sharp) / 255
            made.append(degrade.worsen(whole, self._how, phase.patch, generator))
        if paired:
            lq = torch.stack([blurred for blurred, _ in paired]) / 255
            hq = torch.stack([clear for _, clear in paired]) / 255
            made.append(Batch(lq, hq))
        return joined(made)


def _generator(rng: np.random.Generator) -> torch.Generator:
    return torch.Generator().manual_seed(int(rng.integers(2**62)))


def check_sizes(
    scene: Scene, blurred: Picture, sharp: UInt8[Tensor, "3 hs ws"], scale: int = 1
) -> None:
    """Makes sure that the pictures of a pair fit together.

    Raises:
        BadRequest: They differ in size, or in another factor than `scale`.
    """
    if sharp.shape[1:] != (scale * blurred.shape[1], scale * blurred.shape[2]):
        differ = "differ in size" if scale == 1 else f"are not {scale} to 1 in size"
        raise BadRequest(
            f"The two pictures of a pair {differ}: `{scene.name}`",
            hint="Take it out of the folder, or give both the same size"
            if scale == 1
            else "Take it out of the folder, or let --sharp make the smaller ones",
        )


@dataclass(frozen=True)
class _Crop:
    """Where a crop lies in its picture, and which way round it is."""

    window_at: np.ndarray  # two shares: down, right
    place: np.ndarray  # the same, of the crop in the window
    turn: int  # one of the eight ways to lay a square
    patch: int
    window: int

    def of(self, picture: Picture, around: int, scale: int = 1) -> UInt8[Tensor, "3 n n"]:
        """Cuts it out, with so many pixels around; a picture is mirrored at its borders.

        `scale` is how many of its pixels make one of those that the crop is measured in.
        """
        for axis in (0, 1):
            size = picture.shape[axis + 1] // scale
            window = min(self.window, max(size, self.patch))
            first = int(self.window_at[axis] * (max(0, size - window) + 1))
            first += int(self.place[axis] * (window - self.patch))
            count = (self.patch + 2 * around) * scale
            indices = mirrored((first - around) * scale, count, size * scale)
            picture = picture.index_select(axis + 1, indices.to(picture.device))
        quarters, flipped = divmod(self.turn, 2)
        picture = picture.flip(1) if flipped else picture
        return torch.rot90(picture, quarters, dims=(1, 2))


def mirrored(first: int, count: int, size: int) -> Tensor:
    """Returns indices from `first` on, mirrored at both ends of an axis of so many places."""
    if size == 1:
        return torch.zeros(count, dtype=torch.long)
    period = 2 * (size - 1)
    indices = torch.arange(first, first + count) % period
    return torch.minimum(indices, period - indices)
