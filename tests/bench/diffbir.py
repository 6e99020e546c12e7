"""Takes DiffBIR's figures: makes weights of the published sizes from random numbers, and runs them.

    python tests/bench/diffbir.py FOLDER [--model diffbir-v2] [--side 512] [--device cuda]

FOLDER gets about 3.5 GB for each model; v2.1 has Stable Diffusion in one file, v2 in three. A
picture goes through all parts, then each part is timed alone, with what it takes of memory beside
its weights for each pixel (`models/diffbir/memory_plan.py`). The weights are half as precise as
published, which makes their files half as large and nothing else.
"""

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.weight_files import manifest
from pixelmend_engine.inference import devices
from pixelmend_engine.models import loading
from pixelmend_engine.models.diffbir.model import LATENT_SCALE, DiffBIRPipeline
from pixelmend_engine.models.diffbir.restoration_guidance import (
    guided,
    smooth_weights,
    weighted_error,
)
from pixelmend_engine.models.pipeline import ModelRequest, Pipeline
from pixelmend_engine.nn.precision import autocast
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.nn.rrdb import RRDBNet
from pixelmend_engine.nn.scunet import SCUNet
from pixelmend_engine.nn.stable_diffusion.autoencoder import mode
from pixelmend_engine.nn.swinir import SwinIR

FILES = {  # as their manifests are named
    "diffbir-v2.1": ("diffbir-sd21-ldm", "diffbir-ircontrolnet", "diffbir-swinir"),
    "diffbir-v2": (
        "sd21-unet", "sd21-vae", "sd21-text-encoder",
        "diffbir-ircontrolnet", "diffbir-bsrnet", "diffbir-scunet",
    ),
}  # fmt: skip


def make(folder: Path, names: Sequence[str]) -> list[Path]:
    """Writes the files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    for name in names:
        path = folder / f"{name}.safetensors"
        if path.exists():
            continue
        state = {
            key: torch.randn(shape, generator=generator).mul_(_size(key, shape)).half()
            for key, shape in manifest(name).items()
            if not key.endswith(SwinIR.BUFFERS)
        }
        for key, tensor in state.items():
            if "norm" in key and key.endswith("weight"):
                tensor.add_(1)
        save_file(state, path)
    return [folder / f"{name}.safetensors" for name in names]


def _size(key: str, shape: tuple[int, ...]) -> float:
    return 0.02 if len(shape) < 2 or "embedding" in key else 1 / math.sqrt(math.prod(shape[1:]))


@dataclass(frozen=True)
class Meter:
    """Measures time and memory on one device."""

    device: torch.device

    def held(self) -> int:
        """Returns what the process holds on the device."""
        if self.device.type == "cuda":
            return torch.cuda.memory_allocated(self.device)
        return psutil.Process().memory_info().rss

    def forget(self) -> None:
        """Starts the measurement of the peak anew."""
        devices.give_back(self.device)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        elif sys.platform == "linux":
            Path("/proc/self/clear_refs").write_text("5")

    def peak(self) -> int:
        """Returns the most that was held since `forget`; outside of Linux, since the start."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
            return torch.cuda.max_memory_allocated(self.device)
        return devices.peak_bytes(self.device)

    def timed(self, name: str, part: Callable[[], object], pixels: int | None = None) -> None:
        """Prints how long something takes, and the most memory that is held meanwhile."""
        self.forget()
        before, started = self.held(), time.monotonic()
        part()
        peak, seconds = self.peak(), time.monotonic() - started
        each = f", {(peak - before) / pixels:.0f} bytes a pixel" if pixels else ""
        held = self.held() / 1e9
        print(f"{name}: {seconds:.2f} s, {held:.1f} GB held, peak {peak / 1e9:.1f} GB{each}")


def parts(meter: Meter, pipeline: DiffBIRPipeline, side: int, dtype: torch.dtype) -> None:
    """Times each part alone."""
    device, networks, config = meter.device, pipeline.networks, pipeline.config
    image = torch.rand(1, 3, side, side, device=device)
    latents = torch.randn(2, 4, side // 8, side // 8, device=device)
    texts, times = torch.randn(2, 77, 1024, device=device), torch.full((2,), 500.0, device=device)
    ids = torch.zeros(2, 77, dtype=torch.long, device=device)
    autoencoder = networks.autoencoder
    modules = (SwinIR(config.swinir), RRDBNet(config.bsrnet), SCUNet(config.scunet))
    for network in (networks, *modules):
        network.to(device).requires_grad_(requires_grad=False)
    swinir, bsrnet, scunet = modules

    def step(count: int) -> None:
        x, t, text = latents[:count], times[:count], texts[:count]
        networks.unet(x, t, text, networks.control(x, x, t, text))

    def guide() -> None:
        target = 2 * image - 1
        weights = smooth_weights(target)
        with torch.autocast(device.type, enabled=False):
            guided(
                latents[:1],
                1.0,
                0.5,
                lambda z: weighted_error(autoencoder.decode(z / LATENT_SCALE), target, weights),
            )

    with torch.no_grad():
        meter.timed("remove degradation, SwinIR", lambda: swinir(image), side**2)
        small = image[..., : side // 4, : side // 4]
        meter.timed("remove degradation, BSRNet to 4 times", lambda: bsrnet(small), side**2 // 16)
        meter.timed("remove degradation, SCUNet", lambda: scunet(image), side**2)
        with autocast(device, dtype):
            meter.timed("encode text", lambda: networks.text_encoder(ids))
            meter.timed("encode", lambda: mode(autoencoder.encode(image)), side**2)
            meter.timed("one call, one prompt", lambda: step(1), side**2)
            meter.timed("one call, both prompts", lambda: step(2), side**2)
            meter.timed("guide", guide, side**2)
            meter.timed("decode", lambda: autoencoder.decode(latents[:1]), side**2)


def whole(meter: Meter, pipeline: DiffBIRPipeline, side: int, steps: int) -> None:
    """Times a picture through all of them."""
    image = torch.rand(1, 3, side, side, generator=torch.Generator().manual_seed(1))
    request = ModelRequest(
        task="restore",
        options={"steps": steps},
        free_bytes=devices.free_bytes(meter.device),
        host_free_bytes=devices.free_bytes(torch.device("cpu")),
        warn_before=print,
    )
    reports: list[int] = []
    results: list[torch.Tensor] = []

    def restore() -> None:
        progress = Progress(lambda done, _: reports.append(done))
        restorer = pipeline.prepare(image, request, progress)
        results.append(restorer(image, progress))

    meter.timed(f"all, {steps} steps", restore)
    (result,) = results
    assert result.shape == image.shape
    assert result.isfinite().all()
    print(f"{len(reports)} reports, finite, {list(result.shape)}")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=FILES, default="diffbir-v2.1")
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    devices.use_huge_pages()
    device = devices.choose_device(arguments.device)
    dtype = devices.choose_dtype("auto", device)
    meter = Meter(device)
    files = make(arguments.folder, FILES[arguments.model])
    loaded: list[Pipeline] = []

    def load() -> None:
        spec = registry.find(arguments.model)
        loaded.append(loading.load([spec], files, device, dtype)[1])

    meter.timed("loaded", load)
    (pipeline,) = loaded
    assert isinstance(pipeline, DiffBIRPipeline)
    whole(meter, pipeline, arguments.side, arguments.steps)
    parts(meter, pipeline, arguments.side, dtype)


if __name__ == "__main__":
    main()
