"""The weights that the recipe makes are those that the golden vectors were made with."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from golden import recipe
from golden.recipe import HERE, Golden, digest, recipe_tensor
from torch import nn

from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.nn.swinir import SwinIR

PUBLISHED: dict[str, Any] = json.loads((HERE / "tiny-manifest.json").read_text())
LEFT_OUT = (
    *SwinIR.BUFFERS,  # can be computed, and is
    "resblocks.3.",  # the text encoder's last layer, and what comes after it: not used
    "text_projection",
    "logit_scale",
)
NETWORKS: dict[str, tuple[Callable[[], nn.Module], str]] = {  # and what its names begin with
    "swinir": (lambda: SwinIR(recipe.SWINIR), ""),
    "bsrnet": (lambda: RRDBNet(recipe.RRDB), ""),
    "scunet": (lambda: SCUNet(recipe.SCUNET), ""),
    "unet": (lambda: UNet(recipe.UNET), ""),
    "controlnet": (lambda: ControlNet(recipe.UNET), ""),
    "vae": (lambda: Autoencoder(recipe.AUTOENCODER), ""),
    "text": (lambda: TextEncoder(recipe.TEXT), "model."),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_small_networks_have_the_published_names_and_shapes(name: str) -> None:
    build, prefix = NETWORKS[name]
    ours = {prefix + key: list(tensor.shape) for key, tensor in build().state_dict().items()}
    theirs: dict[str, list[int]] = PUBLISHED[name]["params"]
    expected = {k: s for k, s in theirs.items() if not any(part in k for part in LEFT_OUT)}
    assert ours == expected


@pytest.mark.parametrize("name", NETWORKS)
def test_the_recipe_makes_the_weights_that_the_published_code_ran_with(name: str) -> None:
    published = PUBLISHED[name]
    # Of the text encoder with what we leave out: it ran with that.
    state = {
        key: recipe_tensor(published["hash_prefix"] + key, tuple(shape))
        for key, shape in published["params"].items()
        if not key.endswith(SwinIR.BUFFERS)
    }
    assert digest(state) == _weights(name)["sha256_sorted_name_plus_f32le_bytes"]


def _weights(name: str) -> dict[str, Any]:
    if name in ("unet", "controlnet"):
        return Golden("unet-control").facts["weights"][name]
    return Golden({"text": "text-encoder"}.get(name, name)).facts["weights"]
