"""DiffBIR in small, at the limits: pictures of odd shapes, too little memory, options of no use."""

import pytest
import torch
from small_diffbir import pipeline
from torch import nn

from pixelmend.errors import OutOfMemory
from pixelmend_engine.catalog.diffbir import V2_1
from pixelmend_engine.models.diffbir.model import DiffBIRPipeline
from pixelmend_engine.models.diffbir.offloading import on_device
from pixelmend_engine.models.pipeline import ModelRequest
from pixelmend_engine.nn.progress import Progress

QUICK = {"steps": 1, "prompt": "", "cfg_scale": 1.0}


@pytest.fixture(scope="module")
def model() -> DiffBIRPipeline:
    return pipeline(V2_1, "swinir")


@pytest.mark.parametrize("shape", [(50, 700), (700, 50)])
def test_a_long_narrow_picture_is_cut_along_its_long_side(
    model: DiffBIRPipeline, shape: tuple[int, int]
) -> None:
    image = torch.rand(1, 3, *shape, generator=torch.Generator().manual_seed(3))
    whole, cut = (
        model.prepare(image, ModelRequest(task="restore", tile=tile, options=QUICK), Progress())(
            image, Progress()
        )
        for tile in (0, 512)
    )
    assert cut.shape == whole.shape == image.shape
    assert cut.isfinite().all()
    assert not torch.equal(cut, whole)


def test_a_picture_that_no_memory_holds_is_refused_before_it_begins(
    model: DiffBIRPipeline,
) -> None:
    thread = torch.zeros(1, 3, 1, 1).expand(1, 3, 1, 40_000)  # enlarged to 64 x 2,560,000
    request = ModelRequest(task="restore", host_free_bytes=10**9, options=QUICK)
    with pytest.raises(OutOfMemory, match="A picture of 40000 x 1 pixels needs 36"):
        model.prepare(thread, request, Progress())


def test_what_changes_nothing_is_said(model: DiffBIRPipeline) -> None:
    notes: list[str] = []
    image = torch.zeros(1, 3, 8, 8)
    options = {"start_point": "cond", **QUICK}
    model.prepare(
        image, ModelRequest(task="restore", options=options, add_note=notes.append), Progress()
    )
    assert notes == ["start_point cond changes nothing here: this model starts from noise alone"]


class Moved(nn.Module):
    """Writes down where it is moved; with `refuses`, only the CPU has room for it."""

    def __init__(self, name: str, log: list[str], *, refuses: bool = False) -> None:
        super().__init__()
        self._known, self._log, self._refuses = name, log, refuses

    def to(self, device: object) -> "Moved":  # pyright: ignore[reportIncompatibleMethodOverride]
        self._log.append(f"{self._known} to {device}")
        if self._refuses and str(device) != "cpu":
            raise torch.OutOfMemoryError
        return self


def test_modules_come_to_the_device_and_others_make_room() -> None:
    log: list[str] = []
    module, other = Moved("module", log), Moved("other", log)
    with on_device([module], [other], torch.device("meta"), all_resident=False):
        log.append("computing")
    assert log == ["other to cpu", "module to meta", "computing", "module to cpu"]


def test_modules_that_have_room_stay() -> None:
    log: list[str] = []
    with on_device(
        [Moved("module", log)], [Moved("other", log)], torch.device("meta"), all_resident=True
    ):
        log.append("computing")
    assert log == ["module to meta", "computing"]


def test_modules_that_find_no_room_leave_none_behind() -> None:
    log: list[str] = []
    modules = [Moved("one", log), Moved("two", log, refuses=True)]
    with (
        pytest.raises(torch.OutOfMemoryError),
        on_device(modules, [], torch.device("meta"), all_resident=False),
    ):
        raise AssertionError
    assert log == ["one to meta", "two to meta", "one to cpu", "two to cpu"]
