"""Weights on first use: fetched where they can be had, else another model, and a word about it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pixelmend.errors import (
    DiskFull,
    DownloadFailed,
    WeightsMissing,
    WeightsNotReadable,
    WrongFile,
)
from pixelmend.preferences import UNASKED_BYTES
from pixelmend_engine.catalog.spec import ModelSpec, Task
from pixelmend_engine.catalog.weight_files import WeightFile, catalog, download_bytes, megabytes
from pixelmend_engine.weights import store
from pixelmend_engine.weights.download.download import ByteProgress
from pixelmend_engine.weights.download.https import host
from pixelmend_engine.weights.download.network_settings import (
    EXPLICIT_PULL,
    FIRST_USE,
    Network,
    RetryPolicy,
)
from pixelmend_engine.weights.installer import Installer

# Weights that can't be had, where something else may do.
NOT_TO_BE_HAD = (DiskFull, DownloadFailed, WeightsMissing, WrongFile)
FORGET_AFTER_S = 600.0  # a source that could not be reached is not asked again for each picture

Downloads = Literal["always", "ask", "never"]

DownloadProgress = Callable[[str, int, int], None]
"""Takes words on what is downloaded, once for each file; bytes done, and in all (0: not known).

No words and no bytes mean that it ended early.
"""


@dataclass(frozen=True)
class _Failure:
    at: float
    reason: str


class WeightsProvider:
    """Gets the weights of the models that are asked for, and remembers what it could not get."""

    def __init__(self, installer: Installer, clock: Callable[[], float] = time.monotonic) -> None:
        self._installer = installer
        self._clock = clock
        self._failures: dict[str, _Failure] = {}

    @property
    def models_dir(self) -> Path:
        """The folder of the models."""
        return self._installer.models_dir

    def ensure_model(
        self,
        spec: ModelSpec,
        *,
        task: Task | None = None,
        offline: bool,
        progress: DownloadProgress,
    ) -> None:
        """Gets the weights of a model that was asked for by name: what a task needs, or all.

        Raises:
            PixelmendError: They can't be had; see `Installer.pull`.
        """
        if offline:
            store.locate(spec, self.models_dir, task)
        self._pull_missing(spec, task, EXPLICIT_PULL, progress)

    def ensure_files(
        self, ids: Sequence[str], *, offline: bool, progress: DownloadProgress
    ) -> None:
        """Gets weight files that a task needs whatever its model is.

        Raises:
            PixelmendError: They can't be had; see `Installer.pull`.
        """
        for file_id in ids:
            if offline:
                store.locate_file(file_id, self.models_dir)
            if not store.installed(file_id, self.models_dir):
                file = catalog()[file_id]
                report = announcing(file, self._installer.network, progress)
                self._installer.pull(file, EXPLICIT_PULL, report)

    def ensure_best(
        self,
        models: Sequence[ModelSpec],
        *,
        task: Task | None = None,
        offline: bool,
        downloads: Downloads = "ask",
        progress: DownloadProgress,
    ) -> tuple[str, ...]:
        """Gets the weights of the first of these models, if need be and if they come.

        What is installed is used, whatever would be better. What ships with the program is not
        enough, where the first is small or `downloads` is `always`; `ask` means that nobody was
        asked. Where none of the models is here, there is nothing else to do it with: the first is
        insisted on, or refused in words.

        Returns:
            What to say where a smaller model is used.

        Raises:
            WeightsMissing: None is here, and the first may not be fetched.
            PixelmendError: As for `ensure_model`, where none of the others is here.
        """
        spec = models[0]
        here = [model for model in models if not store.missing(model, self.models_dir, task)]
        if any(not model.bundled for model in here) or spec in here:
            return ()
        absent = store.missing(spec, self.models_dir, task)
        is_large = download_bytes(absent) > UNASKED_BYTES
        is_refused = downloads == "never" or (downloads == "ask" and is_large)
        if not here:
            if is_refused and not offline:
                raise _unasked(spec, absent)
            self.ensure_model(spec, task=task, offline=offline, progress=progress)
            return ()
        if offline or self._installer.network.offline:
            return (_note(spec, "Pixelmend is offline", here[0]),)
        try:
            for file in absent:
                store.check_readable(file.id, self.models_dir)
        except WeightsNotReadable as error:
            return (_note(spec, error.message, here[0]),)
        if is_refused:
            return (_note(spec, _size(absent), here[0]),)
        for file in absent:
            if refused := self._installer.records.get(file.id).refused:
                return (_note(spec, refused, here[0]),)
        failure = self._failures.get(spec.id)
        if failure is None or self._clock() - failure.at > FORGET_AFTER_S:
            try:
                self._pull_missing(spec, task, FIRST_USE, progress)
            except NOT_TO_BE_HAD as error:
                failure = _Failure(self._clock(), error.message)
                self._failures[spec.id] = failure
                progress("", 0, 0)
            else:
                return ()
        return (_note(spec, failure.reason, here[0]),)

    def _pull_missing(
        self, spec: ModelSpec, task: Task | None, policy: RetryPolicy, progress: DownloadProgress
    ) -> None:
        for file in store.missing(spec, self.models_dir, task):
            report = announcing(file, self._installer.network, progress)
            self._installer.pull(file, policy, report)


def announcing(file: WeightFile, network: Network, progress: DownloadProgress) -> ByteProgress:
    """Returns a report that says what is downloaded once it comes."""
    words = [_announcement(file, network)]

    def report(done: int, total: int) -> None:
        started = done > 0 or total > 0  # before that, nobody has answered
        progress(words.pop() if words and started else "", done, total)

    return report


def _announcement(file: WeightFile, network: Network) -> str:
    """Says what is downloaded, how large it is, from where, and under which license."""
    where = host(network.mirror or file.sources[0].page)
    return f"Downloading `{file.id}` ({file.size}) from {where}; license: {file.license}"


def _size(files: Sequence[WeightFile]) -> str:
    return f"{megabytes(download_bytes(files))} to download"


def _unasked(spec: ModelSpec, files: Sequence[WeightFile]) -> WeightsMissing:
    return WeightsMissing(
        f"No model for this is on this computer, and nobody was asked whether `{spec.id}` may be "
        f"fetched ({_size(files)})",
        hint=f"`pixelmend models pull {spec.id}` gets it; or name it as the model",
    )


def _note(spec: ModelSpec, reason: str, instead: ModelSpec) -> str:
    return (
        f"The weights of `{spec.id}` are not here ({reason}), so `{instead.id}` is used; "
        f"`pixelmend models pull {spec.id}` gets them"
    )
