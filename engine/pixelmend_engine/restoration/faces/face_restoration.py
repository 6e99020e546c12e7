"""The faces of one picture, restored in the picture's own depth, profile and size.

What finds faces and what restores them is handed in; here is the order in which it happens. All of
the picture is looked at, also where a mask covers little of it: a face is seen whole or not at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float, Float32
from torch import Tensor

from pixelmend.errors import BadRequest, NoFaceFound
from pixelmend.wire import Raster
from pixelmend_engine.catalog.faces import MIN_SIZE
from pixelmend_engine.catalog.options import ALL
from pixelmend_engine.restoration.faces import face_batch
from pixelmend_engine.restoration.faces.alignment import Pixels
from pixelmend_engine.restoration.faces.annotation import annotated
from pixelmend_engine.restoration.faces.detection import Find
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.face_batch import (
    MOST_FACES,
    FaceResult,
    Model,
    Tools,
    Wishes,
)
from pixelmend_engine.restoration.resampling import Enlargement
from pixelmend_engine.restoration.same_size import restore_same_size
from pixelmend_engine.restoration.source_image import SourceImage, bands, blend_weights
from pixelmend_engine.restoration.upscale import upscale


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is wanted of the faces of a picture."""

    chosen: tuple[int, ...] | None = None  # numbers in the list of all faces; None: all
    min_size: int = MIN_SIZE  # pixels
    scale: float = 1.0  # the result's size over the picture's
    strength: float = 1.0


def asked(options: Mapping[str, Any]) -> Asked:
    """Reads what the options of the task `face` ask for."""
    chosen = options["faces"]
    return Asked(
        chosen=None if chosen == ALL else tuple(int(number) for number in chosen.split(",")),
        min_size=options["min_size"],
        scale=float(options["upscale"]),
        strength=float(options["strength"]),
    )


@runtime_checkable
class Models(Protocol):
    """What restores. For progress it gets how many runs there are; each face is one of them."""

    def at_once(self) -> int:
        """Returns how many faces it restores together now."""
        ...

    def faces(
        self, squares: Float[Tensor, "n 3 512 512"], numbers: Sequence[int], run: int, runs: int
    ) -> Float[Tensor, "n 3 512 512"]:
        """Restores aligned faces, the first of them as the given run.

        `numbers` are the faces', for their noise.
        """
        ...

    def background(
        self, image: Float[Tensor, "1 3 h w"], runs: int
    ) -> Float[Tensor, "1 3 hs ws"] | None:
        """Restores, or enlarges, the whole picture as the first run; None: it stays as it is."""
        ...

    @property
    def has_background(self) -> bool:
        """Whether the background is restored."""
        ...


def found(raster: Raster, find: Find, min_size: int) -> tuple[Raster, list[Face]]:
    """Finds the faces of a picture; also returns it with them marked, small and in sRGB.

    The largest come first; of more than `MOST_FACES` the rest is left out.
    """
    source = SourceImage.of(raster)
    image = source.model_input(slice(0, raster.height), slice(0, raster.width))
    faces = find(image)[:MOST_FACES]
    pixels = annotated(image, faces, min_size)
    height, width, _ = pixels.shape
    marked = Raster(width=width, height=height, samples="U8", channels="RGB", data=pixels.tobytes())
    return marked, faces


def restore(
    raster: Raster, asked: Asked, tools: Tools, models: Models
) -> tuple[Raster, list[str], list[FaceResult]]:
    """Restores the faces of a picture; also returns what the user should know, and each face.

    Raises:
        NoFaceFound: There are none, and the background is to stay as it is.
        BadRequest: A face was chosen that there is not.
    """
    results: list[FaceResult] = []
    selected = None if raster.mask is None else blend_weights(raster, 1.0) > 0

    def through(model_input: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 hs ws"]:
        restored, told = _restored(model_input, asked, selected, tools, models)
        results.extend(told)
        return restored

    if asked.scale == 1:
        result, notes = restore_same_size(raster, asked.strength, through, context=None)
    else:
        result, notes = upscale(raster, asked.scale, asked.strength, through)
    results.sort(key=lambda result: result.number)
    return result, [*notes, *said(results)], results


def _restored(
    model_input: Float[Tensor, "1 3 h w"],
    asked: Asked,
    selected: Bool[np.ndarray, "h w"] | None,
    tools: Tools,
    models: Models,
) -> tuple[Float[Tensor, "1 3 hs ws"], list[FaceResult]]:
    faces = tools.find(model_input)[:MOST_FACES]
    if not faces and not models.has_background:
        raise NoFaceFound(
            "No face was found in the picture",
            hint="Crop the picture around the face, or restore all of it with `restore`",
        )
    _check(asked.chosen, len(faces))
    wishes = Wishes(chosen=asked.chosen, min_size=asked.min_size, selected=selected)
    tasks, alone = face_batch.choose(faces, wishes, model_input.shape[-2], model_input.shape[-1])
    first = 1 if models.has_background else 0
    runs = first + len(tasks)
    background = models.background(model_input, runs)
    canvas = (
        _enlarged(model_input, asked.scale)
        if background is None
        else _pixels(background.clamp(0, 1))
    )
    done: list[int] = []

    def some(
        squares: Float[Tensor, "n 3 512 512"], numbers: Sequence[int]
    ) -> Float[Tensor, "n 3 512 512"]:
        run = first + len(done)
        done.extend(numbers)
        return models.faces(squares, numbers, run, runs)

    model = Model(restore=some, at_once=models.at_once)
    results = face_batch.restore_faces(
        _pixels(model_input), canvas, tasks, tools, model, asked.scale
    )
    return rearrange(torch.from_numpy(canvas), "h w c -> 1 c h w"), [*results, *alone]


def _check(chosen: Sequence[int] | None, count: int) -> None:
    absent = [number for number in chosen or () if number >= count]
    if absent:
        raise BadRequest(
            f"There is no face {absent[0]}: the picture has {count}, counted from 0",
            hint="`pixelmend face --list-faces` shows them",
        )


def _pixels(image: Float[Tensor, "1 3 h w"]) -> Pixels:
    return rearrange(image, "1 c h w -> h w c").float().cpu().numpy()


def _enlarged(image: Float[Tensor, "1 3 h w"], scale: float) -> Float32[np.ndarray, "hs ws 3"]:
    pixels = _pixels(image)
    if scale == 1:
        return pixels.copy()
    height, width, _ = pixels.shape
    size = (int(height * scale), int(width * scale))
    enlargement = Enlargement((height, width), size)
    result = np.empty((*size, 3), np.float32)
    for band in bands(size[0]):
        result[band] = enlargement.rows(band, pixels.__getitem__).clip(0, 1)
    return result


def said(results: Sequence[FaceResult]) -> list[str]:
    """Says in words what the user should know about the faces."""
    alone: dict[str, list[str]] = {}
    for result in results:
        if result.left_alone is not None and result.left_alone != face_batch.NOT_CHOSEN:
            alone.setdefault(result.left_alone, []).append(str(result.number))
    notes = [
        f"{'face' if len(numbers) == 1 else 'faces'} {', '.join(numbers)} left alone: {reason}"
        for reason, numbers in alone.items()
    ]
    notes += [
        f"face {result.number} changed noticeably ({result.likeness.said()}); "
        "a higher --fidelity, or a lower --strength, keeps more of the person"
        for result in results
        if result.likeness is not None and result.likeness.changed
    ]
    return notes


def facts(results: Sequence[FaceResult]) -> list[dict[str, Any]]:
    """Describes what became of each face, for a front end."""
    return [result.to_json() for result in results]
