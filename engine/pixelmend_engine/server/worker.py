"""What the engine does with a job: a picture and a request in, a result's body out."""

from pathlib import Path
from typing import TYPE_CHECKING

from pixelmend.wire import Bytes, encode
from pixelmend_engine.restoration.session import Session
from pixelmend_engine.restoration.task_request import ProgressCallback
from pixelmend_engine.server.jobs import WorkItem
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network

if TYPE_CHECKING:
    from pixelmend_engine.restoration.faces.detector_and_parser import FaceDetectorAndParser


class Worker:
    """Restores pictures, with the models of the folder that each job names."""

    def __init__(
        self,
        network: Network = OFFLINE,
        face_networks: "FaceDetectorAndParser | None" = None,
    ) -> None:
        self._network = network
        self._face_networks = face_networks
        self._session: Session | None = None  # of the last job's folder

    def run(self, item: WorkItem, progress: ProgressCallback) -> list[Bytes]:
        """Restores a picture; alpha and what the mask leaves out stay as they are."""
        session = self._session_of(item.models_dir)
        return encode(*session.run(item.raster, item.request, progress, item.limit))

    def _session_of(self, models_dir: Path) -> Session:
        if self._session is None or self._session.models_dir != models_dir:
            self.release()  # memory is for one model
            self._session = Session(models_dir, self._network, self._face_networks)
        return self._session

    def release(self) -> None:
        """Gives the memory of the loaded model back."""
        if self._session is not None:
            self._session.release()
