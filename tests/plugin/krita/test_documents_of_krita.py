"""What the docker finds in a document, reads from it and puts into it, on a Krita of ours."""

import importlib
import shutil
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import fake_krita
import numpy as np
import pytest
from fake_krita import Document, Krita, Node, Selection

ROOT = Path(__file__).parents[3]
DEBLUR: dict[str, Any] = {
    "id": "deblur",
    "context": 16,
    "widest": None,
    "options": {"properties": {}},
}
FILL: dict[str, Any] = DEBLUR | {"id": "inpaint", "widest": 150}
UPSCALE: dict[str, Any] = DEBLUR | {"id": "upscale", "options": {"properties": {"scale": {}}}}
PLACE = (30, 10)  # of the layer


def _profile(_space: object) -> bytes:
    return b"profile"  # Krita alone can name one


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The docker's modules, laid out as they are installed, in a Krita of ours."""
    folder = tmp_path_factory.mktemp("pykrita")
    package = folder / "pixelmend_krita"
    shutil.copytree(ROOT / "krita" / "pixelmend_krita", package)
    shutil.copytree(ROOT / "plugin" / "pixelmend", package / "pixelmend")
    before = set(sys.modules)
    sys.modules["krita"] = fake_krita
    sys.path.insert(0, str(folder))
    try:
        names = (
            "layer_source",
            "results",
            "job",
            "stored_results",
            "controller",
            "scratch_document",
            "pixelmend.errors",
            "pixelmend.wire",
        )
        modules = SimpleNamespace()
        for name in names:
            module = importlib.import_module(f"pixelmend_krita.{name}")
            setattr(modules, name.rpartition(".")[2], module)
        modules.scratch_document.color_profile = _profile
        yield modules
    finally:
        sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            if name == "krita" or name.startswith("pixelmend_krita"):
                del sys.modules[name]


@pytest.fixture
def document() -> Iterator[Document]:
    """A document of 100 x 80 pixels with a layer of 40 x 30."""
    opened = Document(100, 80)
    layer = Node("photo", place=PLACE)
    layer.pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 4), np.uint8)
    opened.root.addChildNode(layer, None)
    opened.active = layer
    Krita.instance().opened = [opened]
    yield opened
    Krita.instance().opened = []


def end_of(work: Generator[float, None, Any]) -> Any:
    """Goes through a generator to its result."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            return end.value


def _refuse(_new: Node, _above: Node | None) -> bool:
    return False


def at_once() -> Generator[float, None, None]:
    """Waits for nothing."""
    yield from ()


def sides(area: Any) -> tuple[int, int, int, int]:
    return area.x, area.y, area.width, area.height


def test_without_a_selection_all_of_the_layer_is_found(docker: Any, document: Document) -> None:
    source = docker.layer_source.find_source(document, DEBLUR, merged=False)
    assert sides(source.area) == sides(source.selected_area) == (*PLACE, 40, 30)
    assert source.selection is None
    assert source.name == "photo"


def test_a_selection_is_found_with_its_surroundings(docker: Any, document: Document) -> None:
    document.selected = Selection(50, 20, 8, 6)
    source = docker.layer_source.find_source(document, DEBLUR, merged=False)
    assert sides(source.selected_area) == (50, 20, 8, 6)
    assert sides(source.area) == (34, 10, 36, 30)  # 16 pixels around, as far as the layer goes
    document.selected = None  # what was found stays as it was
    assert source.selection.width() == 8


def test_what_is_to_be_enlarged_is_the_selected_part_alone(docker: Any, document: Document) -> None:
    document.selected = Selection(50, 20, 8, 6)
    source = docker.layer_source.find_source(document, UPSCALE, merged=False)
    assert sides(source.area) == (50, 20, 8, 6)
    assert source.selection is None  # all of it may change


def test_what_is_to_be_filled_may_lie_beside_the_layer(docker: Any, document: Document) -> None:
    document.selected = Selection(0, 0, 10, 10)
    source = docker.layer_source.find_source(document, FILL, merged=False)
    assert sides(source.selected_area) == (0, 0, 10, 10)


def test_a_mask_means_its_layer(docker: Any, document: Document) -> None:
    mask = Node("mask", "transparencymask")
    mask.parent = document.active
    document.active = mask
    assert docker.layer_source.find_source(document, DEBLUR, merged=False).name == "photo"


@pytest.mark.parametrize(
    ("place", "selected", "words"),
    [
        (None, None, "No layer is selected"),
        ((200, 0), None, "outside of the canvas"),
        (PLACE, Selection(0, 0, 5, 5), "selection lies"),
    ],
)
def test_what_can_not_be_restored_is_told_with_what_to_do(
    docker: Any,
    document: Document,
    place: tuple[int, int] | None,
    selected: Selection | None,
    words: str,
) -> None:
    document.selected = selected
    if place is None:
        document.active = None
    else:
        document.layer.move(*place)
    with pytest.raises(docker.errors.UnsupportedImage, match=words) as raised:
        docker.layer_source.find_source(document, DEBLUR, merged=False)
    assert raised.value.hint


def test_pixels_are_read_strip_by_strip_with_the_selection(
    docker: Any, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker.layer_source, "STRIP_BYTES", 36 * 4 * 7)  # seven rows at a time
    document.selected = Selection(50, 20, 8, 6)
    source = docker.layer_source.find_source(document, DEBLUR, merged=False)
    raster = end_of(docker.layer_source.read(source))
    layer = document.root.children[0]
    assert bytes(raster.data) == layer.pixels[:, 4:].tobytes()
    mask = np.frombuffer(raster.mask, np.uint8).reshape(30, 36)
    assert (mask[10:16, 16:24] == 255).all()
    assert np.count_nonzero(mask) == 48
    assert (raster.sample_type, raster.channels, raster.color_profile) == ("U8", "BGRA", b"profile")


@pytest.mark.parametrize("what", ["painted on", "deleted"])
def test_what_is_read_is_what_was_there_at_the_click(
    docker: Any, document: Document, what: str
) -> None:
    source = docker.layer_source.find_source(document, DEBLUR, merged=False)
    before = document.layer.pixels.tobytes()
    if what == "deleted":
        document.root.children.clear()
    else:
        document.layer.pixels[:] = 0
    assert bytes(end_of(docker.layer_source.read(source)).data) == before


def restored(docker: Any, document: Document) -> tuple[Any, Any]:
    """Reads the layer; returns it and what came of it, which is its negative."""
    source = docker.layer_source.find_source(document, DEBLUR, merged=False)
    raster = end_of(docker.layer_source.read(source))
    negative = bytes(255 - value for value in raster.data)
    result = docker.wire.Raster(
        width=raster.width, height=raster.height, sample_type="U8", channels="BGRA", data=negative
    )
    return source, result


def test_the_result_lies_above_its_layer_as_opaque_as_it(docker: Any, document: Document) -> None:
    document.layer.setOpacity(80)
    above = Node("above")
    document.root.addChildNode(above, None)
    source, result = restored(docker, document)
    assert end_of(docker.results.insert(source, result, "Deblurred", at_once)).fits
    assert [node.name() for node in document.root.children] == ["photo", "Deblurred", "above"]
    photo, new, _ = document.root.children
    assert new.place == PLACE
    assert new.opacity() == 80
    np.testing.assert_array_equal(new.pixels, 255 - photo.pixels)


def test_the_user_stays_where_he_was(docker: Any, document: Document) -> None:
    source, result = restored(docker, document)
    photo = document.layer
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    document.active = document.root.children[1]  # Krita goes there, some time later
    end_of(docker.results.activate(source, outcome))
    assert document.active is photo


def test_a_result_that_krita_refuses_is_left_to_the_history(
    docker: Any, document: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, result = restored(docker, document)
    monkeypatch.setattr(document.root, "addChildNode", _refuse)
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    assert not outcome.fits
    assert "Krita takes no new layer" in outcome.note


def test_a_canceled_result_is_taken_back(docker: Any, document: Document) -> None:
    source, result = restored(docker, document)
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    docker.results.take_back(source, outcome)
    assert [node.name() for node in document.root.children] == ["photo"]


@pytest.mark.parametrize("turn", ["mirrored", "upside down", "turned by 180", "turned by 90"])
def test_a_layer_that_was_turned_meanwhile_is_noticed(
    docker: Any, document: Document, turn: str
) -> None:
    source, result = restored(docker, document)
    pixels = document.layer.pixels
    document.layer.pixels = {
        "mirrored": pixels[:, ::-1],
        "upside down": pixels[::-1],
        "turned by 180": pixels[::-1, ::-1],
        "turned by 90": np.rot90(pixels),
    }[turn].copy()
    document.layer.pixels[:5, :5] = 7  # painted on, too
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    assert not outcome.fits
    assert "mirrored or turned" in outcome.note
    assert len(document.root.children) == 1


def test_a_layer_that_was_painted_on_meanwhile_gets_its_result(
    docker: Any, document: Document
) -> None:
    source, result = restored(docker, document)
    document.layer.pixels[5:20] = 7
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    assert outcome.fits
    assert "changed meanwhile" in outcome.note


def test_the_result_follows_a_layer_that_was_moved(docker: Any, document: Document) -> None:
    source, result = restored(docker, document)
    document.layer.move(33, 8)
    assert end_of(docker.results.insert(source, result, "Deblurred", at_once)).fits
    assert document.root.children[1].place == (3, -2)  # Krita moves by so much


@pytest.mark.parametrize("what", ["closed", "scaled"])
def test_a_result_that_fits_no_more_is_left_to_the_history(
    docker: Any, document: Document, what: str
) -> None:
    source, result = restored(docker, document)
    if what == "closed":
        Krita.instance().opened = []
    else:
        document.size = (50, 40)
        document.layer.pixels = document.layer.pixels[::2, ::2]
    outcome = end_of(docker.results.insert(source, result, "Deblurred", at_once))
    assert not outcome.fits
    assert outcome.note
    assert len(document.root.children) == 1


def test_what_was_chosen_is_remembered_and_damage_forgotten(docker: Any) -> None:
    controller = docker.controller.Controller()
    assert controller.saved_choices() == {}
    controller.save_choices({"task": "deblur"})
    assert controller.saved_choices() == {"task": "deblur"}
    for damaged in ("{", "[]"):
        Krita.instance().writeSetting("pixelmend", "choices", damaged)
        assert controller.saved_choices() == {}
