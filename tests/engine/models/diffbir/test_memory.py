"""DiffBIR where memory is short: networks that are offloaded, and norms taken from a thumbnail."""

from typing import Any, Self

import pytest
import torch
from small_diffbir import picture, pipeline
from torch import Tensor, nn

from pixelmend_engine.catalog.diffbir import V2_1
from pixelmend_engine.catalog.diffbir_settings import DiffBIRSettings
from pixelmend_engine.diffusion.noise import SeededNoise
from pixelmend_engine.models.diffbir.memory_plan import Plan
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.text_encoder import TextEncoder
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.nn.swinir import SwinIR

QUICK = {"steps": 2, "prompt": "a photo", "cfg_scale": 1.0, "color_fix": "none"}


def test_norms_from_a_thumbnail_give_nearly_the_same() -> None:
    model = pipeline(V2_1, "swinir")
    image = picture(256, 256)

    def run(tile: int, host_free_bytes: int) -> Tensor:
        request = ModelRequest(
            task="restore", tile=tile, host_free_bytes=host_free_bytes, options=QUICK
        )
        return model.prepare(image, request, Progress())(image, Progress())

    whole, together, from_thumbnail = run(0, 10**12), run(64, 10**12), run(64, 40_000_000)
    assert not torch.equal(together, from_thumbnail)
    # 4 % and 7 % of the deviation were measured: tiles of 64 pixels see little of the picture, and
    # the attention in the middle of the autoencoder sees nothing of other tiles.
    for cut in (together, from_thumbnail):
        assert (cut - whole).abs().mean() < 0.1 * whole.std()


class Moved(nn.Module):
    """A network that writes down where it is moved."""

    log: list[tuple[str, str]]

    def to(self, *where: Any, **how: Any) -> Self:
        # The device here is the CPU itself: by its name networks are moved away.
        direction = "to device" if isinstance(where[0], torch.device) else "away"
        self.log.append((direction, type(self).__name__))
        return super().to(*where, **how)


class Text(Moved, TextEncoder):
    pass


class Restoration(Moved, SwinIR):
    pass


class Coder(Moved, Autoencoder):
    pass


class Diffusion(Moved, UNet):
    pass


class Control(Moved, ControlNet):
    pass


@pytest.mark.parametrize("fidelity", [0.0, 0.01])
@pytest.mark.parametrize("all_resident", [True, False])
def test_networks_that_have_no_room_together_are_offloaded_after_their_phase(
    all_resident: bool, fidelity: float
) -> None:
    log: list[tuple[str, str]] = []
    model = pipeline(V2_1, "swinir")
    config = model.config
    networks: dict[str, Moved] = {
        "text_encoder": Text(config.text),
        "swinir": Restoration(config.swinir),
        "autoencoder": Coder(config.autoencoder),
        "unet": Diffusion(config.unet),
        "control": Control(config.unet),
    }
    for name, network in networks.items():
        network.log = log
        model.networks.add_module(name, network.requires_grad_(requires_grad=False))
    settings = DiffBIRSettings.from_options(config, QUICK | {"fidelity": fidelity})
    plan = Plan(
        remove_degradation=None,
        encode=None,
        diffuse=None,
        decode=None,
        all_resident=all_resident,
        needed_bytes={},
    )
    model.run(picture(64, 64), (64, 64), "swinir", settings, SeededNoise(0), plan, Progress())
    # Guidance towards the source asks the autoencoder at every step.
    diffusing = ["Diffusion", "Control", *(["Coder"] if fidelity else [])]
    phases = [["Text"], ["Restoration"], ["Coder"], diffusing, ["Coder"]]
    everybody = [type(network).__name__ for network in model.networks.children()]
    expected: list[tuple[str, str]] = []
    for phase in phases:
        # Also what an earlier picture may have left there makes room.
        others = [] if all_resident else [name for name in everybody if name not in phase]
        expected += [("away", name) for name in others]
        expected += [("to device", name) for name in phase]
        expected += [("away", name) for name in phase if not all_resident]
    assert log == expected
