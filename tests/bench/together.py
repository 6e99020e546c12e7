"""Measures what DiffBIR's parts take for several faces at once, on a CPU, with random weights.

    python tests/bench/together.py [diffuse|restore|encode|decode] [--faces 1 2 4] [--turns 2]

One part at a time, in the published sizes and float32, on squares of 512 x 512; the diffusion
networks with both prompts. Counts take turns, so that other programs disturb all of
them alike. Seconds are those on all cores together, of each face. Memory is the growth of the
process's peak, which Linux alone can set back.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import torch
from torch import Tensor, nn

from pixelmend_engine.catalog.sizes import AutoencoderSizes, SwinIRSizes, UNetSizes
from pixelmend_engine.inference import devices
from pixelmend_engine.nn.stable_diffusion.autoencoder import Autoencoder
from pixelmend_engine.nn.stable_diffusion.controlnet import ControlNet
from pixelmend_engine.nn.stable_diffusion.unet import UNet
from pixelmend_engine.nn.swinir import SwinIR

CPU = torch.device("cpu")
SIDE, LATENT_SIDE = 512, 64
PROCESS = Path("/proc/self")
Network = TypeVar("Network", bound=nn.Module)


def filled(make: Callable[[], Network]) -> Network:
    """Fills a network with small numbers; without torch's own, which take a minute."""
    with torch.device("meta"):
        network = make()
    network.to_empty(device=CPU)
    for parameter in network.parameters():
        parameter.data.uniform_(-0.01, 0.01)
    return network.eval().requires_grad_(requires_grad=False)


def part(name: str) -> Callable[[int], Tensor]:
    """Returns what runs a part for so many faces."""
    if name == "diffuse":
        unet, control = filled(lambda: UNet(UNetSizes())), filled(lambda: ControlNet(UNetSizes()))

        def diffuse(faces: int) -> Tensor:
            count = 2 * faces
            latents = torch.randn(count, 4, LATENT_SIDE, LATENT_SIDE)
            texts, times = torch.randn(count, 77, 1024), torch.full((count,), 500.0)
            return unet(latents, times, texts, control(latents, latents, times, texts))

        return diffuse
    if name == "restore":
        swinir = filled(lambda: SwinIR(SwinIRSizes()))
        return lambda faces: swinir(torch.rand(faces, 3, SIDE, SIDE))
    autoencoder = filled(lambda: Autoencoder(AutoencoderSizes()))
    if name == "encode":
        return lambda faces: autoencoder.encode(torch.rand(faces, 3, SIDE, SIDE))
    return lambda faces: autoencoder.decode(torch.randn(faces, 4, LATENT_SIDE, LATENT_SIDE))


def grown_bytes(run: Callable[[], object]) -> int:
    """Returns by how much the process's memory grew at most while something ran."""
    devices.give_back(CPU)
    (PROCESS / "clear_refs").write_text("5")  # the peak begins anew
    held = psutil.Process().memory_info().rss
    run()
    (peak,) = (
        int(line.split()[1]) * 1024
        for line in (PROCESS / "status").read_text().splitlines()
        if line.startswith("VmHWM")
    )
    return peak - held


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=("diffuse", "restore", "encode", "decode"))
    parser.add_argument("--faces", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    devices.use_huge_pages()
    run = part(arguments.part)
    with torch.inference_mode():
        for faces in arguments.faces * arguments.turns:
            started, computed = time.monotonic(), time.process_time()
            grown = grown_bytes(lambda count=faces: run(count))
            seconds, core_seconds = time.monotonic() - started, time.process_time() - computed
            print(
                f"{arguments.part}, {faces} at once: {core_seconds / faces:.1f} core seconds and "
                f"{seconds / faces:.1f} s each, {grown / 1e9:.2f} GB in all",
                flush=True,
            )


if __name__ == "__main__":
    main()
