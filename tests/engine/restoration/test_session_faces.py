"""The faces of a picture go through a loaded model: together, each with its own seed."""

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from fakes import CPU, Brighter, LoadedSession, spec
from marked_faces import GivenNetworks, with_noses
from rasters import array, picture
from torch import Tensor

from pixelmend.errors import Canceled, OutOfMemory
from pixelmend.wire import Raster
from pixelmend_engine.catalog.options import MAX_SEED
from pixelmend_engine.inference.tiled_inference import LoadedModel
from pixelmend_engine.models.pipeline import ModelRequest, TileRestorer
from pixelmend_engine.nn.progress import Progress
from pixelmend_engine.restoration.model_choice import ModelChoice
from pixelmend_engine.restoration.task_request import TaskRequest
from pixelmend_engine.weights.first_use import DownloadProgress, Downloads

NOSES = tuple((x, y) for y in (110, 330) for x in (110, 320, 530))
GROUP = with_noses((440, 640), *NOSES)  # six faces


class Together(Brighter):
    """Takes faces together, cuts nothing, and holds no more than so many."""

    def __init__(self, most: int, holds: int = 100) -> None:
        super().__init__(by=0.1)
        self.most = most
        self.holds = holds
        self.batches: list[int] = []  # those that were done

    def prepare(self, image: Tensor, request: ModelRequest, progress: Progress) -> TileRestorer:
        request.warn_before(f"{request.remaining} to come")
        inner = super().prepare(image, request, progress)

        def restore(tile: Tensor, progress: Progress) -> Tensor:
            if len(tile) > self.holds:
                progress.update(1, 2)
                raise torch.OutOfMemoryError("CUDA out of memory")
            self.batches.append(len(tile))
            return inner(tile, progress)

        return restore


class Ready(LoadedSession):
    """Has networks for faces as well."""

    def __init__(self, pipeline: Together, folder: Path) -> None:
        model = LoadedModel(spec(tiling="internal"), pipeline, CPU, ())
        super().__init__(model, folder, GivenNetworks())

    def ensure_face_networks(
        self,
        choice: ModelChoice,
        download_progress: DownloadProgress,
        *,
        offline: bool,
        downloads: Downloads,
    ) -> None:
        pass


class Run:
    """One picture restored; and what was told meanwhile."""

    def __init__(self, pipeline: Together, folder: Path, **options: object) -> None:
        request = TaskRequest.of({"task": "face", **options})
        self.shares: list[float] = []
        self.warnings: list[str] = []
        session = Ready(pipeline, folder)
        self.result, self.facts = session.run(picture(GROUP), request, self._progress)

    def _progress(self, phase: str, done: int, total: int, message: str = "", /) -> None:
        if message:
            self.warnings.append(message)
        elif phase == "run":
            self.shares.append(done / total)


def changed(before: Raster, after: Raster) -> np.ndarray:
    return (array(before) != array(after)).any(axis=2)


def test_faces_go_together_as_many_as_the_model_takes(tmp_path: Path) -> None:
    pipeline = Together(most=4)
    run = Run(pipeline, tmp_path, seed=7)
    assert pipeline.batches == [4, 2]
    seeds = list(itertools.chain(*pipeline.seeds))
    assert sorted(seeds) == [7 + number for number in range(6)]
    assert run.facts["tiles"] is None  # the model cuts by itself
    assert [face["left_alone"] for face in run.facts["faces"]] == [None] * 6
    marks = changed(picture(GROUP), run.result)
    assert all(marks[y, x] for x, y in NOSES)
    one_by_one = Run(Together(most=1), tmp_path, seed=7)
    assert bytes(one_by_one.result.data) == bytes(run.result.data)


def test_a_face_keeps_its_seed_whichever_are_chosen(tmp_path: Path) -> None:
    pipeline = Together(most=4)
    Run(pipeline, tmp_path, seed=MAX_SEED, faces="1,4")
    assert sorted(itertools.chain(*pipeline.seeds)) == [0, 3]  # seeds begin anew after the last


def test_progress_rises_evenly_over_all_faces(tmp_path: Path) -> None:
    run = Run(Together(most=4), tmp_path)
    assert run.shares == sorted(run.shares)
    # Each batch says nothing done, looked, and two steps of three.
    expected = [batch * part / 3 for batch in (4,) for part in range(4)]
    expected += [4 + 2 * part / 3 for part in range(4)]
    # In steps of a thousandth, rounded down.
    np.testing.assert_allclose(run.shares, np.array(expected) / 6, rtol=0, atol=1e-3)


def test_what_takes_long_is_told_before_once_for_all_faces(tmp_path: Path) -> None:
    for most in (1, 4):
        assert Run(Together(most=most), tmp_path).warnings == ["6 to come"]


def test_faces_that_do_not_fit_together_go_in_smaller_batches(tmp_path: Path) -> None:
    pipeline = Together(most=6, holds=2)
    run = Run(pipeline, tmp_path, seed=7)
    # Three do not fit either; one at a time is what is left of half of three.
    assert pipeline.batches == [1] * 6
    assert Run(Together(most=4, holds=2), tmp_path, seed=7).result == run.result
    assert run.warnings == ["6 to come"]
    assert run.shares[-1] == 1


def test_batches_stay_small_once_one_did_not_fit(tmp_path: Path) -> None:
    pipeline = Together(most=4, holds=2)
    Run(pipeline, tmp_path)
    assert pipeline.batches == [2, 2, 2]
    assert [len(seeds) for seeds in pipeline.seeds] == [4, 2, 2, 2]  # and one try with four


def test_a_face_that_does_not_fit_alone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutOfMemory, match="does not hold a picture of 512 x 512"):
        Run(Together(most=4, holds=0), tmp_path)


def test_a_cancel_ends_it_between_steps(tmp_path: Path) -> None:
    pipeline = Together(most=2)
    request = TaskRequest.of({"task": "face"})

    def stop(phase: str, done: int, total: int, message: str = "", /) -> None:
        if total and done / total > 0.5:
            raise Canceled("Canceled", hint="")

    with pytest.raises(Canceled):
        Ready(pipeline, tmp_path).run(picture(GROUP), request, stop)
    assert pipeline.batches == [2, 2]
