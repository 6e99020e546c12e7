"""An encoder that tells blurred pictures from sharp ones as it is initialized."""

import dataclasses

import pytest
import torch
from torch.nn import functional

from pixelmend_engine.nn.spectrum_encoder import BlockSpectrum, SpectrumEncoder

SIDE = 64


def encoder(pictures: int = 1) -> SpectrumEncoder:
    torch.manual_seed(0)
    return SpectrumEncoder(pictures=pictures, width=8, blocks=1, group=4, max_pixels=10**6)


def textures(count: int) -> torch.Tensor:
    """Noise that is blurred by more from picture to picture, and brighter from one to the next."""
    generator = torch.Generator().manual_seed(1)
    noise = torch.rand(count, 3, SIDE, SIDE, generator=generator)
    made = [
        functional.avg_pool2d(
            picture[None], 2 * n + 1, stride=1, padding=n, count_include_pad=False
        )
        for n, picture in enumerate(noise)
    ]
    return torch.cat(made)


def test_the_transform_keeps_the_energy_and_puts_brightness_into_one_coefficient() -> None:
    spectrum = BlockSpectrum(48).eval()  # which has seen nothing, and leaves all as it is
    picture = torch.rand(1, 3, SIDE, SIDE)
    # 1e-5 is added to every variance of 1.
    assert spectrum(picture).square().sum().item() == pytest.approx(
        picture.square().sum().item(), rel=1e-4
    )
    flat = spectrum(torch.full((1, 3, 8, 8), 0.5)).view(3, 16, 2, 2)
    assert torch.allclose(flat[:, 0], torch.full((3, 2, 2), 2.0), rtol=1e-4)
    assert flat[:, 1:].abs().max() < 1e-5


def test_pictures_that_differ_in_blur_have_priors_that_differ() -> None:
    network = encoder()
    for _ in range(100):  # for the averages
        network(textures(6))
    priors = network.eval()(textures(6))
    assert priors.shape == (6, 16, 32)
    differs = (priors - priors.roll(1, dims=0)).abs() > 0.01 * priors.std()
    assert differs.float().mean() > 0.9
    # Leaky below, so that of a standard deviation of 1 before it a half and more is left.
    assert priors.std().item() == pytest.approx(0.6, abs=0.2)


def test_a_picture_seen_in_bands_has_the_same_prior() -> None:
    network = encoder(pictures=2).eval()
    picture = torch.rand(1, 6, 4 * SIDE, SIDE)
    whole = network(picture)
    network.bands = dataclasses.replace(network.bands, max_pixels=1)
    assert network.band_count(4 * SIDE, SIDE) > 1
    # The logarithm of energies near 0 enlarges what their sums are rounded by.
    assert torch.allclose(network(picture), whole, atol=1e-4)
