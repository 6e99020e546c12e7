"""What the engine does with a job: a picture and a request in, a result's body out."""

from pathlib import Path
from typing import TYPE_CHECKING

from pixelmend.wire import Bytes, Raster, encode
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.restoration.task_request import ProgressCallback, Request
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network

if TYPE_CHECKING:
    from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser


class Worker:
    """Restores pictures with the models of one folder."""

    def __init__(
        self,
        models_dir: Path,
        network: Network = OFFLINE,
        face_networks: "FaceDetectorAndParser | None" = None,
    ) -> None:
        self._session = Session(models_dir, network, face_networks)

    def run(self, raster: Raster, request: Request, progress: ProgressCallback) -> list[Bytes]:
        """Restores a picture; alpha and what the mask leaves out stay as they are."""
        return encode(*self._session.run(raster, request, progress))

    def release(self) -> None:
        """Gives the memory of the loaded model back."""
        self._session.release()
