"""A model that stays loaded, and the pictures that go through it. torch comes with the first."""

from __future__ import annotations

import gc
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixelmend import __version__
from pixelmend.errors import OutOfMemory, UnreadableCheckpoint
from pixelmend_engine.catalog import faces, registry, tasks
from pixelmend_engine.catalog.registry import AUTO
from pixelmend_engine.restoration.model_choice import Candidate, ModelChoice, candidates
from pixelmend_engine.restoration.task_request import (
    FindFacesRequest,
    PlanLimit,
    ProgressCallback,
    Request,
    TaskRequest,
)
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network
from pixelmend_engine.weights.first_use import NOT_TO_BE_HAD, WeightsProvider
from pixelmend_engine.weights.installer import Installer

if TYPE_CHECKING:
    import torch

    from pixelmend.wire import Raster
    from pixelmend_engine.inference.tiled_inference import InferenceResult, LoadedModel
    from pixelmend_engine.restoration.faces.detector_and_parser import (
        FaceDetectorAndParser,
        FaceNetworks,
    )
    from pixelmend_engine.restoration.faces.marked_faces import Box
    from pixelmend_engine.weights.first_use import DownloadProgress, Downloads

logger = logging.getLogger(__name__)


SMALLER = (
    "The engine was killed at a picture of this size, probably for want of memory: "
    "it is restored in smaller parts now"
)


class Session:
    """Keeps the model of the last choice, because the next is mostly the same."""

    def __init__(
        self,
        models_dir: Path,
        network: Network = OFFLINE,
        face_networks: FaceDetectorAndParser | None = None,
    ) -> None:
        self._models_dir = models_dir
        self._weights = WeightsProvider(Installer(models_dir, network))
        self._where = ("", "")  # as the choice of the loaded model has it
        self._candidates: list[Candidate] = []
        self._loaded: LoadedModel | None = None
        self._networks = face_networks

    @property
    def models_dir(self) -> Path:
        """The folder of the models."""
        return self._models_dir

    def run(
        self,
        raster: Raster,
        request: Request,
        progress: ProgressCallback,
        limit: PlanLimit | None = None,
    ) -> tuple[Raster, dict[str, Any]]:
        """Does what is asked with one picture; returns a picture, and what there is to say of it.

        Raises:
            PixelmendError: See `ensure_weights`, `load`, and what restores for the task.
            Canceled: `progress` said so.
        """
        if isinstance(request, FindFacesRequest):
            return self._find_faces(raster, request, progress)
        return self._restore(raster, request, progress, limit or PlanLimit())

    def ensure_weights(
        self,
        choice: ModelChoice,
        download_progress: DownloadProgress,
        *,
        offline: bool,
        downloads: Downloads = "ask",
    ) -> tuple[str, ...]:
        """Downloads the weights of a model that is used for the first time.

        Returns what the user should know where they can't be had and another model will do.

        Raises:
            PixelmendError: The model was asked for by name; see `WeightsProvider.ensure_model`.
        """
        notes: tuple[str, ...] = ()
        if choice.background is not None:
            notes = self.ensure_weights(
                choice.background, download_progress, offline=offline, downloads=downloads
            )
        if choice.weights is not None:
            return notes
        models = registry.matching(choice.task, choice.model, choice.scale)
        if choice.model == AUTO:
            best = self._weights.ensure_best(
                models,
                task=choice.task,
                offline=offline,
                downloads=downloads,
                progress=download_progress,
            )
            return (*notes, *best)
        self._weights.ensure_model(
            models[0], task=choice.task, offline=offline, progress=download_progress
        )
        return notes

    def ensure_face_networks(
        self,
        choice: ModelChoice,
        download_progress: DownloadProgress,
        *,
        offline: bool,
        downloads: Downloads,
    ) -> None:
        """Downloads what finds faces, where a choice needs it.

        Raises:
            PixelmendError: It can't be had; see `WeightsProvider.ensure_files`.
        """
        self._weights.ensure_files(
            choice.face_files,
            offline=offline or downloads == "never",
            progress=download_progress,
        )

    def load(self, choice: ModelChoice) -> LoadedModel:
        """Returns the chosen model, ready; what was loaded before goes first.

        Raises:
            PixelmendError: See `candidates`, `devices.choose_device` and `loading.load`.
        """
        usable = candidates(choice, self._models_dir)
        # A better model may have been installed since, or the loaded one removed.
        where = (choice.device, choice.precision)
        if self._loaded is not None and (where, usable) == (self._where, self._candidates):
            return self._loaded
        self._unload()
        from pixelmend_engine.inference import devices

        devices.use_huge_pages()
        device = devices.choose_device(choice.device)
        dtype = devices.choose_dtype(choice.precision, device)
        self._loaded = _load_first(usable, device, dtype)
        self._where, self._candidates = where, usable
        return self._loaded

    def _restore(
        self, raster: Raster, request: TaskRequest, progress: ProgressCallback, limit: PlanLimit
    ) -> tuple[Raster, dict[str, Any]]:
        from pixelmend_engine.inference import devices
        from pixelmend_engine.models.pipeline import ModelRequest, unplanned
        from pixelmend_engine.nn.progress import Progress
        from pixelmend_engine.restoration.faces import face_restoration
        from pixelmend_engine.restoration.faces.marked_faces import MarkedFaces
        from pixelmend_engine.restoration.inpaint import inpaint
        from pixelmend_engine.restoration.model_runner import LoadedModelRunner
        from pixelmend_engine.restoration.same_size import restore_same_size
        from pixelmend_engine.restoration.upscale import upscale

        choice, options = request.model, request.options
        finds_faces = choice.task == "face" and not options["aligned"]
        boxes: list[Box] = []
        provided: tuple[str, ...] = ()
        if finds_faces:
            boxes, provided = self._mark_faces(raster, request, progress)
        provided += self.ensure_weights(
            choice,
            _downloads(progress),
            offline=options["offline"],
            downloads=options["downloads"],
        )
        progress("load", 0, 0)
        notes: list[str] = []
        if limit.most_bytes is not None and options["tile"] == AUTO:
            notes.append(SMALLER)
            progress("run", 0, 0, SMALLER)

        def runner_of(choice: ModelChoice) -> LoadedModelRunner:
            model_request = ModelRequest(
                seeds=(options["seed"],),
                scale=choice.scale,
                task=choice.task,
                tile=None if options["tile"] == AUTO else options["tile"],
                add_note=notes.append,
                warn_before=lambda words: progress("run", 0, 0, words),
                options=options,
                most_bytes=limit.most_bytes,
                tell_planned=limit.tell_planned or unplanned,
            )
            return LoadedModelRunner(self.load, choice, model_request)

        whole = Progress(lambda done, total: progress("run", done, total))
        runner, background = runner_of(choice), None
        loaded = None if finds_faces else self.load(choice)
        strength = float(options["strength"])
        more: dict[str, Any] = {}
        match choice.task:
            case "face" if finds_faces:
                background = choice.background and runner_of(choice.background)
                networks: FaceNetworks
                if boxes:
                    networks = MarkedFaces(boxes)
                else:
                    networks = self._face_networks()
                    networks.load(devices.choose_device(choice.device))
                result, remarks, faces = face_restoration.restore(
                    raster,
                    face_restoration.selection_of(options),
                    face_restoration.FaceModels(
                        networks=networks, faces=runner, background=background
                    ),
                    whole,
                    scale=float(options["upscale"]),
                    strength=strength,
                )
                more = {"faces": [face.to_json() for face in faces]}
            case "upscale":
                result, remarks = upscale(raster, choice.scale, strength, runner, whole)
            case "inpaint":
                result, remarks = inpaint(raster, strength, runner, whole)
            case "deblur" | "face" | "restore" | "denoise":
                result, remarks = restore_same_size(raster, strength, runner, whole)
        runs = [*(background.results if background else ()), *runner.results]
        loaded = (self._loaded if runs else loaded) or self.load(choice)
        best = registry.matching(choice.task, choice.model, choice.scale)[0]
        if provided and best.id != loaded.spec.id and f"`{best.id}`" in provided[-1]:
            more["larger"] = {"model": best.id, "title": best.title, "note": provided[-1]}
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
            "tiles": _tiles(runs),
            "seconds": round(sum(run.seconds for run in runs), 3),
            "peak_bytes": max((run.peak_bytes for run in runs), default=0),
            # Each batch of faces says what it has to say.
            "notes": [*dict.fromkeys([*provided, *loaded.notes, *notes, *remarks])],
            **more,
        }

    def _mark_faces(
        self, raster: Raster, request: TaskRequest, progress: ProgressCallback
    ) -> tuple[list[Box], tuple[str, ...]]:
        """Returns the faces that a person has marked, and what to say of that.

        Where what finds faces is not here and can't be fetched, what is selected marks them.

        Raises:
            PixelmendError: Faces have to be found, and can't be; or a box leaves the picture.
        """
        from pixelmend_engine.restoration.faces import marked_faces
        from pixelmend_engine.restoration.source_image import blend_weights

        options = request.options
        if options["boxes"]:
            return marked_faces.parse_boxes(options["boxes"], raster.height, raster.width), ()
        try:
            self.ensure_face_networks(
                request.model,
                _downloads(progress),
                offline=options["offline"],
                downloads=options["downloads"],
            )
        except NOT_TO_BE_HAD as error:
            selected = None if raster.mask is None else blend_weights(raster, 1.0) > 0
            boxes = [] if selected is None else marked_faces.boxes_of_selection(selected)
            if not boxes:
                raise faces.not_to_be_had(error) from error
            words = faces.not_to_be_had(error).message
            return boxes, (f"{words}; so what you selected was taken for the faces",)
        return [], ()

    def _find_faces(
        self, raster: Raster, request: FindFacesRequest, progress: ProgressCallback
    ) -> tuple[Raster, dict[str, Any]]:
        from pixelmend_engine.inference import devices
        from pixelmend_engine.restoration.faces import face_restoration

        progress("load", 0, 0)
        options = request.options
        self._weights.ensure_files(
            (faces.DETECTOR,), offline=options["offline"], progress=_downloads(progress)
        )
        device = devices.choose_device(options["device"])
        networks = self._face_networks()
        networks.load_detector(device)
        preview, boxes = face_restoration.find_faces(raster, networks, options["min_size"])
        return preview, {
            "task": tasks.FIND_FACES,
            "version": __version__,
            "device": str(device),
            "faces": [{"number": number, **face.to_json()} for number, face in enumerate(boxes)],
            "notes": [] if boxes else ["no face was found"],
        }

    def _face_networks(self) -> FaceDetectorAndParser:
        from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser

        if self._networks is None:
            self._networks = FaceDetectorAndParser(self._models_dir)
        return self._networks

    def release(self) -> None:
        """Gives the memory of all that is loaded back to the system."""
        self._unload()
        if self._networks is not None:
            self._networks.release()

    def _unload(self) -> None:
        if self._loaded is None:
            return
        device = self._loaded.device
        self._loaded = None
        gc.collect()
        from pixelmend_engine.inference import devices

        devices.give_back(device)


def _downloads(progress: ProgressCallback) -> DownloadProgress:
    return lambda words, done, total: progress("download", done, total, words)


def _tiles(runs: list[InferenceResult]) -> int | None:
    counts = [run.tiles for run in runs if run.tiles is not None]
    return sum(counts) if len(counts) == len(runs) else None


def _load_first(
    candidates: list[Candidate], device: torch.device, dtype: torch.dtype
) -> LoadedModel:
    from pixelmend_engine.inference import devices
    from pixelmend_engine.inference.tiled_inference import LoadedModel
    from pixelmend_engine.models import loading

    notes: list[str] = []
    while True:
        candidate = candidates[len(notes)]
        try:
            spec, pipeline = loading.load(
                candidate.specs, candidate.files, device, dtype, candidate.rest
            )
            if others := [one.id for one in candidate.specs if one.config == spec.config][1:]:
                notes.append(
                    f"The weights are taken for those of `{spec.id}`; if they are of "
                    f"{' or '.join(f'`{other}`' for other in others)}, say so with --model"
                )
            return LoadedModel(spec, pipeline, device, tuple(notes))
        except UnreadableCheckpoint as error:
            if candidate is candidates[-1]:
                raise
            notes.append(
                f"The weights of `{candidate.specs[0].id}` were passed over: {error.message}"
            )
        except (RuntimeError, MemoryError) as error:
            if not devices.is_out_of_memory(error):
                raise
            raise OutOfMemory(
                f"The memory of `{device}` does not hold the model", hint="Close other programs"
            ) from error
