"""Faces are found, aligned and put back as the published code does it.

Tolerances: float32 sums in another order differ by about 1e-6 of the largest term. Pictures are
8 bit in the golden vectors and float here, so they differ by rounding: half a level each time.
"""

import cv2
import numpy as np
import pytest
import torch
from einops import rearrange
from golden.face_recipe import Golden, filled, smooth
from golden.recipe import digest
from golden.vectors import assert_near, manifest, record
from torch import Tensor

from pixelmend_engine.nn.parsenet import ParseNet
from pixelmend_engine.nn.retinaface import RetinaFace, RetinaFaceOutput
from pixelmend_engine.restoration.faces import alignment, detection, pasting
from pixelmend_engine.restoration.faces.face import Face

LEVEL = 1 / 255
NETWORKS = {"diffbir-retinaface-r50": RetinaFace, "diffbir-parsenet": ParseNet}


@pytest.mark.parametrize("name", NETWORKS)
def test_names_and_shapes_are_those_of_the_published_files(name: str) -> None:
    with torch.device("meta"):
        network = NETWORKS[name]()
    shapes = {key: list(tensor.shape) for key, tensor in network.state_dict().items()}
    assert shapes == manifest(name)


class Detections:
    """The published detector's run, and ours."""

    def __init__(self) -> None:
        self.golden = Golden("retinaface")
        network = filled(RetinaFace(), "retinaface.")
        for key, tensor in network.state_dict().items():
            if "Head." in key:
                tensor *= 0.02
        assert digest(network.state_dict()) == self.golden.sha256
        self.seen = record(network)
        pixels = rearrange(self.golden["image"], "h w c -> 1 c h w").float()
        self.found: RetinaFaceOutput = network(detection.network_input(pixels))


@pytest.fixture(scope="module")
def detector() -> Detections:
    return Detections()


def test_detector_sees_what_the_published_one_sees(detector: Detections) -> None:
    golden, (fine, middle, coarse) = detector.golden, detector.seen["fpn"][0]
    _, c4, c5 = detector.seen["body"][0]
    for ours, theirs in (
        (c4, "body.c4_sub"),
        (c5, "body.c5_sub"),
        (fine, "fpn.p3_sub"),
        (middle, "fpn.p4_sub"),
        (coarse, "fpn.p5_sub"),
    ):
        expected = golden[theirs]
        every = ours.shape[1] // expected.shape[1]
        assert_near(ours[:, ::every], expected, 2e-5 * float(expected.abs().max()))


def test_detector_says_what_the_published_one_says(detector: Detections) -> None:
    golden, actual = detector.golden, detector.found
    assert_near(actual.offsets, golden["loc"], 1e-5)
    assert_near(actual.logits.softmax(dim=2), golden["conf"], 1e-5)
    assert_near(actual.landmarks, golden["landm"], 1e-5)


def test_anchors_are_the_published_ones(detector: Detections) -> None:
    np.testing.assert_allclose(
        detection.priors(96, 136), detector.golden.array("priors"), atol=1e-7
    )
    odd = detector.golden.array("priors_75x101")
    np.testing.assert_allclose(detection.priors(75, 101), odd, atol=1e-7)


def test_offsets_are_decoded_to_the_published_pixels(detector: Detections) -> None:
    golden, anchors = detector.golden, detection.priors(96, 136)
    size = np.array([136, 96], np.float32)
    boxes = detection.decode_boxes(golden.array("loc")[0], anchors) * np.tile(size, 2)
    points = detection.decode_landmarks(golden.array("landm")[0], anchors) * np.tile(size, 5)
    # 1e-6 of what is decoded, which is up to 500 pixels large.
    np.testing.assert_allclose(boxes, golden.array("boxes_px"), atol=5e-4)
    np.testing.assert_allclose(points, golden.array("landms_px"), atol=5e-4)


def test_faces_are_those_that_the_published_code_keeps(detector: Detections) -> None:
    threshold = detector.golden.facts["conf_threshold_used"]
    rows = detection.detections(detector.found, 96, 136, threshold)
    np.testing.assert_allclose(rows, detector.golden.array("detections"), atol=5e-4)


def test_boxes_that_overlap_are_one_face_as_published(detector: Detections) -> None:
    kept = detection.distinct(detector.golden.array("nms.dets"))
    assert kept.tolist() == detector.golden["nms.keep"].tolist()


@pytest.fixture(scope="module")
def parser() -> ParseNet:
    return filled(ParseNet(), "parsenet.")


def test_parser_says_what_the_published_one_says(parser: ParseNet) -> None:
    golden = Golden("parsenet")
    assert digest(parser.state_dict()) == golden.sha256
    features = parser.features(golden["small.input"])
    for ours, theirs in (
        (parser.out_mask_conv(features), "small.mask_logits"),
        (parser.out_img_conv(features), "small.image"),
    ):
        expected = golden[theirs]
        assert_near(ours, expected, 1e-5 * float(expected.abs().max()))


def test_parser_sorts_the_pixels_of_a_face_as_the_published_one(parser: ParseNet) -> None:
    golden = Golden("parsenet")
    face = rearrange(torch.from_numpy(smooth(403, 512, 512)), "h w c -> 1 c h w") * 2 - 1
    assert_near(face[..., ::8, ::8], golden["input_sub8"], 1e-6)
    with torch.inference_mode():
        logits = parser(face)
    expected = golden["logits_sub16"]
    assert_near(logits[..., ::16, ::16], expected, 1e-5 * float(expected.abs().max()))
    different = logits.argmax(dim=1)[0, ::2, ::2] != golden["argmax_sub2"]
    # Where two classes are equally likely, rounding decides.
    assert different.float().mean() <= 1e-4


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("face-align")


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    """The picture of the published run, enlarged as it enlarges small ones."""
    pixels = np.round(255 * smooth(405, 300, 400)).astype(np.uint8)
    enlarged = cv2.resize(pixels, None, fx=512 / 300, fy=512 / 300)
    return enlarged.astype(np.float32) / 255


def face_at(landmarks: Tensor) -> Face:
    return Face(
        box=(0.0, 0.0, 1.0, 1.0), landmarks=tuple((float(x), float(y)) for x, y in landmarks)
    )


def matrices(golden: Golden) -> list[np.ndarray]:
    every = (alignment.matrix_of(face_at(points)) for points in golden["flow.landmarks"])
    return [matrix for matrix in every if matrix is not None]


def test_template_is_the_published_one(golden: Golden) -> None:
    np.testing.assert_allclose(alignment.TEMPLATE, golden.array("template"))


def test_matrices_are_the_published_ones(golden: Golden) -> None:
    for points, forth, back in zip(
        golden["landmarks"],
        golden.array("affine_lmeds"),
        golden.array("inverse_affine"),
        strict=True,
    ):
        matrix = alignment.matrix_of(face_at(points))
        assert matrix is not None
        np.testing.assert_allclose(matrix, forth, atol=1e-3)  # versions of OpenCV differ by 1e-4
        np.testing.assert_allclose(alignment.inverse(matrix), back, atol=1e-3)


def test_the_detector_sees_pictures_of_the_published_size(
    golden: Golden, picture: np.ndarray
) -> None:
    network_input = detection.resized(rearrange(torch.from_numpy(picture), "h w c -> 1 c h w"))
    ours = 255 * rearrange(network_input, "1 c h w -> h w c")[::4, ::4]
    # The published code rounds to 8 bits, with 11 bits of fraction on the way.
    assert_near(ours, golden["flow.detector_input_sub4"], 1.0)


def test_crops_are_the_published_ones(golden: Golden, picture: np.ndarray) -> None:
    first, second = (alignment.crop(picture, matrix) for matrix in matrices(golden))
    for ours, theirs in (
        (first[::2, ::2], "flow.crop0_sub2"),
        (second[::4, ::4], "flow.crop1_sub4"),
    ):
        np.testing.assert_allclose(255 * ours, golden.array(theirs), atol=0.51)


def test_masks_are_the_published_ones(golden: Golden, picture: np.ndarray) -> None:
    height, width, _ = picture.shape
    matrix = matrices(golden)[0]
    window = alignment.window_of(matrix, height, width)
    square = pasting.square_mask(matrix, window)
    face = pasting.face_mask(golden.array("flow.parse_classes"))
    np.testing.assert_allclose(face[::4, ::4], golden.array("mask0.parse_512_sub4"), atol=1e-5)
    final = np.minimum(square, alignment.back(face, matrix, window))
    for ours, theirs in ((square, "mask0.square_soft_sub4"), (final, "mask0.final_sub4")):
        whole = np.zeros((height, width), np.float32)
        whole[window.rows, window.columns] = ours
        # Coordinates are fixed to 1/32 pixel, from another origin.
        np.testing.assert_allclose(whole[::4, ::4], golden.array(theirs), atol=1e-3)


def test_faces_are_pasted_as_published(golden: Golden, picture: np.ndarray) -> None:
    height, width, _ = picture.shape
    background = np.round(255 * smooth(406, 600, 800)).astype(np.uint8)
    assert (background[::4, ::4] == golden.array("flow.upsample_img_sub4")).all()
    canvas = cv2.resize(background, (width, height), interpolation=cv2.INTER_LANCZOS4)
    result = canvas.astype(np.float32) / 255
    crops = (np.round(255 * alignment.crop(picture, matrix)) for matrix in matrices(golden))
    first, second = crops
    restored = (np.floor(np.clip(255 - 0.8 * first, 0, 255)), np.roll(second, 40, axis=1))
    for face, matrix in zip(restored, matrices(golden), strict=True):
        pasting.paste(result, face / 255, golden.array("flow.parse_classes"), matrix)
    published = golden.array("flow.result_sub2")
    # They cut off the fraction of what warping makes of a face, and of the result.
    difference = 255 * result[::2, ::2] - published
    assert difference.min() >= -1
    assert difference.max() <= 2
