"""What small models are trained against: damage that is damage, sound pictures that are sound."""

import numpy as np
import pytest
import torch

from pixelmend_engine.training.degradations import camera, worn
from pixelmend_engine.training.degradations.camera import CameraSettings

DAMAGE = (
    worn.GAUSSIAN,
    worn.HIGH_ISO,
    worn.COMPRESSED,
    worn.MIXED,
    worn.SCANNED,
    worn.FRAMES,
)


def errors(settings: CameraSettings, astronaut: np.ndarray) -> torch.Tensor:
    """Root mean squares over 24 draws, on a scale to 255."""
    side = 64 + 2 * settings.reach
    crop = torch.from_numpy(astronaut[40 : 40 + side, 150 : 150 + side]).permute(2, 0, 1) / 255
    lq, hq = camera.degrade(crop.expand(24, -1, -1, -1), settings, torch.Generator().manual_seed(0))
    return (lq - hq).square().mean(dim=(1, 2, 3)).sqrt() * 255


@pytest.mark.parametrize("settings", DAMAGE)
def test_damage_is_seen_and_leaves_something_to_restore(
    settings: CameraSettings, astronaut: np.ndarray
) -> None:
    differences = errors(settings, astronaut)
    assert differences.median() > 2
    assert differences.max() < 60  # of noise alone, drawn up to 60


@pytest.mark.parametrize("settings", [worn.SOUND, worn.SOFT])
def test_sound_pictures_are_what_they_should_be(
    settings: CameraSettings, astronaut: np.ndarray
) -> None:
    # Fine noise and compression of a quality above 80 are all that is left of damage.
    assert errors(settings, astronaut).max() < 5
