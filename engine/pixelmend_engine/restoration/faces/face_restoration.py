"""The faces of one picture, restored in the picture's own depth, profile and size.

What finds faces and what restores them is handed in; here is the order in which it happens. All of
the picture is looked at, also where a mask covers little of it: a face is seen whole or not at all.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32
from torch import Tensor

from pixelmend.errors import BadRequest, NoFaceFound
from pixelmend.wire import Raster
from pixelmend_engine.catalog.options import ALL
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.faces import face_batch
from pixelmend_engine.restoration.faces.alignment import Pixels
from pixelmend_engine.restoration.faces.annotation import annotated
from pixelmend_engine.restoration.faces.detector_and_parser import FaceNetworks
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.face_batch import MOST_FACES, FaceResult, FaceSelection
from pixelmend_engine.restoration.model_runner import ModelRunner
from pixelmend_engine.restoration.resampling import Enlargement
from pixelmend_engine.restoration.same_size import restore_same_size
from pixelmend_engine.restoration.source_image import SourceImage, bands, blend_weights
from pixelmend_engine.restoration.upscale import upscale


def selection_of(options: Mapping[str, Any]) -> FaceSelection:
    """Reads which faces the options of the task `face` ask for."""
    faces = options["faces"]
    numbers = None if faces == ALL else tuple(int(number) for number in faces.split(","))
    return FaceSelection(numbers=numbers, min_size=options["min_size"])


def find_faces(raster: Raster, networks: FaceNetworks, min_size: int) -> tuple[Raster, list[Face]]:
    """Finds the faces of a picture; also returns it with them marked, small and in sRGB.

    The largest come first; of more than `MOST_FACES` the rest is left out.
    """
    source = SourceImage.of(raster)
    image = source.model_input(slice(0, raster.height), slice(0, raster.width))
    faces = networks.find(image)[:MOST_FACES]
    pixels = annotated(image, faces, min_size)
    height, width, _ = pixels.shape
    marked = Raster(
        width=width, height=height, sample_type="U8", channels="RGB", data=pixels.tobytes()
    )
    return marked, faces


@dataclass(frozen=True, kw_only=True)
class FaceModels:
    """What takes part in restoring faces."""

    networks: FaceNetworks
    faces: ModelRunner
    background: ModelRunner | None = None  # of the whole picture; None: it stays as it is


def restore(
    raster: Raster,
    selection: FaceSelection,
    models: FaceModels,
    progress: Progress,
    *,
    scale: float = 1.0,
    strength: float = 1.0,
) -> tuple[Raster, list[str], list[FaceResult]]:
    """Restores the faces of a picture; also returns what the user should know, and each face.

    The result is `scale` times as wide and high.

    Raises:
        NoFaceFound: There are none, and the background is to stay as it is.
        BadRequest: A face was chosen that there is not.
    """
    area = None if raster.mask is None else blend_weights(raster, 1.0) > 0
    runner = _PictureRunner(dataclasses.replace(selection, area=area), models, scale)
    if scale == 1:
        result, notes = restore_same_size(raster, strength, runner, progress, context=None)
    else:
        result, notes = upscale(raster, scale, strength, runner, progress)
    results = sorted(runner.results, key=lambda result: result.number)
    return result, [*notes, *notes_on(results)], results


class _PictureRunner:
    # Restores a picture as a model would: its background, then face after face.

    def __init__(self, selection: FaceSelection, models: FaceModels, scale: float) -> None:
        self.results: list[FaceResult] = []
        self._selection = selection
        self._models = models
        self._scale = scale

    def max_batch_size(self, height: int, width: int) -> int:  # noqa: ARG002 - it is a whole one
        return 1

    def run(
        self,
        image: Float[Tensor, "1 3 h w"],
        progress: Progress,
        numbers: Sequence[int] = (0,),  # noqa: ARG002 - faces have their own
        remaining: int = 1,  # noqa: ARG002
    ) -> Float[Tensor, "1 3 hs ws"]:
        models, scale = self._models, self._scale
        faces = models.networks.find(image)[:MOST_FACES]
        if not faces and models.background is None:
            raise NoFaceFound(
                "No face was found in the picture",
                hint="Crop the picture around the face, or restore all of it with `restore`",
            )
        _check(self._selection.numbers, len(faces))
        crops, left_alone = face_batch.select(faces, self._selection, *image.shape[-2:])
        first = 0 if models.background is None else 1
        total = first + len(crops)
        if models.background is None:
            canvas = _enlarged(image, scale)
        else:
            restored = models.background.run(image, progress.part(1, of=total))
            canvas = _pixels(restored.clamp(0, 1))
        self.results += left_alone
        if crops:
            part = progress.part(len(crops), after=first, of=total)
            self.results += face_batch.restore_faces(
                _pixels(image), canvas, crops, models.networks, models.faces, part, scale
            )
        return rearrange(torch.from_numpy(canvas), "h w c -> 1 c h w")


def _check(numbers: Sequence[int] | None, count: int) -> None:
    absent = [number for number in numbers or () if number >= count]
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


def notes_on(results: Sequence[FaceResult]) -> list[str]:
    """Says in words what the user should know about the faces."""
    left_alone: dict[str, list[str]] = {}
    for result in results:
        if result.left_alone is not None and result.left_alone != face_batch.NOT_CHOSEN:
            left_alone.setdefault(result.left_alone, []).append(str(result.number))
    notes = [
        f"{'face' if len(numbers) == 1 else 'faces'} {', '.join(numbers)} left alone: {reason}"
        for reason, numbers in left_alone.items()
    ]
    notes += [
        f"face {result.number} changed noticeably ({result.identity_check.in_words()}); "
        "a higher --fidelity, or a lower --strength, keeps more of the person"
        for result in results
        if result.identity_check is not None and result.identity_check.changed
    ]
    return notes
