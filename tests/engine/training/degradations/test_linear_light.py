"""The curve is the one that `color` has for files."""

import numpy as np
import pytest
import torch

from pixelmend_engine.images import color
from pixelmend_engine.training.degradations import linear_light

VALUES = torch.linspace(0, 1, 1001)
ROUNDING = 1e-6  # float32, in another order


def test_it_is_srgbs_curve() -> None:
    for ours, theirs in ((linear_light.decode, color.decode), (linear_light.encode, color.encode)):
        np.testing.assert_allclose(ours(VALUES).numpy(), theirs(VALUES.numpy()), atol=ROUNDING)


def test_what_a_sensor_can_not_hold_is_clipped() -> None:
    assert linear_light.encode(torch.tensor([-0.5, 3.0])).tolist() == pytest.approx(
        [0, 1], abs=ROUNDING
    )
