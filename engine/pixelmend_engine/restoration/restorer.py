"""A model as a function in Python: arrays, Pillow images and files in, the same kind out."""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from pixelmend import paths
from pixelmend.errors import BadImage, BadRequest, UnsupportedImage
from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.images import files, limits
from pixelmend_engine.images.image_file import CHANNELS, ImageFile, with_channels
from pixelmend_engine.images.metadata import Metadata
from pixelmend_engine.images.sample_types import NAMES, white
from pixelmend_engine.restoration.model_choice import check
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.weights.download import network_settings

logger = logging.getLogger(__name__)

Array = Shaped[np.ndarray, "..."]
File = str | os.PathLike[str]
ImageLike = Array | Image.Image | File
Progress = Callable[[int, int], object]

MODES = ("L", "LA", "RGB", "RGBA", "I;16")  # of Pillow, that hold what an array may hold


class Restorer:
    """A loaded model: called with a picture, it returns the restored one. See `load`."""

    def __init__(self, model: str, weights: Path | None, options: dict[str, Any]) -> None:
        self._weights = weights
        self._network = network_settings.resolve(os.environ)
        self._options = {"model": model, **options}
        models_dir = Path(os.environ.get("PIXELMEND_MODELS") or paths.resolve().models)
        self._session = Session(models_dir.expanduser().absolute(), self._network)
        self.info: dict[str, Any] = {}
        """What there is to say of the last picture: its model, device, tiles, seconds, notes."""
        request = self._request({})
        offline = bool(request.options["offline"])
        # Whether something is selected is seen with each picture.
        check(request.model, self._session.models_dir, offline=offline, selected=True)

    @overload
    def __call__(
        self,
        image: Array,
        *,
        mask: ImageLike | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Array: ...
    @overload
    def __call__(
        self,
        image: Image.Image | File,
        *,
        mask: ImageLike | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Image.Image: ...
    def __call__(
        self,
        image: ImageLike,
        *,
        mask: ImageLike | None = None,
        progress: Progress | None = None,
        **options: Any,
    ) -> Array | Image.Image:
        """Restores one picture, and leaves the one that it was given as it is.

        Args:
            image: An array `[h, w]` (gray), `[h, w, 2]` (gray and alpha), `[h, w, 3]` (RGB) or
                `[h, w, 4]` (RGBA), alpha not premultiplied, sRGB: `uint8` and `uint16` span 0 to
                white, `float16` and `float32` 0 to 1. Or a Pillow image of mode L, LA, RGB, RGBA or
                I;16, in the color space of its profile. Or a file's path: read upright, of 8 bits a
                sample.
            mask: What is to be restored, of the picture's height and width: white is, black is
                not, gray is in part. `bool`, or as `image`. For the task `inpaint`, what is to be
                filled; without it, what is transparent.
            progress: Is called with the steps that are done and the steps in all, after each; and
                before, while weights are downloaded, with bytes (0 in all: nobody knows). An
                exception that it raises ends the work and comes out of this call; a download goes
                on with the next where it stopped.
            options: Of the task, for this picture alone; those of `load` hold for all.

        Returns:
            The restored picture: for an array one of the same type and channels, else a Pillow
            image of the same mode with the same profile. Of the same size, unless `scale` or
            `upscale` makes it larger. What the model has to say is in `info`, notes among it.

        Raises:
            BadRequest: An option is not what its schema says.
            BadImage: The picture is too small, too large or damaged, or the mask does not fit.
            UnsupportedImage: It is of a type that can't be restored without losing part of it.
            WeightsMissing: The weights are not on this computer, and can't be downloaded.
            OutOfMemory: The picture does not fit, however it is cut.
            PixelmendError: See `pixelmend.errors`; the message and the hint are for the user.
        """
        request = self._request(options)
        photo = _photo(image)
        height, width, _ = photo.pixels.shape
        limits.check_size(width, height, "image")
        limits.check_result(
            width, height, float(request.options.get("upscale", request.model.scale))
        )
        raster = files.to_raster(photo, None if mask is None else _mask(mask))

        def listen(phase: str, done: int, total: int, message: str = "", /) -> None:
            if message:
                logger.warning("%s", message)
            if progress is not None and phase in ("download", "run") and (done or total):
                progress(done, total)

        result, self.info = self._session.run(raster, request, listen)
        for note in self.info["notes"]:
            logger.info("%s", note)
        restored = files.with_pixels(photo, result)
        if isinstance(image, np.ndarray):
            pixels = restored.pixels if image.ndim == 3 else restored.pixels[..., 0]
            return pixels if pixels.flags.writeable else pixels.copy()
        return _pillow(restored, image)

    def _request(self, options: dict[str, Any]) -> TaskRequest:
        parameters = self._options | options
        offline = bool(parameters.get("offline")) or self._network.offline
        if "task" not in parameters:
            if parameters["model"] == AUTO:
                raise BadRequest(
                    "Nothing says what is to be done", hint='Name a model, or a task: task="deblur"'
                )
            parameters["task"] = registry.find(parameters["model"]).tasks[0]
        return TaskRequest.of(parameters | {"offline": offline}, self._weights)


def load(model: str = AUTO, *, weights: File | None = None, **options: Any) -> Restorer:
    """See `pixelmend_engine.load`."""
    return Restorer(model, None if weights is None else Path(weights), options)


def _photo(image: ImageLike) -> ImageFile:
    if isinstance(image, np.ndarray):
        return ImageFile(pixels=_pixels(image))
    if isinstance(image, Image.Image):
        if image.mode not in MODES:
            raise UnsupportedImage(
                f"The picture is of Pillow's mode `{image.mode}`",
                hint='Convert it first: image.convert("RGB")',
            )
        profile = image.info.get("icc_profile")
        return ImageFile(pixels=_pixels(np.array(image)), metadata=Metadata(icc_profile=profile))
    photo = files.read(Path(image))
    if photo.pixels.dtype != np.uint8:
        raise UnsupportedImage(
            f"`{Path(image).name}` has more than 8 bits a sample, and Pillow images have not",
            hint="Read it as an array, or use the command line",
        )
    return photo


def _pixels(array: Array) -> Shaped[np.ndarray, "h w c"]:
    # A copy where need be: rows one after the other, in the order of bytes that travels.
    if array.dtype.name not in NAMES:
        raise UnsupportedImage(
            f"The picture is an array of `{array.dtype.name}`", hint=f"Use {', '.join(NAMES)}"
        )
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in CHANNELS):
        raise BadImage(
            f"The picture is an array of shape `{array.shape}`",
            hint="Use [h, w], or [h, w, c] of 1 to 4 channels",
        )
    return np.ascontiguousarray(with_channels(array), array.dtype.newbyteorder("<"))


def _mask(mask: ImageLike) -> UInt8[np.ndarray, "h w"]:
    if isinstance(mask, Image.Image):
        return np.array(mask.convert("L"))
    if not isinstance(mask, np.ndarray):
        return files.read_mask(Path(mask))
    if mask.ndim != 2 or mask.dtype.name not in (*NAMES, "bool"):
        raise BadImage(
            f"The mask is an array of `{mask.dtype.name}`, shape `{mask.shape}`",
            hint="Use [h, w] of bool, or of a type that pictures have",
        )
    top = 1 if mask.dtype == bool else white(mask.dtype)
    values = np.nan_to_num(mask.astype(np.float32)).clip(0, top)
    return np.rint(values * np.float32(255 / top)).astype(np.uint8)


def _pillow(photo: ImageFile, source: Image.Image | File) -> Image.Image:
    channels = photo.pixels.shape[2]
    image = Image.fromarray(photo.pixels if channels > 1 else photo.pixels[..., 0])
    if isinstance(source, Image.Image):
        image.info.update(source.info)
        return image
    metadata = dataclasses.asdict(photo.metadata)
    image.info.update({name: metadata[name] for name in ("icc_profile", "exif") if metadata[name]})
    return image
