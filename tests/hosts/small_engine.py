"""The engine's real process with small models of random weights.

    python tests/hosts/small_engine.py --home DIR

A small HI-Diff restores faces, a small DiffBIR photographs. What finds faces takes red spots for
noses, so that no downloads are needed; all else is as users have it.
"""

import argparse
import asyncio
import dataclasses
import logging
import sys
import tempfile
from pathlib import Path

import torch
from marked_faces import GivenNetworks
from safetensors.torch import save_file  # pyright: ignore[reportUnknownVariableType] - PathLike
from small_diffbir import small, write
from small_hidiff import CONFIG

from pixelmend.paths import Paths
from pixelmend_engine.catalog import registry
from pixelmend_engine.catalog.faces import DETECTOR, PARSER
from pixelmend_engine.catalog.spec import ModelSpec
from pixelmend_engine.models.hidiff import HIDiff
from pixelmend_engine.server.process import Lifetime, Service, alone
from pixelmend_engine.server.worker import Worker
from pixelmend_engine.weights import store

MODEL = "hi-diff-gopro"  # whose place the small one for faces takes
DIFFBIR = "diffbir-v2.1"
PLACES = {  # of DiffBIR's files, each in its folder as users put it there
    "sd.ckpt": "diffbir-sd21-zsnr",
    "control.pth": "diffbir-v2-1",
    "swinir.pth": "diffbir-swinir-realesrgan",
}
ALWAYS_S = 3600.0  # the tests may be busy elsewhere for long


def install(models_dir: Path) -> None:
    """Puts random weights where a model's would lie, and something where the faces' would."""
    torch.manual_seed(0)
    state = HIDiff(CONFIG, teacher=False).state_dict()
    for file_id, tensors in (
        (MODEL, {key: tensor.contiguous() for key, tensor in state.items()}),
        (DETECTOR, {"never": torch.zeros(1)}),
        (PARSER, {"read": torch.zeros(1)}),
    ):
        path = store.path_of(file_id, models_dir)
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file(tensors, path)
    with tempfile.TemporaryDirectory() as folder:
        for path in write(small(DIFFBIR), Path(folder)):
            if path.name in PLACES:
                place = models_dir / PLACES[path.name]
                place.mkdir(parents=True, exist_ok=True)
                (place / path.name).write_bytes(path.read_bytes())


def _known(spec: ModelSpec) -> ModelSpec:
    if spec.id == MODEL:
        return dataclasses.replace(
            spec, title="Small Faces", tasks=("face",), config=CONFIG, options=("fidelity",)
        )
    if spec.id == DIFFBIR:
        return dataclasses.replace(small(DIFFBIR), tasks=("restore", "denoise"))
    return spec


def main() -> None:
    """Runs until it is told to end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    paths = Paths(parser.parse_args().home)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    install(paths.models)
    registry.MODELS = tuple(_known(spec) for spec in registry.MODELS)
    with alone(paths) as only:
        if not only:
            sys.exit(3)
        worker = Worker(face_networks=GivenNetworks())
        lifetime = Lifetime(release_after_s=ALWAYS_S, exit_after_s=ALWAYS_S)
        asyncio.run(Service(paths, worker, paths.models, lifetime).live())


if __name__ == "__main__":
    main()
