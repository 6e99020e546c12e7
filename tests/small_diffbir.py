"""DiffBIR in the sizes of the golden vectors, with random weights, as its files are published."""

import dataclasses
from pathlib import Path

import torch
from fakes import CPU
from golden import recipe
from torch import Tensor
from torch.nn import functional

from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.diffbir import DiffBIRConfig, RestorationModule
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.models.diffbir import stable_diffusion_layouts
from pixelmend_engine.models.diffbir.model import DiffBIR, DiffBIRPipeline
from pixelmend_engine.weights.checkpoints.reading import StateDict


def small(model_id: str) -> ModelSpec:
    """A published model in the sizes of the golden vectors."""
    spec = registry.find(model_id)
    assert isinstance(spec.config, DiffBIRConfig)
    return dataclasses.replace(spec, config=tiny(spec.config))


def tiny(config: DiffBIRConfig) -> DiffBIRConfig:
    return dataclasses.replace(recipe.tiny(config), min_side=64)


def pipeline(config: DiffBIRConfig, *modules: RestorationModule) -> DiffBIRPipeline:
    """A small system with random weights, that did not go through files."""
    torch.manual_seed(0)
    return DiffBIRPipeline(DiffBIR(tiny(config), frozenset(modules)), CPU, torch.float32)


def picture(height: int, width: int) -> Tensor:
    """Large shapes, as photos have them, and nothing that repeats."""
    coarse = torch.rand(1, 3, 5, 6, generator=torch.Generator().manual_seed(3))
    return functional.interpolate(coarse, size=(height, width), mode="bicubic").clamp(0, 1)


def write(spec: ModelSpec, folder: Path) -> list[Path]:
    """Writes random weights as they are published: one file each, in its own wrapping."""
    torch.manual_seed(0)
    assert isinstance(spec.config, DiffBIRConfig)
    config = spec.config
    modules = frozenset[RestorationModule](module for _, module in config.restoration_modules)
    networks = DiffBIR(config, modules)
    ldm: StateDict = {"betas": torch.zeros(1000), "model_ema.decay": torch.zeros(())}
    for part, prefix in stable_diffusion_layouts.PREFIXES.items():
        state = networks.get_submodule(part).state_dict()
        ldm |= {prefix + key: tensor for key, tensor in state.items()}
    torch.save({"state_dict": ldm, "global_step": 3}, folder / "sd.ckpt")
    control = {f"module.{k}": t for k, t in networks.control.state_dict().items()}
    torch.save(control, folder / "control.pth")
    for module in modules:
        state = networks.restoration_module(module).state_dict()
        name = "face_cleaner" if module == "swinir_face" else module
        torch.save(dict(state), folder / f"{name}.pth")
    return sorted(folder.iterdir())
