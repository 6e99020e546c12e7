"""The golden vectors: numbers that the published code produced, and their tiny networks."""

import json
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from pixelmend_engine.catalog import weight_files
from pixelmend_engine.catalog.hidiff import GOPRO, REALBLUR, HIDiffConfig
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.weights.checkpoints import reading
from pixelmend_engine.weights.checkpoints.reading import StateDict

HERE = Path(__file__).parent
System = Literal["gopro", "realblur"]
SYSTEMS: tuple[System, ...] = ("gopro", "realblur")


def manifest(name: str) -> dict[str, list[int]]:
    """Reads the names and shapes of a published network's parameters."""
    here = HERE / "manifests" / f"{name}.json"  # of networks that nobody downloads
    if here.is_file():
        return json.loads(here.read_text())
    return {key: list(shape) for key, shape in weight_files.manifest(name).items()}


class Golden:
    """One tiny system with random weights, and all that the published code computed with it."""

    def __init__(self, system: System) -> None:
        stem = HERE / f"hi-diff-{system}-tiny"
        self.tensors = reading.read(stem.with_suffix(".safetensors"))
        self.config = _config(system, json.loads(stem.with_suffix(".json").read_text())["networks"])

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name]

    def states(self, *, teacher: bool = True) -> dict[str, StateDict]:
        """Returns the tensors of each network."""
        states: dict[str, StateDict] = {}
        for name, tensor in self.tensors.items():
            if name.startswith("state/"):
                _, network, key = name.split("/")
                if teacher or network != "net_le":
                    states.setdefault(network, {})[key] = tensor
        return states

    def networks(self) -> HIDiff:
        """Builds the system and fills it, strictly."""
        networks = HIDiff(self.config, teacher=True)
        for name, state in self.states().items():
            networks.get_submodule(name).load_state_dict(state, strict=True)
        return networks.eval().requires_grad_(requires_grad=False)


def _config(system: System, networks: dict[str, Any]) -> HIDiffConfig:
    published = GOPRO if system == "gopro" else REALBLUR
    g, le, d = networks["net_g"], networks["net_le_dm"], networks["net_d"]
    return HIDiffConfig(
        dim=g["dim"],
        blocks=tuple(g["num_blocks"]),
        refinement_blocks=g["num_refinement_blocks"],
        heads=tuple(g["heads"]),
        ffn_expansion=float(g["ffn_expansion_factor"]),
        embed_dim=g["embed_dim"],
        group=g["group"],
        encoder=published.encoder,
        encoder_blocks=le["block_num"],
        denoiser=published.denoiser,
        denoiser_width=d.get("inner_channel", 4 * g["embed_dim"]),
        denoiser_blocks=d.get("block_num", d.get("n_denoise_res")),
        prediction=published.prediction,
        betas=published.betas,
        beta_start=networks["diffusion"]["linear_start"],
        beta_end=networks["diffusion"]["linear_end"],
        steps=networks["diffusion"]["timesteps"],
    )


def record(networks: nn.Module) -> dict[str, list[Tensor]]:
    """Keeps what every module puts out from now on, and, as `name:in`, what it is given first."""
    records: dict[str, list[Tensor]] = {}

    def keep(name: str) -> None:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            records.setdefault(name, []).append(output)
            records.setdefault(f"{name}:in", []).append(inputs[0])

        networks.get_submodule(name).register_forward_hook(hook)

    for name, _ in networks.named_modules():  # pyright: ignore[reportUnknownVariableType]
        keep(str(name))  # pyright: ignore[reportUnknownArgumentType] - torch knows no more
    return records


def assert_near(actual: Tensor, expected: Tensor, tolerance: float) -> None:
    """Compares with an absolute tolerance alone, in float64."""
    torch.testing.assert_close(actual.double(), expected.double(), atol=tolerance, rtol=0)
