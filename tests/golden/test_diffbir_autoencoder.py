"""The autoencoder computes what the published code computes, whole and in tiles.

Tolerances: float32 sums in another order, as measured beside the golden vectors.
"""

from typing import Any

import pytest
import torch
from fakes import CPU
from golden import recipe
from golden.recipe import Golden, filled
from golden.vectors import assert_near, manifest

from pixelmend_engine.catalog.sizes import AutoencoderSizes
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.nn.stable_diffusion import tiled_autoencoder as tiled
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder, mode, sample

TOLERANCE, TILED = 2e-5, 1e-4
LATENT_SCALE = 0.18215


@pytest.fixture(scope="module")
def golden() -> Golden:
    return Golden("vae")


@pytest.fixture(scope="module")
def network() -> Autoencoder:
    return filled(Autoencoder(recipe.AUTOENCODER), "first_stage_model.")


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        network = Autoencoder(AutoencoderSizes())
    prefix = "first_stage_model."
    assert {f"{prefix}{key}": list(t.shape) for key, t in network.state_dict().items()} == {
        key: shape for key, shape in manifest("diffbir-sd21-ldm").items() if key.startswith(prefix)
    }


def test_encoding(golden: Golden, network: Autoencoder) -> None:
    moments = network.encode(golden["image"])
    assert_near(moments, golden["moments"], TOLERANCE)
    assert_near(mode(moments), golden["mode"], TOLERANCE)
    assert_near(mode(moments) * LATENT_SCALE, golden["cond_latent"], TOLERANCE)
    assert_near(sample(moments, golden["sample_noise"]), golden["sample"], TOLERANCE)
    one_deviation = sample(moments, torch.ones_like(golden["std"])) - mode(moments)
    assert_near(one_deviation, golden["std"], TOLERANCE)
    assert_near(network.encode(golden["tiled_enc.image"]), golden["plain_enc.moments"], TOLERANCE)


def test_decoding(golden: Golden, network: Autoencoder) -> None:
    assert_near(network.decode(golden["z"]), golden["decoded"], TOLERANCE)
    scaled_back = network.decode(golden["cond_latent"] / LATENT_SCALE)
    assert_near(scaled_back[..., ::2, ::2], golden["decoded_from_scaled"], TOLERANCE)
    whole = network.decode(golden["tiled_dec.z"])
    assert_near(whole[..., ::4, ::4], golden["plain_dec.image_sub2"], TOLERANCE)


@pytest.mark.parametrize(
    ("case", "size", "tile", "pad", "scale"),
    [
        ("enc 160x256 tile 96", (160, 256), 96, tiled.ENCODER_PAD, 1 / 8),
        ("dec 36x44 tile 12", (36, 44), 12, tiled.DECODER_PAD, 8),
        ("enc 704x1000 tile 256", (704, 1000), 256, tiled.ENCODER_PAD, 1 / 8),
        ("dec 88x125 tile 32", (88, 125), 32, tiled.DECODER_PAD, 8),
    ],
)
def test_cuts(
    golden: Golden, case: str, size: tuple[int, int], tile: int, pad: int, scale: float
) -> None:
    cut = tiled.tiles(size[0], size[1], tile, pad)
    expected: dict[str, Any] = golden.facts["tile_splits"][case]
    given = [[b.columns.start, b.columns.stop, b.rows.start, b.rows.stop] for b in cut]
    assert given == expected["input_bboxes_x1x2y1y2"]
    own = [
        [b.columns.core_start, b.columns.core_stop, b.rows.core_start, b.rows.core_stop]
        for b in cut
    ]
    assert [[int(place * scale) for place in box] for box in own] == expected[
        "output_bboxes_x1x2y1y2"
    ]


@pytest.mark.parametrize(("height", "width"), [(512, 4000), (40, 700), (700, 40)])
def test_along_a_short_side_there_is_one_tile(height: int, width: int) -> None:
    cut = tiled.tiles(height, width, 512, tiled.ENCODER_PAD)
    assert len(cut) > 1
    short = [box.rows if height < width else box.columns for box in cut]
    assert {(one.start, one.stop) for one in short} == {(0, min(height, width))}


def test_tiled_encoding(golden: Golden, network: Autoencoder) -> None:
    image = golden["tiled_enc.image"]
    cut = tiled.tiles(image.shape[-2], image.shape[-1], 96, tiled.ENCODER_PAD)
    features = tiled.with_shared_norms(network.encoder, image, cut, CPU, Progress())
    assert_near(features, golden["tiled_enc.h"], TILED)
    assert_near(network.quant_conv(features), golden["tiled_enc.moments"], TILED)


def test_tiled_decoding(golden: Golden, network: Autoencoder) -> None:
    latent = network.post_quant_conv(golden["tiled_dec.z"])
    cut = tiled.tiles(latent.shape[-2], latent.shape[-1], 12, tiled.DECODER_PAD)
    image = tiled.with_shared_norms(network.decoder, latent, cut, CPU, Progress())
    assert_near(image[..., ::4, ::4], golden["tiled_dec.image"], TILED)


@pytest.mark.slow  # a picture in many tiles
def test_tiles_with_the_norms_of_a_thumbnail_are_near_to_the_whole(
    golden: Golden, network: Autoencoder
) -> None:
    latent = network.post_quant_conv(golden["tiled_dec.z"])
    whole = network.decode(golden["tiled_dec.z"])
    cut = tiled.tiles(latent.shape[-2], latent.shape[-1], 12, tiled.DECODER_PAD)
    image = tiled.with_thumbnail_norms(network.decoder, latent, cut, CPU, Progress())
    # The thumbnail's norms see nearly the same: far nearer than without it.
    assert (image - whole).abs().mean() < 0.1 * whole.std()
