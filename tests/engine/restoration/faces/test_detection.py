"""Pictures of every size reach the detector; faces come back in the picture's own pixels."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from pixelmend_engine.nn.retinaface import RetinaFaceOutput
from pixelmend_engine.restoration.faces import detection
from pixelmend_engine.restoration.faces.detection import (
    MOST_PIXELS,
    SHORTEST_SIDE,
    Detector,
    priors,
)

CPU = torch.device("cpu")


class Sure(nn.Module):
    """Stands in for RetinaFace: some anchors are faces, exactly as large as they are."""

    def __init__(self, *anchors: int) -> None:
        super().__init__()
        self.anchors = anchors
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> RetinaFaceOutput:
        self.seen.append(image)
        count = len(priors(image.shape[-2], image.shape[-1]))
        logits = torch.tensor([5.0, -5.0]).repeat(1, count, 1)
        for anchor in self.anchors:
            logits[:, anchor] = logits[:, anchor].flip(1)
        return RetinaFaceOutput(torch.zeros(1, count, 4), logits, torch.zeros(1, count, 10))


@given(height=st.integers(1, 900), width=st.integers(1, 900))
def test_small_pictures_are_enlarged_and_no_picture_is_too_large(height: int, width: int) -> None:
    network_input = detection.resized(torch.zeros(1, 3, height, width))
    assert network_input.shape[-2] * network_input.shape[-1] <= MOST_PIXELS
    if height * width * (SHORTEST_SIDE / min(height, width)) ** 2 < MOST_PIXELS:
        assert min(network_input.shape[-2:]) in (
            SHORTEST_SIDE,
            max(SHORTEST_SIDE, min(height, width)),
        )


def test_a_picture_of_the_right_size_is_seen_as_it_is() -> None:
    image = torch.rand(1, 3, 700, 800)
    assert detection.resized(image) is image


def test_large_pictures_are_shrunk() -> None:
    network_input = detection.resized(torch.zeros(1, 3, 4000, 6000))
    assert 0.99 * MOST_PIXELS < network_input.shape[-2] * network_input.shape[-1] <= MOST_PIXELS


@pytest.mark.parametrize(("height", "width"), [(320, 400), (640, 700), (4000, 3000)])
def test_faces_come_back_in_the_pixels_of_the_picture(height: int, width: int) -> None:
    network = Sure(5000)
    (face,) = Detector(network, CPU)(torch.rand(1, 3, height, width))
    network_input = network.seen[0]
    x, y, wide, high = priors(network_input.shape[-2], network_input.shape[-1])[5000]
    expected = [(x - wide / 2) * width, (y - high / 2) * height]
    expected += [(x + wide / 2) * width, (y + high / 2) * height]
    np.testing.assert_allclose(face.box, expected, rtol=1e-4)
    np.testing.assert_allclose(face.points, [(x * width, y * height)] * 5, rtol=1e-4)
    assert face.confidence == pytest.approx(1, abs=1e-4)


def test_the_largest_face_comes_first() -> None:
    anchors = priors(640, 640)
    small, large = 3000, len(anchors) - 1
    first, second = Detector(Sure(small, large), CPU)(torch.rand(1, 3, 640, 640))
    assert first.size > second.size


def test_no_face_is_an_empty_list() -> None:
    assert Detector(Sure(), CPU)(torch.rand(1, 3, 640, 640)) == []


def test_the_network_gets_the_channels_in_the_order_that_was_asked_for() -> None:
    red = torch.zeros(1, 3, 640, 640)
    red[:, 0] = 1
    network = Sure()
    Detector(network, CPU, "rgb")(red)
    Detector(network, CPU, "bgr")(red)
    published, turned = (actual[0, :, 0, 0] for actual in network.seen)
    assert torch.equal(published, torch.tensor([255.0 - 104, -117, -123]))
    assert torch.equal(turned, torch.tensor([-104.0, -117, 255 - 123]))


def test_boxes_without_extent_are_no_trouble() -> None:
    boxes = np.zeros((3, 5), np.float32)
    boxes[:, 4] = (0.9, 0.95, 0.85)
    assert len(detection.distinct(boxes)) >= 1
