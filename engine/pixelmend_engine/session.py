"""A model that stays loaded, and the pictures that go through it. torch comes with the first."""

from __future__ import annotations

import dataclasses
import gc
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pixelmend import __version__
from pixelmend.errors import OutOfMemory, UnreadableCheckpoint
from pixelmend_engine import registry, tasks, weights
from pixelmend_engine.catalog import faces
from pixelmend_engine.installer import Installer
from pixelmend_engine.network import OFFLINE, Network
from pixelmend_engine.options import MAX_SEED, NONE
from pixelmend_engine.provision import Provision
from pixelmend_engine.registry import AUTO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import torch
    from torch import Tensor

    from pixelmend.wire import Raster
    from pixelmend_engine.catalog.spec import ModelSpec, Task
    from pixelmend_engine.face_tools import FaceTools
    from pixelmend_engine.family import Pipeline
    from pixelmend_engine.provision import Transferred
    from pixelmend_engine.restore import Options, Restored

    Report = Callable[[int, int], None]
    Through = Callable[["Choice", Tensor, Options, int, int], Tensor]
    AtOnce = Callable[["Choice", int, int, Options], int]

logger = logging.getLogger(__name__)

Precision = Literal["auto", "fp32", "bf16", "fp16"]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which model is to compute, where and how."""

    task: Task
    model: str = AUTO  # or an id
    scale: float = 1.0  # the result's size over the picture's
    weights: Path | None = None  # a folder or file of the user's own
    device: str = AUTO
    precision: Precision = AUTO
    background: Choice | None = None  # what restores the rest of a picture whose faces are restored
    looks: tuple[str, ...] = ()  # files that look at the picture, whatever the model is

    @classmethod
    def of(cls, task: Task, options: Mapping[str, Any], weights: Path | None = None) -> Choice:
        """Returns what a task's options choose; see `tasks.check`."""
        names = ("model", "scale", "device", "precision")
        named: dict[str, Any] = {name: options[name] for name in names}
        if task != "face" or options["aligned"]:
            return cls(task=task, weights=weights, **named)
        background = None
        if options["background"] != NONE:
            behind, model, scale = tasks.background_of(options)
            named_behind: dict[str, Any] = named | {"model": model, "scale": scale}
            background = cls(task=behind, **named_behind)
        looks = (faces.DETECTOR, faces.PARSER)
        return cls(task=task, weights=weights, background=background, looks=looks, **named)


@dataclass(frozen=True)
class Loaded:
    """A model that is ready, and where."""

    spec: ModelSpec
    pipeline: Pipeline
    device: torch.device
    notes: tuple[str, ...]  # what the user should know of how it was chosen


@dataclass(frozen=True)
class Attempt:
    """Models that the files of one place may hold."""

    specs: tuple[ModelSpec, ...]
    files: tuple[Path, ...]


def attempts(choice: Choice, models_dir: Path) -> list[Attempt]:
    """Lists what a choice may mean, best first; `auto` goes on where weights are unusable.

    Raises:
        UnknownModel: The model is not in the catalogue, or not for this task.
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer.
    """
    models = registry.chosen(choice.task, choice.model, choice.scale)
    if choice.weights is not None:
        return [Attempt(models, weights.given(choice.weights))]
    task = choice.task
    here = tuple(m for m in models if weights.state(m, models_dir, task) != "missing")
    models = here or models[:1]  # which then says that it is missing
    return [Attempt((model,), weights.locate(model, models_dir, task)) for model in models]


def check(choice: Choice, models_dir: Path, *, offline: bool) -> None:
    """Finds out whether a choice can come true, as far as that is known before any work.

    Raises:
        UnknownModel: The model is not in the catalogue, or not for this task.
        BadRequest: No model enlarges by that scale.
        WeightsMissing: Its weights are not on this computer, and can't be downloaded.
    """
    registry.chosen(choice.task, choice.model, choice.scale)
    for file_id in choice.looks if offline else ():
        weights.locate_file(file_id, models_dir)
    if choice.weights is not None or offline:
        attempts(choice, models_dir)


class Session:
    """Keeps the model of the last choice, because the next is mostly the same."""

    def __init__(
        self, models_dir: Path, network: Network = OFFLINE, face_tools: FaceTools | None = None
    ) -> None:
        self._models_dir = models_dir
        self._provision = Provision(Installer(models_dir, network))
        self._where = ("", "")  # as the choice of the loaded model has it
        self._found: list[Attempt] = []
        self._loaded: Loaded | None = None
        self._face_tools = face_tools

    def provide(
        self, choice: Choice, transferred: Transferred, *, offline: bool
    ) -> tuple[str, ...]:
        """Downloads the weights of a model that is used for the first time.

        Returns what the user should know where they can't be had and another model will do.

        Raises:
            PixelmendError: The model was asked for by name; see `Provision.named`.
        """
        self._provision.files(choice.looks, offline=offline, transferred=transferred)
        said: tuple[str, ...] = ()
        if choice.background is not None:
            said = self.provide(choice.background, transferred, offline=offline)
        if choice.weights is not None:
            return said
        models = registry.chosen(choice.task, choice.model, choice.scale)
        if choice.model == AUTO:
            best = self._provision.best(
                models, task=choice.task, offline=offline, transferred=transferred
            )
            return (*said, *best)
        self._provision.named(models[0], task=choice.task, offline=offline, transferred=transferred)
        return said

    def load(self, choice: Choice) -> Loaded:
        """Returns the chosen model, ready; what was loaded before goes first.

        Raises:
            PixelmendError: See `attempts`, `devices.choose_device` and `loading.load`.
        """
        found = attempts(choice, self._models_dir)
        # A better model may have been installed since, or the loaded one removed.
        where = (choice.device, choice.precision)
        if self._loaded is not None and (where, found) == (self._where, self._found):
            return self._loaded
        self._unload()
        from pixelmend_engine import devices

        devices.use_huge_pages()
        device = devices.choose_device(choice.device)
        dtype = devices.choose_dtype(choice.precision, device)
        self._loaded = _load_first(found, device, dtype)
        self._where, self._found = where, found
        return self._loaded

    def restore(
        self,
        choice: Choice,
        options: Mapping[str, Any],
        raster: Raster,
        report: Report,
        provided: Sequence[str] = (),
        foretell: Callable[[str], None] = logger.warning,
    ) -> tuple[Raster, dict[str, Any]]:
        """Restores one picture; see `retouch`, and `restore` for what the model does.

        `options` are those of the task (`options.of_task`), all of them; `provided` is what
        `provide` had to say; `foretell` takes what the user should know before it begins. Returns
        the picture, and what there is to say about it.
        """
        from pixelmend_engine import devices, portraits, restore
        from pixelmend_engine.enlarge import enlarge
        from pixelmend_engine.family import Request
        from pixelmend_engine.fill import fill
        from pixelmend_engine.retouch import retouch

        runs: list[Restored] = []
        notes: list[str] = []
        request = Request(
            seeds=(options["seed"],),
            scale=choice.scale,
            task=choice.task,
            say=notes.append,
            foretell=foretell,
            options=options,
        )
        tile = None if options["tile"] == AUTO else options["tile"]
        asked = restore.Options(request=request, tile=tile)

        def through(chosen: Choice, image: Tensor, asked: Options, run: int, count: int) -> Tensor:
            def report_share(done: int, total: int) -> None:
                report(run * total + len(image) * done, count * total)

            runs.append(self._run(chosen, image, asked, report_share, notes))
            return runs[-1].image

        def through_the_model(image: Tensor, number: int = 0, count: int = 1) -> Tensor:
            return through(choice, image, asked, number, count)

        loaded = None if choice.looks else self.load(choice)
        strength = options["strength"]
        more: dict[str, Any] = {}
        match choice.task:
            case "face" if choice.looks:
                models = _Models(choice, asked, through, self._at_once)
                tools = self._tools().tools(devices.choose_device(choice.device))
                wishes = portraits.asked(options)
                result, said, outcomes = portraits.restore(raster, wishes, tools, models)
                more = {"faces": portraits.facts(outcomes)}
            case "upscale":
                result, said = enlarge(raster, choice.scale, strength, through_the_model)
            case "inpaint":
                result, said = fill(raster, strength, through_the_model)
            case "deblur" | "face" | "restore" | "denoise":
                result, said = retouch(raster, strength, through_the_model)
        loaded = (self._loaded if runs else loaded) or self.load(choice)
        if choice.model == AUTO and (left := tasks.unused(loaded.spec, options)):
            notes.append(f"`{loaded.spec.id}` has no {', '.join(left)}, which was left out")
        return result, {
            "task": choice.task,
            "model": loaded.spec.id,
            "source_type": loaded.spec.source_type,
            "title": loaded.spec.title,
            "version": __version__,
            "device": str(loaded.device),
            "seed": options["seed"],
            "scale": tasks.result_scale(options),
            "width": result.width,
            "height": result.height,
            "tiles": sum(run.tiles for run in runs),
            "seconds": round(sum(run.seconds for run in runs), 3),
            "peak_bytes": max((run.peak_bytes for run in runs), default=0),
            # Each batch of faces says what it has to say.
            "notes": [*dict.fromkeys([*provided, *loaded.notes, *notes, *said])],
            **more,
        }

    def find_faces(
        self, options: Mapping[str, Any], raster: Raster, transferred: Transferred
    ) -> tuple[Raster, dict[str, Any]]:
        """Finds the faces of a picture, and marks them in a small copy of it.

        `options` are those of `options.FINDING`, all of them.

        Raises:
            PixelmendError: The detector can't be had; see `Provision.files`.
        """
        from pixelmend_engine import devices, portraits

        looks, offline = (faces.DETECTOR,), options["offline"]
        self._provision.files(looks, offline=offline, transferred=transferred)
        device = devices.choose_device(options["device"])
        find = self._tools().detector(device)
        marked, found = portraits.found(raster, find, options["min_size"])
        return marked, {
            "task": tasks.FIND_FACES,
            "version": __version__,
            "device": str(device),
            "faces": [{"number": number, **face.to_json()} for number, face in enumerate(found)],
            "notes": [] if found else ["no face was found"],
        }

    def _tools(self) -> FaceTools:
        from pixelmend_engine.face_tools import FaceTools

        if self._face_tools is None:
            self._face_tools = FaceTools(self._models_dir)
        return self._face_tools

    def _run(
        self,
        choice: Choice,
        image: Tensor,
        asked: Options,
        report: Report,
        notes: list[str],
    ) -> Restored:
        from pixelmend_engine import restore

        loaded = self.load(choice)
        try:
            return restore.restore(
                loaded.pipeline, loaded.spec, image, asked, loaded.device, report
            )
        except OutOfMemory as error:
            if choice.device != AUTO or loaded.device.type == "cpu" or len(image) > 1:
                raise
            notes.append(f"{error.message}; the CPU did it, more slowly")
        # The last resort, where the user did not ask for that GPU and nothing smaller can be tried.
        logger.warning("out of memory on the GPU: going on with the CPU")
        loaded = self.load(dataclasses.replace(choice, device="cpu"))
        return restore.restore(loaded.pipeline, loaded.spec, image, asked, loaded.device, report)

    def _at_once(self, choice: Choice, height: int, width: int, asked: Options) -> int:
        from pixelmend_engine import restore

        loaded = self.load(choice)
        return restore.at_once(loaded.pipeline, height, width, asked, loaded.device)

    def release(self) -> None:
        """Gives the memory of all that is loaded back to the system."""
        self._unload()
        if self._face_tools is not None:
            self._face_tools.release()

    def _unload(self) -> None:
        if self._loaded is None:
            return
        device = self._loaded.device
        self._loaded = None
        gc.collect()
        from pixelmend_engine import devices

        devices.give_back(device)


class _Models:
    """What restores faces and, if it is asked for, what is around them; see `portraits.Models`.

    Where faces do not fit into memory together, half as many go at once from then on.
    """

    def __init__(self, choice: Choice, asked: Options, through: Through, at_once: AtOnce) -> None:
        self._choice = choice
        self._asked = asked
        self._through = through
        self._at_once = at_once
        self._most = sys.maxsize  # faces at once; fewer, once so many did not fit
        self._foretold = False

    @property
    def has_background(self) -> bool:
        return self._choice.background is not None

    def at_once(self) -> int:
        from pixelmend_engine.faces.alignment import SIDE

        return min(self._most, self._at_once(self._choice, SIDE, SIDE, self._asked))

    def faces(self, squares: Tensor, numbers: Sequence[int], run: int, runs: int) -> Tensor:
        import torch

        restored: list[Tensor] = []
        place = 0
        while place < len(numbers):
            stop = min(place + self._most, len(numbers))
            try:
                restored.append(
                    self._together(squares[place:stop], numbers[place:stop], run + place, runs)
                )
                place = stop
            except OutOfMemory:
                if stop - place == 1:
                    raise
                self._most = (stop - place) // 2
                logger.warning("out of memory: going on with %d faces at once", self._most)
        return torch.cat(restored)

    def _together(self, squares: Tensor, numbers: Sequence[int], run: int, runs: int) -> Tensor:
        request = self._asked.request
        (seed,) = request.seeds
        request = dataclasses.replace(
            request,
            # Faces of one picture differ in their noise, and keep it whichever are chosen.
            seeds=tuple((seed + number) % (MAX_SEED + 1) for number in numbers),
            ahead=runs - run,
            foretell=self._foretell,
        )
        asked = dataclasses.replace(self._asked, request=request)
        return self._through(self._choice, squares, asked, run, runs)

    def _foretell(self, words: str) -> None:
        # Once, and of all faces: each batch would say it anew.
        if not self._foretold:
            self._foretold = True
            self._asked.request.foretell(words)

    def background(self, image: Tensor, runs: int) -> Tensor | None:
        behind = self._choice.background
        if behind is None:
            return None
        request = dataclasses.replace(self._asked.request, task=behind.task, scale=behind.scale)
        asked = dataclasses.replace(self._asked, request=request)
        return self._through(behind, image, asked, 0, runs)


def _load_first(found: list[Attempt], device: torch.device, dtype: torch.dtype) -> Loaded:
    from pixelmend_engine import devices, loading

    notes: list[str] = []
    while True:
        attempt = found[len(notes)]
        try:
            spec, pipeline = loading.load(attempt.specs, attempt.files, device, dtype)
            if twins := [one.id for one in attempt.specs if one.config == spec.config][1:]:
                notes.append(
                    f"The weights are taken for those of `{spec.id}`; if they are of "
                    f"{' or '.join(f'`{twin}`' for twin in twins)}, say so with --model"
                )
            return Loaded(spec, pipeline, device, tuple(notes))
        except UnreadableCheckpoint as error:
            if attempt is found[-1]:
                raise
            notes.append(
                f"The weights of `{attempt.specs[0].id}` were passed over: {error.message}"
            )
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"The memory of `{device}` does not hold the model", hint="Close other programs"
            ) from error
