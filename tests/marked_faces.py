"""Faces that a person has marked, so that no weights are needed to find them.

The portrait is in the repository; photographs that are not are looked for in the folder that
`PIXELMEND_TEST_PHOTOS` names.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from jaxtyping import UInt8
from PIL import Image
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor, nn

from pixelmend_engine.catalog.faces import DETECTOR, PARSER
from pixelmend_engine.catalog.weight_files import manifest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.faces.alignment import SIDE, TEMPLATE, Pixels, Square
from pixelmend_engine.restoration.faces.detection import Find
from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser
from pixelmend_engine.restoration.faces.face import Face
from pixelmend_engine.restoration.faces.parsing import Parse
from pixelmend_engine.weights import store
from pixelmend_engine.weights.checkpoints.reading import StateDict

EXAMPLES = Path(__file__).parent.parent / "examples"
SKIN = 1  # a class of ParseNet


def marked(*points: tuple[float, float], confidence: float = 1.0) -> Face:
    """A face with these landmarks; its box is as far around them as RetinaFace's is."""
    xy = np.array(points)
    left, top = xy.min(axis=0)
    right, bottom = xy.max(axis=0)
    wide, high = right - left, bottom - top
    box = (left - 0.5 * wide, top - 0.9 * high, right + 0.5 * wide, bottom + 0.6 * high)
    return Face(
        box=tuple(float(side) for side in box),  # pyright: ignore[reportArgumentType] - four
        landmarks=tuple((float(x), float(y)) for x, y in points),
        confidence=confidence,
    )


PORTRAIT = marked((203.6, 101.3), (246.7, 103.3), (225.8, 127.4), (205, 140.8), (243.3, 141.7))

PHOTOGRAPHS = {  # by file
    "057_os-48.webp": (
        marked((188.7, 162), (231.3, 158), (205.3, 188.7), (198.7, 214.7), (230, 212)),
        marked((416.7, 150), (460, 148), (448, 170), (424.7, 198), (460, 195.3)),
    ),
    "206_cong-y000064.webp": (marked((227, 355), (367, 347), (304, 431), (240, 505), (383, 492)),),
    "207_cong-c001066.webp": (
        marked((235, 346.5), (383, 348.6), (314, 429), (243.5, 499.6), (388, 497.5)),
    ),
    "212_cong-s001162.webp": (
        marked((256.7, 334.3), (407.7, 327), (343.5, 426), (280, 487), (409.8, 480)),
    ),
    "221_cong-b001230.webp": (
        marked((211.8, 348.6), (362.9, 349.6), (288.4, 429.2), (220, 495.5), (361.8, 492.4)),
    ),
    "242_cong-d000197.webp": (
        marked((279, 296.5), (409.8, 296.5), (346.5, 378), (280, 427), (399.6, 427)),
    ),
}


def pixels(path: Path) -> Pixels:
    """Reads a picture as sRGB in [0, 1]."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"), np.float32) / 255


def portrait() -> Pixels:
    """NASA's portrait of Eileen Collins, 512 x 512."""
    return pixels(EXAMPLES / "astronaut.png")


def photograph(name: str) -> Pixels:
    """A photograph that is not in the repository; skips the test where it is not there."""
    folder = os.environ.get("PIXELMEND_TEST_PHOTOS")
    if folder is None or not (Path(folder) / name).is_file():
        pytest.skip(f"PIXELMEND_TEST_PHOTOS names no folder with {name}")
    return pixels(Path(folder) / name)


def parse_by_hand(square: Square) -> UInt8[np.ndarray, "512 512"]:
    """Says that the oval in which every aligned face lies is skin, whatever is there."""
    y, x = np.mgrid[:SIDE, :SIDE]
    oval = ((x - 256) / 130) ** 2 + ((y - 310) / 170) ** 2 < 1
    return (oval * SKIN).astype(np.uint8)


@dataclass
class Given:
    """Stands in for the detector: says what it was told, for every picture."""

    faces: list[Face]

    def __call__(self, image: Tensor) -> list[Face]:
        return self.faces


def mild_network(seed: int = 0) -> nn.Module:
    """A small restoration network with random weights, whose changes can be seen."""
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 3, 3, padding=1))
    for parameter in network.parameters():
        parameter.data = torch.randn(parameter.shape, generator=generator) * 0.1
    return network.requires_grad_(requires_grad=False)


class Mild:
    """Restores squares with the small network, and remembers which went together."""

    def __init__(self, network: nn.Module | None = None, most: int = 1) -> None:
        self.network = network or mild_network()
        self.most = most
        self.batches: list[list[int]] = []
        self.remaining: list[int] = []

    def max_batch_size(self, height: int, width: int) -> int:
        return self.most

    def run(
        self,
        image: Tensor,
        progress: Progress,
        numbers: Sequence[int] = (0,),
        remaining: int = 1,
    ) -> Tensor:
        self.batches.append(list(numbers))
        self.remaining.append(remaining)
        progress.update(1, 1)
        return self.change(image, numbers)

    def change(self, squares: Tensor, numbers: Sequence[int]) -> Tensor:
        """What it makes of squares."""
        return squares + self.network(squares)


class Changed(Mild):
    """Restores squares with a function of them and their numbers."""

    def __init__(self, function: Callable[[Tensor, Sequence[int]], Tensor], most: int = 1) -> None:
        super().__init__(most=most)
        self.function = function

    def change(self, squares: Tensor, numbers: Sequence[int]) -> Tensor:
        return self.function(squares, numbers)


def unchanged(squares: Tensor, numbers: Sequence[int]) -> Tensor:
    """Restores nothing."""
    return squares


LEAST_NOSE = 40  # pixels of a red spot
NOSE_FACE = 120.0  # pixels: how large `red_nose_detector` takes a face to be
BETWEEN = 44.0  # pixels between the eyes of such a face


def red_nose_detector() -> StateDict:
    """Weights for RetinaFace, of the published names, with which a red spot is a nose.

    One channel carries red less green and blue to the finest level, where the larger anchor listens
    to it; boxes and landmarks lie around the spot as those of an upright face do.
    """
    state = {key: torch.zeros(shape) for key, shape in manifest("diffbir-retinaface-r50").items()}
    for key in state:
        if key.endswith("running_var") or (key.endswith("weight") and state[key].ndim == 1):
            state[key] += 1
    state["body.conv1.weight"][0, :, 3, 3] = torch.tensor([1.0, -1.0, -1.0]) / 100
    state["body.bn1.bias"][0] = (104 - 117 - 123) / 100 - 1.8  # what the means took; a threshold
    for stage in (1, 2, 3, 4):
        state[f"body.layer{stage}.0.downsample.0.weight"][0, 0] = 1
    state["fpn.output1.0.weight"][0, 0] = 1
    state["fpn.merge1.0.weight"][0, 0, 1, 1] = 1
    state["ssh1.conv3X3.0.weight"][0, 0, 1, 1] = 1
    for level in range(3):
        state[f"ClassHead.{level}.conv1x1.bias"] += torch.tensor([9.0, -9.0, 9.0, -9.0])
    state["ClassHead.0.conv1x1.weight"][3, 0] = 100  # the larger anchor: 32 pixels
    grown = float(np.log(NOSE_FACE / 32) / 0.2)
    state["BboxHead.0.conv1x1.bias"][6:] = grown
    template = (TEMPLATE - TEMPLATE[2]) * BETWEEN / (TEMPLATE[1, 0] - TEMPLATE[0, 0])
    around = torch.from_numpy(template / (0.1 * 32)).float()
    state["LandmarkHead.0.conv1x1.bias"][10:] = around.flatten()
    return state


def find_noses(image: Tensor) -> list[Face]:
    """Does at once what the detector with those weights does, exactly and without a network."""
    pixels = np.asarray(image[0], np.float32)
    spots = np.asarray((pixels[0] > 0.6) & (pixels[1] < 0.4) & (pixels[2] < 0.4), np.uint8)
    count, labels = cv2.connectedComponents(spots)
    noses: list[tuple[float, float]] = []
    for label in range(1, count):
        rows, columns = np.nonzero(np.asarray(labels) == label)
        if len(rows) >= LEAST_NOSE:
            noses.append((float(columns.mean()), float(rows.mean())))
    around = (TEMPLATE - TEMPLATE[2]) * BETWEEN / (TEMPLATE[1, 0] - TEMPLATE[0, 0])
    return [marked(*(around + np.array(nose)).tolist()) for nose in noses]


class GivenNetworks(FaceDetectorAndParser):
    """Finds red noses, and takes all of a face for face, unless other functions are given."""

    def __init__(self, find: Find = find_noses, parse: Parse = parse_by_hand) -> None:
        super().__init__(Path())
        self._find = find
        self._parse = parse

    def load_detector(self, device: torch.device) -> None:
        """Loads nothing."""

    def load(self, device: torch.device) -> None:
        """Loads nothing."""

    def find(self, image: Tensor) -> list[Face]:
        """Finds faces."""
        return self._find(image)

    def parse(self, square: Square) -> UInt8[np.ndarray, "512 512"]:
        """Parses one."""
        return self._parse(square)


def skin_everywhere() -> StateDict:
    """Weights for ParseNet, of the published names, with which all is skin."""
    state = {key: torch.zeros(shape) for key, shape in manifest("diffbir-parsenet").items()}
    for key in state:
        if key.endswith("running_var"):
            state[key] += 1
    state["out_mask_conv.conv2d.bias"][SKIN] = 1
    return state


def install_face_networks(models_dir: Path) -> None:
    """Puts both where the published files would lie."""
    for file_id, state in ((DETECTOR, red_nose_detector()), (PARSER, skin_everywhere())):
        path = store.path_of(file_id, models_dir)
        path.parent.mkdir(parents=True)
        save_file(state, path)


def with_noses(size: tuple[int, int], *noses: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """A soft gray picture of some height and width, with red spots in it."""
    picture = np.full((*size, 3), 128, np.uint8)
    picture[:, :, 1] += np.linspace(0, 40, size[1], dtype=np.uint8)
    for x, y in noses:
        picture[y - 9 : y + 10, x - 9 : x + 10] = (255, 0, 0)
    return picture
