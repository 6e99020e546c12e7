"""What the engine does with a job: a body in, a restored body out."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pixelmend.wire import Bytes, Raster, decode, encode
from pixelmend_engine.catalog import tasks
from pixelmend_engine.restoration.model_choice import ModelChoice
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.server.jobs import ProgressCallback
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network

if TYPE_CHECKING:
    from pixelmend_engine.restoration.faces.tools import FaceTools


class Worker:
    """Restores pictures with the models of one folder."""

    def __init__(
        self, models_dir: Path, network: Network = OFFLINE, face_tools: "FaceTools | None" = None
    ) -> None:
        self._session = Session(models_dir, network, face_tools)

    def run(self, body: memoryview, progress: ProgressCallback) -> list[Bytes]:
        """Restores the picture in a body; alpha and what the mask leaves out stay as they are."""
        raster, facts = decode(body)
        if facts.get("task") == tasks.FIND_FACES:
            return self._find_faces(raster, tasks.check_finding(facts), progress)
        task, options = tasks.check(facts)
        choice = ModelChoice.of(task, options)
        provided = self._session.ensure_weights(
            choice,
            lambda words, done, total: progress("download", done, total, words),
            offline=options["offline"],
        )
        progress("load", 0, 0)
        result, facts = self._session.restore(
            choice,
            options,
            raster,
            lambda done, total: progress("run", done, total),
            provided,
            lambda words: progress("run", 0, 0, words),
        )
        return encode(result, facts)

    def _find_faces(
        self, raster: Raster, options: dict[str, Any], progress: ProgressCallback
    ) -> list[Bytes]:
        progress("load", 0, 0)
        marked, facts = self._session.find_faces(
            options, raster, lambda words, done, total: progress("download", done, total, words)
        )
        return encode(marked, facts)

    def release(self) -> None:
        """Gives the memory of the loaded model back."""
        self._session.release()
