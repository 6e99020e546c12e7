"""Takes DiffBIR's figures: makes weights of the published sizes from random numbers, and runs them.

    python tests/bench/diffbir.py FOLDER [--side 512] [--steps 2]

FOLDER gets about 3.5 GB. Each part is timed alone, then a picture goes through all of them. The
weights are half as precise as published, which makes their files half as large and nothing else.
"""

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend_engine import devices, loading, registry
from pixelmend_engine.catalog.files import manifest
from pixelmend_engine.family import Request
from pixelmend_engine.models.diffbir import DiffBIRPipeline
from pixelmend_engine.nn.autoencoder import mode
from pixelmend_engine.nn.swinir import SwinIR

FILES = ("diffbir-sd21-ldm", "diffbir-ircontrolnet", "diffbir-swinir")


def make(folder: Path) -> list[Path]:
    """Writes the files, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    for name in FILES:
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
    return [folder / f"{name}.safetensors" for name in FILES]


def _size(key: str, shape: tuple[int, ...]) -> float:
    return 0.02 if len(shape) < 2 or "embedding" in key else 1 / math.sqrt(math.prod(shape[1:]))


def timed(name: str, part: Callable[[], object]) -> None:
    """Prints how long something takes, and the most memory that was held until then."""
    started = time.monotonic()
    part()
    peak = devices.peak_bytes(torch.device("cpu")) / 1e9
    rss = psutil.Process().memory_info().rss / 1e9
    print(f"{name}: {time.monotonic() - started:.1f} s, {rss:.1f} GB held, peak {peak:.1f} GB")


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--steps", type=int, default=2)
    asked = parser.parse_args()
    devices.use_huge_pages()
    timed("weights written", lambda: make(asked.folder))
    files = make(asked.folder)
    loaded: list[DiffBIRPipeline] = []

    def load() -> None:
        spec = registry.find("diffbir-v2.1")
        _, pipeline = loading.load([spec], files, torch.device("cpu"), torch.float32)
        assert isinstance(pipeline, DiffBIRPipeline)
        loaded.append(pipeline)

    timed("loaded", load)
    pipeline = loaded[0]
    networks = pipeline.networks
    image = torch.rand(1, 3, asked.side, asked.side, generator=torch.Generator().manual_seed(1))
    side = asked.side // 8
    latents, context = torch.randn(2, 4, side, side), torch.randn(2, 77, 1024)
    times = torch.full((2,), 500.0)

    def step(count: int) -> None:
        given = latents[:count], times[:count], context[:count]
        x, t, text = given
        networks.unet(x, t, text, networks.control(x, x, t, text))

    with torch.no_grad():
        timed("clean", lambda: networks.cleaner("swinir")(image))
        ids = torch.zeros(2, 77, dtype=torch.long)
        timed("describe", lambda: networks.text_encoder(ids))
        timed("encode", lambda: mode(networks.autoencoder.encode(image)))
        timed("one call, one branch", lambda: step(1))
        timed("one call, both branches", lambda: step(2))
        timed("decode", lambda: networks.autoencoder.decode(latents[:1]))
    request = Request(
        task="restore",
        options={"steps": asked.steps},
        free_bytes=devices.free_bytes(torch.device("cpu")),
        say=print,
    )
    reports: list[int] = []
    results: list[torch.Tensor] = []

    def restore() -> None:
        restorer = pipeline.prepare(image, request, lambda done, _: reports.append(done))
        results.append(restorer(image, lambda done, _: reports.append(done)))

    timed(f"all, {asked.steps} steps", restore)
    assert results[0].shape == image.shape
    assert results[0].isfinite().all()
    print(f"{len(reports)} reports, finite, {list(results[0].shape)}")


if __name__ == "__main__":
    main()
