"""What a run leaves on the disk: the state to go on from, and weights to restore with.

    FOLDER/stage1/resume.state        everything that the next step depends on
    FOLDER/stage1/published/          weights in the published code's layout
    FOLDER/stage1/model.safetensors   all networks in one file, in half precision
    FOLDER/stage1/logs/               what TensorBoard shows
    FOLDER/stage2/…                   the same of the second stage

Every file appears whole or not at all, so a run may be killed at any time.
"""

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from pixelmend.atomic import as_output_failed, atomic_write
from pixelmend.errors import OutputExists, OutputFailed, UnreadableCheckpoint, WeightsMissing
from pixelmend_engine.training.published_format import Files, Networks


@dataclass(frozen=True)
class RunFolder:
    """The folder of one stage of a run."""

    path: Path

    @property
    def state(self) -> Path:
        """The file that a run goes on from."""
        return self.path / "resume.state"

    @property
    def published(self) -> Path:
        """The folder of weights in the published layout."""
        return self.path / "published"

    @property
    def logs(self) -> Path:
        """The folder that TensorBoard reads."""
        return self.path / "logs"

    def make(self, *, resume: bool) -> None:
        """Makes the folder.

        Raises:
            OutputExists: A run was begun there, and nobody said that it shall go on.
            OutputFailed: It can't be made.
        """
        if self.state.exists() and not resume:
            raise OutputExists(
                f"A run was begun in `{self.path}`",
                hint="Use --resume to go on with it, or --out-dir to name another folder",
            )
        try:
            self.published.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputFailed(
                f"The folder `{self.path}` can't be made: {error.strerror or error}",
                hint="Name another folder with --out-dir",
            ) from error

    def save_state(self, state: Mapping[str, Any]) -> None:
        """Writes what a run goes on from.

        Raises:
            OutputFailed: The disk is full.
        """
        with atomic_write(self.state, overwrite=True) as temporary, as_output_failed(self.state):
            torch.save(state, temporary)

    def load_state(self) -> dict[str, Any]:
        """Reads what a run goes on from.

        Raises:
            WeightsMissing: There is no such file.
            UnreadableCheckpoint: It is damaged.
        """
        if not self.state.exists():
            raise WeightsMissing(
                f"No run was begun in `{self.path}`", hint="Leave --resume out to begin one"
            )
        try:
            return torch.load(self.state, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
            raise UnreadableCheckpoint(
                f"The state of the run is damaged: `{self.state}`",
                hint="Begin the run anew in another folder",
            ) from error

    def save_weights(self, files: Files, networks: Networks) -> None:
        """Writes weights to restore with, in the published layout and in ours.

        Raises:
            OutputFailed: The disk is full.
        """
        for name, content in files.items():
            path = self.published / name
            path.parent.mkdir(exist_ok=True)
            with atomic_write(path, overwrite=True) as temporary, as_output_failed(path):
                torch.save(dict(content), temporary)
        halves = {
            f"{network}.{name}": tensor.to(torch.float16).contiguous()
            for network, state in networks.items()
            for name, tensor in state.items()
        }
        path = self.path / "model.safetensors"
        with atomic_write(path, overwrite=True) as temporary, as_output_failed(path):
            # Not by `save_file`, whose files are for their owner's eyes alone.
            temporary.write_bytes(save(halves))
