"""Latents that the second stage of DiffBIR learns from: computed once, kept on the disk.

What comes before the two diffusion networks is frozen, so it need not be computed in each step. A
pool has so many samples, each a crop that was made worse, restored by the first stage and encoded;
steps draw from them. They lie in shards in the run's folder: a run that was stopped while it made
them goes on with the next one.
"""

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from safetensors import SafetensorError
from safetensors.torch import load_file, save  # pyright: ignore[reportUnknownVariableType] - PathLike
from torch import Tensor

from pixelmend.atomic import as_output_failed, atomic_write
from pixelmend.errors import BadRequest, UnreadableCheckpoint
from pixelmend_engine.training.data.crops import TrainingData, first_names
from pixelmend_engine.training.frozen_networks import FrozenNetworks
from pixelmend_engine.training.recipes.recipe import Phase

logger = logging.getLogger(__name__)

SHARD = 16  # samples
SALT = 25  # sets what is drawn here apart from what else a step draws
FEWEST, SAMPLES_A_PICTURE, MOST = 256, 16, 50_000  # samples of a pool, where nobody said how many

Latents = Float[Tensor, "b 4 h w"]
Moments = Float[Tensor, "b 8 h w"]
Texts = Float[Tensor, "b n d"]


@dataclass(frozen=True)
class LatentBatch:
    """What a step learns from: moments of sharp latents, scaled conditions, encoded captions."""

    moments: Moments
    condition: Latents
    context: Texts

    def __len__(self) -> int:
        """Returns how many samples there are."""
        return len(self.moments)

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """What an objective is called with."""
        return self.moments, self.condition, self.context

    def select(self, indices: Tensor) -> "LatentBatch":
        """Returns some of the samples."""
        return LatentBatch(self.moments[indices], self.condition[indices], self.context[indices])


def pool_size(pictures: int) -> int:
    """Returns how many samples a pool has, where nobody said how many."""
    return min(max(FEWEST, SAMPLES_A_PICTURE * pictures), MOST)


class LatentPool:
    """The samples of a run, all or those that this process needs made."""

    def __init__(
        self,
        folder: Path,
        data: TrainingData,
        encoder: FrozenNetworks,
        *,
        size: int,
        side: int,
        seed: int,
        facts: str,  # what else samples depend on
        device: torch.device,
        captions: Mapping[str, str] | None = None,  # by the names of pictures; None: no prompts
    ) -> None:
        self._folder, self._data, self._encoder = folder, data, encoder
        self._side, self._seed, self._device = side, seed, device
        self._shards = -(-size // SHARD)
        self._captions = captions
        key = repr((encoder.fingerprint, seed, side, facts, data.names))
        self._key = hashlib.sha256(key.encode()).hexdigest()
        self._loaded: dict[int, dict[str, Tensor]] = {}
        self._contexts = torch.empty(0)

    @property
    def size(self) -> int:
        """How many samples there are; whole shards."""
        return self._shards * SHARD

    def prepare(self) -> None:
        """Makes the folder, and removes what was computed from something else. By one process.

        Raises:
            OutputFailed: The disk is full, or the folder can't be written to.
        """
        head = self._folder / "pool.json"
        with as_output_failed(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            if not head.exists() or json.loads(head.read_text()).get("key") != self._key:
                for path in self._folder.glob("*.safetensors"):
                    path.unlink()
        _write(head, _with_key(self._key))
        self._encode_captions()

    def fill(self, process: int, processes: int) -> None:
        """Computes this process's share of the shards that are not there yet.

        Raises:
            OutputFailed: The disk is full. What was written stays, and a next run goes on.
        """
        for number in range(process, self._shards, processes):
            path = self._path(number)
            if not path.exists():
                _write(path, save(self._compute(number)))
                logger.info("latents: %d of %d samples", (number + 1) * SHARD, self.size)
        self._contexts = _read(self._folder / "contexts.safetensors")["contexts"]

    def batch(self, step: int, process: int, phase: Phase) -> LatentBatch:
        """Draws what a step learns from."""
        rng = np.random.default_rng([self._seed, step, process, SALT])
        drawn = rng.integers(self.size, size=phase.batch)
        samples = [self._sample(int(index)) for index in drawn]
        moments, condition, caption = (
            torch.stack([sample[name] for sample in samples])
            for name in ("moments", "condition", "caption")
        )
        context = self._contexts[caption]
        return LatentBatch(*(x.float().to(self._device) for x in (moments, condition, context)))

    def _sample(self, index: int) -> dict[str, Tensor]:
        shard, place = divmod(index, SHARD)
        if shard not in self._loaded:
            self._loaded[shard] = _read(self._path(shard))  # mapped, so it need not fit into memory
        return {name: tensor[place] for name, tensor in self._loaded[shard].items()}

    def _compute(self, shard: int) -> dict[str, Tensor]:
        drawn = [
            self._data.sample(number, self._side)
            for number in range(shard * SHARD, (shard + 1) * SHARD)
        ]
        names = {name: number for number, name in enumerate(self._data.names)}
        conditions: list[Tensor] = []
        moments: list[Tensor] = []
        for _, batch in drawn:  # one by one, which takes little room
            smooth = self._encoder.remove_degradation(batch.lq)
            conditions.append(self._encoder.encode_condition(smooth).half().cpu())
            moments.append(self._encoder.encode(batch.hq).half().cpu())
        captions = [0 if self._captions is None else 1 + names[name] for name, _ in drawn]
        return {
            "moments": torch.cat(moments).contiguous(),
            "condition": torch.cat(conditions).contiguous(),
            "caption": torch.tensor(captions),
        }

    def _encode_captions(self) -> None:
        captions = self._captions
        texts = [""] if captions is None else ["", *(captions[name] for name in self._data.names)]
        path = self._folder / "contexts.safetensors"
        key = hashlib.sha256(repr(texts).encode()).hexdigest()
        known = self._folder / "contexts.json"
        with as_output_failed(path):
            if path.exists() and known.exists() and json.loads(known.read_text())["key"] == key:
                return
            known.unlink(missing_ok=True)
        _write(path, save({"contexts": self._encoder.contexts(texts).half()}))
        _write(known, _with_key(key))

    def _path(self, shard: int) -> Path:
        return self._folder / f"{shard:05}.safetensors"


def _with_key(key: str) -> bytes:
    return json.dumps({"key": key}).encode()


def _write(path: Path, content: bytes) -> None:
    with atomic_write(path, overwrite=True) as temporary, as_output_failed(path):
        temporary.write_bytes(content)


def read_captions(data: TrainingData) -> dict[str, str]:
    """Reads what stands beside each picture, in a text file of the same name.

    Raises:
        BadRequest: Some have none, or none that can be read; it says how many, and names some.
    """
    captions: dict[str, str] = {}
    missing: list[str] = []
    for name, path in data.paths.items():
        try:
            captions[name] = path.with_suffix(".txt").read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            missing.append(path.name)
    if missing := sorted(missing):
        raise BadRequest(
            f"{len(missing)} of {len(data.paths)} pictures have no caption: {first_names(missing)}",
            hint="Put a text file of the same name beside each (`photo.txt`), or leave out "
            "--captions",
        )
    return captions


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise UnreadableCheckpoint(
            f"Latents of the run are damaged: `{path}`",
            hint="Remove that file; the run computes it anew",
        ) from error
