"""Ways to restore a picture: models, and what could be done without one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from einops import rearrange
from PIL import Image

from pixelmend_engine.catalog.spec import Task
from pixelmend_engine.inference.tiled_inference import LoadedModel, run_model
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.training.evaluation import baselines, metrics
from pixelmend_engine.training.evaluation.cases import Case, Kernel, Picture, Restored


@dataclass(frozen=True)
class Method:
    """A way to restore a picture; with `needs_kernel`, one that is told the kernel."""

    name: str
    restore: Callable[[Case], Restored]
    needs_kernel: bool = False


INPUT = Method("input", lambda case: case.degraded)
"""The picture as it came."""

LANCZOS = Method("lanczos", lambda case: _enlarge(case))
"""What photo editors enlarge by."""

BIHARMONIC = Method("biharmonic", lambda case: _fill(case))
"""Holes that are closed as smoothly as can be."""


REFERENCES: Mapping[str, Method] = {"upscale": LANCZOS, "inpaint": BIHARMONIC}
"""What gains are against, by task; else the input."""


def model_method(name: str, loaded: LoadedModel, seed: int, task: Task = "restore") -> Method:
    """Makes a method of a loaded model, which may do another thing for another task."""

    def restore_with_model(case: Case) -> Restored:
        request = ModelRequest(seeds=(seed,), scale=float(case.scale), task=task)
        result = run_model(loaded, case.model_input, request, Progress())
        restored = metrics.to_uint8(result.image[0].cpu())
        return restored if case.mask is None else torch.where(case.mask, restored, case.degraded)

    return Method(name, restore_with_model)


def baseline_methods(seed: int) -> list[Method]:
    """Lists the baselines; those that know the blur apply to simulated blur alone."""
    assumed = torch.from_numpy(baselines.assumed_kernel())

    def lucy(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.deconvolve_richardson_lucy(_pixels(case.degraded), kernel.numpy()))

    def wiener(case: Case, kernel: Kernel) -> Picture:
        return _planes(baselines.deconvolve_wiener(_pixels(case.degraded), kernel.numpy(), seed))

    def true_kernel(case: Case) -> Kernel:
        if case.kernel is None:
            msg = "this blur was not simulated"
            raise AssertionError(msg)
        return case.kernel

    return [
        Method(
            "unsharp mask",
            lambda case: _planes(baselines.apply_unsharp_mask(_pixels(case.degraded))),
        ),
        Method("richardson-lucy", lambda case: lucy(case, assumed)),
        Method("wiener", lambda case: wiener(case, assumed)),
        Method("richardson-lucy, told the blur", lambda case: lucy(case, true_kernel(case)), True),
        Method("wiener, told the blur", lambda case: wiener(case, true_kernel(case)), True),
    ]


def noise_baselines() -> list[Method]:
    """Lists the baselines for damage other than blur."""
    return [
        Method(
            "non-local means",
            lambda case: _planes(baselines.denoise_non_local_means(_pixels(case.degraded))),
        )
    ]


def _enlarge(case: Case) -> Restored:
    height, width = case.sharp.shape[-2:]
    image = Image.fromarray(_pixels(case.degraded))
    return _planes(np.array(image.resize((width, height), Image.Resampling.LANCZOS)))


def _fill(case: Case) -> Restored:
    assert case.mask is not None
    return _planes(baselines.fill_biharmonic(_pixels(case.degraded), case.mask.numpy()))


def _pixels(picture: Picture) -> Any:
    return rearrange(picture, "c h w -> h w c").numpy()


def _planes(pixels: Any) -> Picture:
    return rearrange(torch.from_numpy(pixels), "h w c -> c h w")
