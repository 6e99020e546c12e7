"""The first stage of DiffBIR computes what the published code computes.

Tolerances: float32 sums in another order, relative to the largest value, as measured beside the
golden vectors.
"""

import pytest
import torch
from fakes import CPU
from golden import recipe
from golden.recipe import Golden, filled
from golden.vectors import assert_near, manifest, record
from torch import nn
from torch.nn import functional

from pixelmend_engine.catalog import sizes
from pixelmend_engine.models.diffbir.degradation_removal import remove_degradation
from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.swinir import SwinIR

TOLERANCE = 2e-5


def swinir() -> SwinIR:
    return filled(SwinIR(recipe.SWINIR), "swinir.")


def bsrnet() -> RRDBNet:
    return filled(RRDBNet(recipe.RRDB), "bsrnet.")


def scunet() -> SCUNet:
    return filled(SCUNet(recipe.SCUNET), "scunet.")


@pytest.mark.parametrize(
    ("name", "network"),
    [
        ("diffbir-swinir", lambda: SwinIR(sizes.SwinIRSizes())),
        ("diffbir-bsrnet", lambda: RRDBNet(sizes.RRDBSizes())),
        ("diffbir-scunet", lambda: SCUNet(sizes.SCUNetSizes())),
    ],
)
def test_names_and_shapes_are_the_published_ones(name: str, network: type[nn.Module]) -> None:
    with torch.device("meta"):
        built = network()
    shapes = {key: list(tensor.shape) for key, tensor in built.state_dict().items()}
    published = {k: shape for k, shape in manifest(name).items() if not k.endswith(SwinIR.BUFFERS)}
    assert shapes == published


def test_swinir() -> None:
    golden = Golden("swinir")
    network = swinir()
    outputs = record(network)
    output = network(golden["a.input"])
    assert_near(outputs["conv_first"][0], golden["a.conv_first"], TOLERANCE)
    for name, kept in (("layers.0", "rstb0"), ("layers.1", "rstb1"), ("norm", "norm")):
        expected = golden[f"a.{kept}_tokens"]
        tokens = outputs[name][0].flatten(1, 2)
        assert_near(tokens, expected, TOLERANCE * float(expected.abs().max()))
    assert_near(outputs["conv_after_body"][0], golden["a.conv_after_body"], TOLERANCE)
    # The published code rectifies it in place: that is what was recorded.
    high = functional.leaky_relu(outputs["conv_hr"][0], 0.2)
    assert_near(high[..., ::8, ::8], golden["a.conv_hr_sub8"], TOLERANCE)
    assert_near(output[..., ::2, ::2], golden["a.output"], TOLERANCE)


def test_swinir_shifts_its_windows() -> None:
    golden = Golden("swinir")
    network = swinir()
    block = network.get_submodule("layers.0.residual_group.blocks.1")
    output = block(golden["blk.input"].unflatten(1, (8, 16)))
    assert_near(output.flatten(1, 2), golden["blk.output"], TOLERANCE)


def test_swinir_on_as_many_places_as_it_was_built_for() -> None:
    # The published code takes the mask of its file there, and makes one for every other size.
    golden = Golden("swinir")
    assert_near(swinir()(golden["b.input"])[..., ::4, ::4], golden["b.output"], TOLERANCE)


def test_bsrnet() -> None:
    golden = Golden("bsrnet")
    network = bsrnet()
    outputs = record(network)
    output = network(golden["input"])
    assert_near(outputs["conv_first"][0], golden["conv_first"], TOLERANCE)
    assert_near(outputs["trunk_conv"][0], golden["trunk"], TOLERANCE)
    assert_near(output[..., ::2, ::2], golden["output"], TOLERANCE)


def test_scunet() -> None:
    golden = Golden("scunet")
    network = scunet()
    outputs = record(network)
    output = network(golden["input"])
    # Some parts are kept at every eighth place, the coarser ones at every fourth.
    finer = dict.fromkeys(("m_head", "m_down1"), 8)
    coarser = dict.fromkeys(("m_down2", "m_down3", "m_body", "m_up3"), 4)
    for name, every in (finer | coarser).items():
        expected = golden[name]
        largest = float(expected.abs().max())
        assert_near(outputs[name][0][..., ::every, ::every], expected, TOLERANCE * largest)
    assert_near(output, golden["output"], TOLERANCE * float(golden["output"].abs().max()))


def test_swinir_in_tiles() -> None:
    golden = Golden("swinir")
    image = golden["tiled.input"]
    output = remove_degradation(swinir(), image, (image.shape[-2], image.shape[-1]), 64, 64, CPU)
    assert_near(output[..., ::4, ::4], golden["tiled.output"], TOLERANCE)


def test_bsrnet_in_tiles() -> None:
    golden = Golden("bsrnet")
    image = golden["tiled.input"]
    size = 4 * image.shape[-2], 4 * image.shape[-1]
    output = remove_degradation(bsrnet(), image, size, 64, 16, CPU)
    assert_near(output[..., ::2, ::2], golden["tiled.output"], TOLERANCE)
