"""Holes are filled, at the model's scale; what is known stays to the bit."""

import numpy as np
import pytest
import torch
from fakes import Function
from rasters import array, picture
from torch import Tensor

from pixelmend.errors import BadRequest
from pixelmend_engine.catalog.spec import CONTEXT, WIDEST_HOLE
from pixelmend_engine.nn.progress import STEPS, Progress
from pixelmend_engine.restoration.inpaint import inpaint

RED = (200, 40, 40)


def paint(image: Tensor) -> Tensor:
    """A model that fills with one color, and changes what is known, which must not show."""
    color = torch.tensor(RED).reshape(1, 3, 1, 1) / 255
    return color.expand(1, 3, *image.shape[-2:]).clone()


def photo(height: int = 64, width: int = 80, channels: int = 3) -> np.ndarray:
    """Noise of the size of a picture."""
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), np.uint8)


class Looking:
    """A model that remembers what it saw."""

    def __init__(self) -> None:
        self.seen: list[Tensor] = []

    def __call__(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return paint(image)


def holes(height: int, width: int, *places: tuple[slice, slice]) -> bytes:
    """A mask with rectangles."""
    mask = np.zeros((height, width), np.uint8)
    for place in places:
        mask[place] = 255
    return mask.tobytes()


def test_a_hole_is_filled_and_all_else_stays_to_the_bit() -> None:
    samples = photo()
    hole = slice(20, 40), slice(30, 50)
    result, notes = inpaint(
        picture(samples, mask=holes(64, 80, hole)), 1.0, Function(paint), Progress()
    )
    after = array(result).copy()
    assert (after[hole] == RED).all()
    after[hole] = samples[hole]
    np.testing.assert_array_equal(after, samples)
    assert notes == []


def test_the_model_sees_nothing_of_what_is_in_the_hole() -> None:
    looks: list[Tensor] = []
    for inside in (0, 255):
        samples = photo()
        samples[20:40, 30:50] = inside
        model = Looking()
        mask = holes(64, 80, (slice(20, 40), slice(30, 50)))
        inpaint(picture(samples, mask=mask), 1.0, Function(model), Progress())
        looks += model.seen
    torch.testing.assert_close(looks[0], looks[1], rtol=0, atol=0)
    assert looks[0].shape == (1, 4, 64, 80)
    assert (looks[0][:, :3, 20:40, 30:50] == 0).all()
    assert looks[0][:, 3].sum() == 20 * 20


def test_a_soft_mask_blends_at_its_rim() -> None:
    mask = np.zeros((64, 80), np.uint8)
    mask[30], mask[31], mask[32] = 64, 128, 255
    samples = np.full((64, 80, 3), 100, np.uint8)
    result, _ = inpaint(picture(samples, mask=mask.tobytes()), 1.0, Function(paint), Progress())
    assert array(result)[29:34, 0, 0].tolist() == [100, 125, 150, 200, 100]


def test_strength_weighs_what_fills() -> None:
    samples = np.full((64, 80, 3), 100, np.uint8)
    mask = holes(64, 80, (slice(30, 40), slice(30, 40)))
    result, _ = inpaint(picture(samples, mask=mask), 0.5, Function(paint), Progress())
    assert array(result)[35, 35].tolist() == [150, 70, 70]


def test_without_a_mask_what_is_transparent_is_filled_from_below() -> None:
    samples = photo(channels=4)
    samples[..., 3] = 255
    samples[20:40, 30:50, 3] = 0
    samples[41, 30:50] = (100, 100, 100, 128)
    model = Looking()
    result, _ = inpaint(picture(samples, "RGBA"), 1.0, Function(model), Progress())
    after = array(result)
    assert (after[..., 3] == 255).all()
    assert (after[20:40, 30:50, :3] == RED).all()
    assert after[41, 40, :3].tolist() == [150, 70, 70]
    kept = samples[..., 3] == 255
    np.testing.assert_array_equal(after[kept], samples[kept])
    assert model.seen[0][:, 3].sum() == 20 * 20  # what is more there than not is seen


def test_a_mask_over_what_is_transparent_makes_it_as_opaque_as_the_mask() -> None:
    samples = np.zeros((64, 80, 4), np.uint8)
    samples[:, 40:] = (100, 100, 100, 255)
    mask = np.zeros((64, 80), np.uint8)
    mask[20:40, 20:60] = 128
    result, _ = inpaint(
        picture(samples, "RGBA", mask=mask.tobytes()), 1.0, Function(paint), Progress()
    )
    assert array(result)[30, 30].tolist() == [*RED, 128]
    assert array(result)[30, 50].tolist() == [150, 70, 70, 255]
    np.testing.assert_array_equal(array(result)[50], samples[50])


def test_what_is_no_number_is_filled_and_nowhere_else_touched() -> None:
    samples = np.full((64, 80, 3), 0.25, "<f4")
    samples[30, 30] = samples[5, 5] = np.nan
    mask = holes(64, 80, (slice(25, 35), slice(25, 35)))
    result, _ = inpaint(picture(samples, mask=mask), 1.0, Function(paint), Progress())
    after = array(result)
    np.testing.assert_allclose(after[30, 30], np.array(RED) / 255, atol=1e-6)
    assert np.isnan(after[5, 5]).all()
    assert np.isfinite(after[:, 10:]).all()


def test_holes_far_apart_are_filled_one_by_one() -> None:
    samples = photo(1200, 1600)
    near = slice(100, 120), slice(100, 120)
    beside = slice(100, 120), slice(180, 200)
    far = slice(1000, 1020), slice(1400, 1420)
    model = Looking()
    steps: list[int] = []
    progress = Progress(lambda done, _: steps.append(done))
    result, _ = inpaint(
        picture(samples, mask=holes(1200, 1600, near, beside, far)),
        1.0,
        Function(model),
        progress,
    )
    assert steps == [STEPS // 2, STEPS]
    assert all(max(image.shape) < 100 + 2 * CONTEXT + 3 * 32 for image in model.seen)
    after = array(result).copy()
    for hole in (near, beside, far):
        assert (after[hole] == RED).all()
        after[hole] = samples[hole]
    np.testing.assert_array_equal(after, samples)


def test_a_wide_hole_is_seen_at_the_scale_of_the_training() -> None:
    samples = photo(2000, 2000)
    hole = slice(700, 1300), slice(700, 1300)
    model = Looking()
    result, _ = inpaint(
        picture(samples, mask=holes(2000, 2000, hole)), 1.0, Function(model), Progress()
    )
    (inputs,) = model.seen
    across = inputs[0, 3].sum().sqrt()
    assert 0.9 * WIDEST_HOLE <= across <= 1.1 * WIDEST_HOLE
    assert min(inputs.shape[-2:]) >= across + 1.8 * CONTEXT
    after = array(result).copy()
    assert (np.abs(after[hole].astype(int) - RED) <= 1).all()
    after[hole] = samples[hole]
    np.testing.assert_array_equal(after, samples)


def test_a_long_scratch_is_seen_at_full_size() -> None:
    model = Looking()
    mask = holes(300, 2000, (slice(150, 158), slice(0, 2000)))
    inpaint(picture(photo(300, 2000), mask=mask), 1.0, Function(model), Progress())
    assert model.seen[0].shape[-1] == 2000
    assert model.seen[0][0, 3].sum() == 8 * 2000


def test_a_hole_at_the_border_is_as_wide_as_it_is() -> None:
    model = Looking()
    mask = holes(500, 500, (slice(100, 100 + WIDEST_HOLE), slice(0, WIDEST_HOLE)))
    inpaint(picture(photo(500, 500), mask=mask), 1.0, Function(model), Progress())
    assert model.seen[0][0, 3].sum() == WIDEST_HOLE**2


def test_a_small_hole_beside_much_transparency_is_seen_at_full_size() -> None:
    samples = photo(700, 700, channels=4)
    samples[..., 3] = 255
    samples[:, :400, 3] = 0
    model = Looking()
    mask = holes(700, 700, (slice(300, 320), slice(430, 450)))
    inpaint(picture(samples, "RGBA", mask=mask), 1.0, Function(model), Progress())
    (inputs,) = model.seen
    assert (inputs[0, 3, :, -100:] == 0).all()
    assert (inputs[0, 3] == 0).sum() > 256 * 100
    assert inputs.shape[-1] <= 20 + 2 * CONTEXT + 2 * 32


def test_a_hole_far_inside_of_transparency_is_filled_from_what_is_known() -> None:
    samples = photo(900, 900, channels=4)
    samples[..., 3] = 255
    samples[:, :700, 3] = 0
    model = Looking()
    mask = holes(900, 900, (slice(300, 320), slice(100, 120)))
    inpaint(picture(samples, "RGBA", mask=mask), 1.0, Function(model), Progress())
    assert not model.seen[0][0, 3].all()


def test_what_little_is_known_around_a_large_hole_is_seen() -> None:
    samples = np.full((1200, 1200, 3), 200, np.uint8)
    model = Looking()
    mask = holes(1200, 1200, (slice(2, 1198), slice(2, 1198)))
    inpaint(picture(samples, mask=mask), 1.0, Function(model), Progress())
    (inputs,) = model.seen
    known = inputs[0, 3] == 0
    assert known.any()
    torch.testing.assert_close(  # the mean of what is known of it, not of the hole as well
        inputs[0, :3, known], torch.full((3, int(known.sum())), 200 / 255), rtol=0, atol=1e-5
    )


def test_no_hole_is_told_and_the_picture_stays() -> None:
    samples = photo()
    result, notes = inpaint(picture(samples, mask=bytes(64 * 80)), 1.0, Function(paint), Progress())
    assert bytes(result.data) == samples.tobytes()
    assert "nothing to fill" in notes[0]


def test_holes_that_nothing_describes_or_that_leave_nothing_are_refused() -> None:
    with pytest.raises(BadRequest, match="Nothing says what is to be filled"):
        inpaint(picture(photo()), 1.0, Function(paint), Progress())
    with pytest.raises(BadRequest, match="nothing is left to fill it from"):
        inpaint(picture(photo(), mask=b"\xff" * 64 * 80), 1.0, Function(paint), Progress())
