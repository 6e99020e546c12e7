"""Weight files as they are published, made from random numbers with the published names."""

import dataclasses
import io
import zipfile
from collections.abc import Mapping
from typing import Any

import torch

from pixelmend_engine.catalog.weight_files import DirectUrl, DownloadSource, WeightFile, manifest
from pixelmend_engine.weights.checkpoints.reading import StateDict

SMALL = "hi-diff-realblur-net_d"  # the smallest network that was published: 1.3 MB


def tensors(name: str, seed: int = 0) -> StateDict:
    """Makes one network's tensors, of the published names and shapes."""
    generator = torch.Generator().manual_seed(seed)
    return {key: torch.randn(shape, generator=generator) for key, shape in manifest(name).items()}


def hollow(name: str) -> StateDict:
    """The same, but all numbers of a tensor are one number: large networks take no room."""
    return {key: torch.zeros(()).expand(shape) for key, shape in manifest(name).items()}


def pickled(content: object) -> bytes:
    """Writes it as the authors do."""
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Packs files into an archive."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return file.getvalue()


def checkpoint(seed: int = 0) -> bytes:
    """A small published file: one network, wrapped as BasicSR wraps it."""
    return pickled({"params": tensors(SMALL, seed)})


def small_file(*sources: DownloadSource, **facts: Any) -> WeightFile:
    """What the catalog would say of it."""
    file = WeightFile(
        id="small",
        name="small.pth",
        container="checkpoint",
        sources=sources or (DirectUrl("https://localhost:1/small"),),
        about_bytes=1_300_000,
        parts={"": SMALL},
        license="Apache-2.0",
        license_url="https://localhost/license",
        models=(),
    )
    return dataclasses.replace(file, **facts)
