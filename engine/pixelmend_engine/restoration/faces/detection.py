"""From what RetinaFace says of its anchors to faces: decoded, sifted, in the picture's pixels.

Source of the numbers: facexlib v0.3.0, as DiffBIR's pipeline for unaligned faces uses it.

Where we differ: pictures of more than `MOST_PIXELS` are shrunk before the network sees them, so
that memory stays bounded. Faces whose eyes are close together are not dropped here: the published
rule compares one eye with the nose by mistake, and would drop profiles; who asks has a smallest
size.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float, Float32, Int64
from torch import Tensor, nn
from torch.nn import functional

from pixelmend_engine.nn.retinaface import RetinaFaceOutput
from pixelmend_engine.restoration.faces.face import Face

Find = Callable[[Float[Tensor, "1 3 h w"]], list[Face]]
"""Finds faces in a picture, sRGB in [0, 1]; the largest first."""

MEAN = (104.0, 117.0, 123.0)  # of each channel, from 0 to 255
STRIDES = (8, 16, 32)  # pixels between the anchors of a level
SQUARES = ((16, 32), (64, 128), (256, 512))  # sides of the anchors of a level, in pixels
CENTER_VARIANCE, SIZE_VARIANCE = 0.1, 0.2  # what the network's numbers are multiplied with
CONFIDENT = 0.8  # a face is kept above that
OVERLAP = 0.4  # of two boxes, intersection over union: above that they are one face
SHORTEST_SIDE = 640  # pixels; smaller pictures are enlarged
MOST_PIXELS = 4_000_000  # that the network sees; 1.5 GB in float32


class Detector:
    """A loaded RetinaFace.

    `order` is the order of channels that the network gets: the published pipeline hands it RGB,
    though the weights were trained on BGR, whose means it subtracts.
    """

    def __init__(
        self, network: nn.Module, device: torch.device, order: Literal["rgb", "bgr"] = "rgb"
    ) -> None:
        self._network = network.to(device).eval().requires_grad_(requires_grad=False)
        self._device = device
        self._order = order

    def __call__(self, image: Float[Tensor, "1 3 h w"]) -> list[Face]:
        """Finds the faces in a picture, sRGB in [0, 1]; the largest first."""
        height, width = image.shape[-2:]
        pixels = resized(image).to(self._device) * 255
        with torch.inference_mode():
            output = self._network(
                network_input(pixels if self._order == "rgb" else pixels.flip(1))
            )
        rows = detections(output, pixels.shape[-2], pixels.shape[-1])
        scale = np.array([width / pixels.shape[-1], height / pixels.shape[-2]], np.float32)
        return sorted((_face(row, scale) for row in rows), key=lambda face: -face.size)


def resized(image: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h2 w2"]:
    """Enlarges a picture until its shorter side is long enough; shrinks one that is too large."""
    height, width = image.shape[-2:]
    factor = max(1.0, SHORTEST_SIDE / min(height, width))
    if factor**2 * height * width > MOST_PIXELS:
        factor = (MOST_PIXELS / (height * width)) ** 0.5
    if factor == 1:
        return image
    # Cut off, as published; what is added keeps 639.99... from becoming 639.
    height, width = (max(1, int(side * factor + 1e-6)) for side in (height, width))
    size = (height, width)
    return functional.interpolate(
        image, size, mode="bilinear", align_corners=False, antialias=factor < 1
    )


def network_input(image: Float[Tensor, "1 3 h w"]) -> Float[Tensor, "1 3 h w"]:
    """Subtracts the mean of each channel; values from 0 to 255."""
    return image - rearrange(image.new_tensor(MEAN), "c -> 1 c 1 1")


def detections(
    output: RetinaFaceOutput, height: int, width: int, confident: float = CONFIDENT
) -> Float32[np.ndarray, "n 15"]:
    """Returns a row for each face, the most confident first.

    A row is left, top, right, bottom, confidence, then x and y of each landmark, in pixels of what
    the network saw.
    """
    anchors = priors(height, width)
    size = np.array([width, height], np.float32)
    scores = output.logits[0].softmax(dim=1)[:, 1].cpu().numpy()
    kept = scores > confident
    offsets, landmarks = (
        part[0].cpu().numpy()[kept] for part in (output.offsets, output.landmarks)
    )
    boxes = decode_boxes(offsets, anchors[kept]) * np.tile(size, 2)
    points = decode_landmarks(landmarks, anchors[kept]) * np.tile(size, 5)
    rows = np.hstack([boxes, scores[kept, None], points])
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    return rows[distinct(rows[:, :5])]


def priors(height: int, width: int) -> Float32[np.ndarray, "n 4"]:
    """Returns the anchors of a picture: center x, y, width, height, as shares of its sides."""
    levels: list[np.ndarray] = []
    for stride, squares in zip(STRIDES, SQUARES, strict=True):
        rows, columns = -(-height // stride), -(-width // stride)
        y, x, side = np.meshgrid(
            (np.arange(rows) + 0.5) * stride / height,
            (np.arange(columns) + 0.5) * stride / width,
            np.array(squares, np.float64),
            indexing="ij",
        )
        level = np.stack([x, y, side / width, side / height], axis=-1)
        levels.append(rearrange(level, "h w a k -> (h w a) k"))
    return np.concatenate(levels).astype(np.float32)


def decode_boxes(
    offsets: Float32[np.ndarray, "n 4"], anchors: Float32[np.ndarray, "n 4"]
) -> Float32[np.ndarray, "n 4"]:
    """Turns the network's offsets into left, top, right, bottom, as shares of the sides."""
    centers = anchors[:, :2] + offsets[:, :2] * np.float32(CENTER_VARIANCE) * anchors[:, 2:]
    sizes = anchors[:, 2:] * np.exp(offsets[:, 2:] * np.float32(SIZE_VARIANCE))
    return np.hstack([centers - sizes / 2, centers + sizes / 2])


def decode_landmarks(
    offsets: Float32[np.ndarray, "n 10"], anchors: Float32[np.ndarray, "n 4"]
) -> Float32[np.ndarray, "n 10"]:
    """Turns the network's offsets into x and y of each landmark, as shares of the sides."""
    centers, sizes = np.tile(anchors[:, :2], 5), np.tile(anchors[:, 2:], 5)
    return centers + offsets * np.float32(CENTER_VARIANCE) * sizes


def distinct(
    boxes: Float32[np.ndarray, "n 5"], overlap: float = OVERLAP
) -> Int64[np.ndarray, " kept"]:
    """Returns which boxes are faces of their own, the most confident first.

    Non-maximum suppression: of boxes that overlap, the most confident stays.
    """
    left, top, right, bottom, confidence = boxes.T
    areas = (right - left) * (bottom - top)
    waiting = np.argsort(-confidence, kind="stable")
    kept: list[int] = []
    while len(waiting):
        best, others = waiting[0], waiting[1:]
        kept.append(int(best))
        wide = np.minimum(right[best], right[others]) - np.maximum(left[best], left[others])
        high = np.minimum(bottom[best], bottom[others]) - np.maximum(top[best], top[others])
        shared = np.maximum(0, wide) * np.maximum(0, high)
        waiting = others[shared <= overlap * (areas[best] + areas[others] - shared)]
    return np.array(kept, np.int64)


def _face(row: Float32[np.ndarray, " 15"], scale: Float32[np.ndarray, " 2"]) -> Face:
    left, top, right, bottom = (float(side) for side in row[:4] * np.tile(scale, 2))
    points = rearrange(row[5:], "(n k) -> n k", k=2) * scale
    return Face(
        box=(left, top, right, bottom),
        landmarks=tuple((float(x), float(y)) for x, y in points),
        confidence=float(row[4]),
    )
