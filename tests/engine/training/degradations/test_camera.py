"""Degradations: nothing where nothing is asked, the same for a seed, each part as it is meant."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Tensor

from pixelmend_engine.training.degradations.camera import MILD, STRONG, CameraSettings, degrade

NOTHING = CameraSettings(
    untouched_share=0.0,
    shake_share=0.0,
    shake=(1.0, 6.0),
    moving_share=0.0,
    defocus_share=0.0,
    defocus=(1.0, 2.0),
    soft_share=0.0,
    soft=(0.5, 1.0),
    highlight_share=0.0,
    highlight=(4.0, 4.0),
    shot=(0.0, 0.0),
    read=(0.0, 0.0),
    grain=(0.0, 0.0),
    jpeg_share=0.0,
)


@pytest.fixture
def sharp(astronaut: np.ndarray) -> Tensor:
    """Two pictures with the pixels around that NOTHING and its relatives need."""
    side = 48 + 2 * NOTHING.reach
    crops = [astronaut[top : top + side, 180 : 180 + side] for top in (60, 130)]
    return torch.stack([torch.from_numpy(crop).permute(2, 0, 1) for crop in crops]) / 255


def run(sharp: Tensor, **changes: object) -> tuple[Tensor, Tensor]:
    settings = dataclasses.replace(NOTHING, **changes)  # pyright: ignore[reportArgumentType]
    return degrade(sharp, settings, torch.Generator().manual_seed(0))


def test_nothing_asked_is_nothing_done(sharp: Tensor) -> None:
    lq, hq = run(sharp)
    reach = NOTHING.reach
    assert torch.equal(lq, hq)
    assert torch.equal(hq, sharp[..., reach:-reach, reach:-reach])


@pytest.mark.parametrize("part", ["shake", "moving", "defocus", "soft", "jpeg"])
def test_each_part_changes_the_picture_and_leaves_the_sharp_one(sharp: Tensor, part: str) -> None:
    lq, hq = run(sharp, **{f"{part}_share": 1.0})
    assert torch.equal(hq, run(sharp)[1])
    assert (lq - hq).abs().mean() > 0.002
    # Light is moved about and not lost: as bright as before, but for what crosses the borders.
    assert lq.mean().item() == pytest.approx(hq.mean().item(), abs=0.03)


@pytest.mark.parametrize("part", ["shot", "read", "grain"])
def test_noise_is_where_it_is_asked_for(sharp: Tensor, part: str) -> None:
    lq, hq = run(sharp, **{part: (0.01, 0.01)})
    assert 0.002 < (lq - hq).std().item() < 0.2


def test_untouched_pictures_keep_their_noise_and_lose_no_sharpness(sharp: Tensor) -> None:
    lq, hq = run(sharp, untouched_share=1.0, shake_share=1.0, moving_share=1.0, defocus_share=1.0)
    assert torch.equal(lq, hq)


def test_highlights_outshine_their_surroundings_when_they_are_smeared() -> None:
    side = 32 + 2 * NOTHING.reach
    sharp = torch.zeros(1, 3, side, side)
    sharp[..., side // 2, side // 2] = 1.0
    plain, _ = run(sharp, defocus_share=1.0)
    bright, _ = run(sharp, defocus_share=1.0, highlight_share=1.0)
    assert bright.sum() > 1.5 * plain.sum()


@pytest.mark.parametrize("settings", [MILD, STRONG], ids=["mild", "strong"])
def test_a_seed_means_the_same_pictures(settings: CameraSettings) -> None:
    side = 32 + 2 * settings.reach
    sharp = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    first, again, other = (
        degrade(sharp, settings, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2)
    )
    assert first.shape == (2, 3, 32, 32)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal((first * 255).round() / 255, first)  # 8 bit, as files are


def test_soft_originals_should_stay_as_soft_as_they_were(sharp: Tensor) -> None:
    lq, hq = run(sharp, soft_original_share=1.0, soft_original=(1.0, 1.0))
    assert (lq - hq).abs().max() <= 0.5 / 255 + 1e-6  # what 8 bits round away
    detail, kept = (x.diff(dim=-1).abs().mean() for x in (run(sharp)[1], hq))
    assert kept < 0.8 * detail


def test_gray_pictures_have_no_color_and_should_have_none(sharp: Tensor) -> None:
    for image in run(sharp, gray_share=1.0, grain=(0.1, 0.1)):
        assert image.std(dim=1).max() < 1e-6
    assert run(sharp)[1].std(dim=1).max() > 0.1


def test_grain_is_as_strong_in_larger_grains(sharp: Tensor) -> None:
    gray = torch.full_like(sharp, 0.5)
    fine, coarse = (
        run(gray, grain=(0.04, 0.04), grain_size=size)[0] - 0.5 for size in ((0.0, 0.0), (1.0, 1.0))
    )
    assert coarse.std().item() == pytest.approx(fine.std().item(), rel=0.1)
    along = [(x[..., 1:] * x[..., :-1]).mean() / x.square().mean() for x in (fine, coarse)]
    assert abs(along[0]) < 0.1  # what lies side by side has nothing to do with each other
    assert along[1] > 0.5


def test_what_is_compressed_twice_loses_more_and_stays_in_place(sharp: Tensor) -> None:
    once, hq = run(sharp, jpeg_share=1.0, jpeg=(30.0, 30.0))
    twice, _ = run(sharp, jpeg_share=1.0, jpeg=(30.0, 30.0), recompressed_share=1.0)
    errors = [(image - hq).square().mean() for image in (once, twice)]
    assert errors[0] < errors[1] < 3 * errors[0]


def test_frames_are_averaged_as_they_are_shown() -> None:
    # A white line on black, smeared: in light it stays brighter than in displayed values.
    lines = torch.zeros(1, 3, 96, 96)
    lines[..., ::12] = 1
    settings = dataclasses.replace(NOTHING, shake_share=1.0, shake=(6.0, 6.0))
    light, rendered = (
        degrade(
            lines,
            dataclasses.replace(settings, display_light_share=share),
            torch.Generator().manual_seed(1),
        )[0]
        for share in (0.0, 1.0)
    )
    assert rendered.mean().item() == pytest.approx(lines.mean().item(), abs=0.02)
    assert light.mean() > rendered.mean() + 0.05
