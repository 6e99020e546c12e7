"""GIMP with its windows: the menu, the dialog, the panel, and what is left when they close."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import random_weights
from desktop import Desktop
from engines import SlowEngine, wait_until
from machine import INSIDE, REPOSITORY, Machine
from PIL import Image

from pixelmend.client.client import Client
from pixelmend.paths import Paths

PICTURE = REPOSITORY / "examples" / "astronaut_shaken.png"
NAME = "Deblurred (HI-Diff Compact)"
PROFILE = Path(".config") / "GIMP" / "3.0"


@pytest.fixture(scope="module")
def profile_folder(user: Machine) -> Iterator[Path]:
    """A profile whose settings the tests may change."""
    copy = user.user / "profile-of-windows"
    shutil.copytree(user.user / PROFILE, copy)
    yield copy
    shutil.rmtree(copy, ignore_errors=True)


@pytest.fixture(scope="module")
def slow(user: Machine) -> Iterator[SlowEngine]:
    """An engine that takes a minute for each picture."""
    with SlowEngine(user.user / "slow-of-windows") as engine:
        yield engine


@pytest.fixture(scope="module")
def gimp(user: Machine, profile_folder: Path) -> Iterator[Desktop]:
    """GIMP with a picture."""
    with Desktop(user, profile_folder, user.user / "desktop", PICTURE) as desktop:
        desktop.wait_for("astronaut")
        wait_until(lambda: desktop.layers() == [PICTURE.name])
        yield desktop


@pytest.fixture
def use(profile_folder: Path, user: Machine) -> Iterator[Callable[..., None]]:
    """Changes which engine the plug-in knows, for one test."""
    file = profile_folder / "plug-ins" / "pixelmend-restore" / "settings.json"
    before = file.read_text(encoding="utf-8")

    def change(**changed: object) -> None:
        file.write_text(json.dumps(json.loads(before) | changed), encoding="utf-8")

    yield change
    file.write_text(before, encoding="utf-8")


def restore(gimp: Desktop) -> str:
    """Opens the dialog from the menu, and agrees; returns the panel's window."""
    gimp.keys(gimp.wait_for("GIMP$"), "alt+r", "Up", "Right", "d")  # its letter
    gimp.keys(gimp.wait_for("^Deblur$"), "Return")
    return gimp.wait_for_panel()


def blue(image: Image.Image) -> float:
    """Returns how much of a picture has the color of a bar that is filled."""
    red, _, blue = np.moveaxis(np.asarray(image, np.int16), -1, 0)
    return float((blue - red > 60).mean())


def test_the_menu_has_the_tasks(gimp: Desktop) -> None:
    window = gimp.wait_for("GIMP$")
    before = gimp.look()
    gimp.keys(window, "alt+r", "Up", "Right")
    menu = gimp.look()
    gimp.keys(window, "Escape", "Escape", "Escape")
    changed = np.abs(np.asarray(menu, np.int16) - np.asarray(before, np.int16)).max(axis=2) > 16
    columns = np.flatnonzero(changed.any(axis=0))
    assert changed.mean() > 0.05  # the menu of filters, and ours beside it
    assert columns[-1] - columns[0] > 250


def test_cancel_in_the_panel_ends_the_job(gimp: Desktop, slow: SlowEngine, use: Any) -> None:
    use(**slow.settings)
    panel = restore(gimp)
    slow.wait_for(["run"])
    wait_until(lambda: blue(gimp.look(panel)) > 0.002)  # the bar moves
    assert np.median(np.asarray(gimp.look(panel))) < 100  # as dark as GIMP is, by default
    width, height = gimp.size(panel)
    assert width > 300
    gimp.click(panel, width - 50, height - 24)  # Cancel
    slow.wait_for(["canceled"])
    gimp.wait_for_no_panel()
    assert gimp.layers() == [PICTURE.name]
    slow.forget()


def test_cancel_in_gimps_own_bar_ends_the_job(gimp: Desktop, slow: SlowEngine, use: Any) -> None:
    use(**slow.settings)
    restore(gimp)
    slow.wait_for(["run"])
    window = gimp.wait_for("GIMP$")
    _, height = gimp.size(window)
    gimp.click(window, 631, height - 18)  # at the right end of the image's status bar
    slow.wait_for(["canceled"])
    gimp.wait_for_no_panel()
    assert gimp.layers() == [PICTURE.name]
    slow.forget()


def test_an_engine_that_dies_is_told_in_the_panel(gimp: Desktop, user: Machine, use: Any) -> None:
    with SlowEngine(user.user / "dying") as dying:
        use(**dying.settings)
        panel = restore(gimp)
        dying.wait_for(["run"])
        before = gimp.look(panel)
    wait_until(lambda: _yellow(gimp.look(panel)) > 0.001)  # the warning
    assert _yellow(before) == 0
    gimp.keys(panel, "Escape")
    gimp.wait_for_no_panel()
    assert not gimp.windows("Execution error")  # it was told already
    assert gimp.layers() == [PICTURE.name]


def _yellow(image: Image.Image) -> float:
    red, green, blue = np.moveaxis(np.asarray(image, np.int16), -1, 0)
    return float(((red > 200) & (green > 150) & (blue < 120)).mean())


def test_scaling_the_image_is_one_undo_step(gimp: Desktop, home: Paths, engine: Client) -> None:
    random_weights.install("diffir-realsr-x2", home.models)
    told = "[[one.get_width(), one.get_height(), [each.get_name() for each in one.get_layers()]]"
    told += " for one in Gimp.get_images() if one.get_id() != 1][0]"
    gimp.ask(f"exec(open({str(INSIDE / 'enlarged.py')!r}).read())")
    after = [128, 96, ["Upscaled (DiffIR RealSR x2)", "small", "below"]]
    assert gimp.ask(told) == after
    window = gimp.wait_for("GIMP$")
    gimp.keys(window, "ctrl+z")
    wait_until(lambda: gimp.ask(told) == [64, 48, ["small", "below"]])
    assert not gimp.windows("GIMP Message")
    gimp.keys(window, "ctrl+y")
    wait_until(lambda: gimp.ask(told) == after)
    gimp.ask("[Gimp.Display.delete(Gimp.Display.get_by_id(2))]")
    assert len(gimp.ask("[one.get_id() for one in Gimp.get_images()]")) == 1


def test_the_result_is_one_layer_and_one_undo_step(gimp: Desktop, engine: Client) -> None:
    panel = restore(gimp)
    wait_until(lambda: gimp.layers() == [NAME, PICTURE.name])
    wait_until(lambda: gimp.size(panel)[1] > 350)  # it has grown
    try:
        _halves_are_before_and_after(gimp, panel)
    finally:
        gimp.keys(panel, "Escape")
        gimp.wait_for_no_panel()
    window = gimp.wait_for("GIMP$")
    gimp.keys(window, "ctrl+z")
    wait_until(lambda: gimp.layers() == [PICTURE.name])
    gimp.keys(window, "ctrl+y")
    wait_until(lambda: gimp.layers() == [NAME, PICTURE.name])
    gimp.keys(window, "ctrl+f")  # once more, without a dialog
    wait_until(lambda: len(gimp.layers()) == 3)
    assert not gimp.windows("^Deblur$")
    gimp.keys(gimp.wait_for_panel(), "Escape")
    gimp.wait_for_no_panel()


def _halves_are_before_and_after(gimp: Desktop, panel: str) -> None:
    wait_until(lambda: gimp.look(panel).getcolors(256) is None)  # a photograph is to be seen
    pixels = np.asarray(gimp.look(panel), np.int16)
    # The frame that says that arrow keys go there; the picture, a square, is in its middle.
    framed = np.abs(pixels - pixels[2, 2]).max(axis=2) > 12
    rows = np.flatnonzero(framed.mean(axis=1) > 0.7)
    columns = np.flatnonzero(framed[rows[0] : rows[-1]].mean(axis=0) > 0.7)
    side = rows[-1] - rows[0] + 1
    left = (columns[0] + columns[-1] + 1 - side) // 2
    shown = pixels[rows[0] : rows[0] + side, left : left + side]
    with Image.open(PICTURE) as opened:
        small = opened.convert("RGB").resize((int(side), int(side)), Image.Resampling.BILINEAR)
    difference = np.abs(shown - np.asarray(small, np.int16))[2:-2].mean(axis=(0, 2))
    third = side // 3
    before, after = difference[2:third].mean(), difference[-third:-2].mean()
    assert before < 3  # of 255: it is that picture, but for how it was made smaller
    assert after > before + 1


def test_again_opens_the_dialog_and_changes_the_same_layer(gimp: Desktop) -> None:
    layers = gimp.layers()
    top = "Gimp.get_images()[0].get_layers()[0]"
    recipe = f"bytes({top}.get_parasite('pixelmend-recipe').get_data()).decode()"
    gimp.keys(gimp.wait_for("GIMP$"), "alt+r", "Up", "Right", "a")  # its mnemonic
    dialog = gimp.wait_for("^Deblur$")
    gimp.keys(dialog, "alt+t", "ctrl+a", "0", "Tab", "alt+e")  # strength; restore
    wait_until(lambda: json.loads(gimp.ask(recipe))["options"]["strength"] == 0)
    assert gimp.layers() == layers
    gimp.keys(gimp.wait_for_panel(), "Escape")
    gimp.wait_for_no_panel()


def test_a_large_model_is_asked_for_before_it_is_fetched(
    gimp: Desktop, user: Machine, use: Any
) -> None:
    before = len(gimp.layers())

    def asked() -> str:
        gimp.keys(gimp.wait_for("GIMP$"), "alt+r", "Up", "Right", "e")  # its letter
        gimp.keys(gimp.wait_for("^Denoise$"), "Return")
        return gimp.wait_for("^DiffBIR v2.1$")

    with SlowEngine(user.user / "asked", steps=1, step_seconds=0) as brief:
        use(**brief.settings)
        gimp.keys(asked(), "Escape")
        gimp.wait_for_no_panel()
        assert brief.phases() == []
        gimp.keys(asked(), "Return")
        wait_until(lambda: len(gimp.layers()) == before + 1)
        options = json.loads((brief.paths.home / "options.json").read_text(encoding="utf-8"))
    assert (options["model"], options["downloads"]) == ("auto", "always")
    gimp.keys(gimp.wait_for_panel(), "Escape")
    gimp.wait_for_no_panel()


def test_a_selection_made_meanwhile_changes_nothing(gimp: Desktop, user: Machine, use: Any) -> None:
    def select(x: int) -> None:
        rectangle = f"select_rectangle(Gimp.ChannelOps.REPLACE, {x}, 100, 50, 50)"
        gimp.ask(f"bool(Gimp.get_images()[0].{rectangle})")

    before = len(gimp.layers())
    with SlowEngine(user.user / "brief", steps=30) as brief:
        use(**brief.settings)
        select(100)
        restore(gimp)
        brief.wait_for(["run"])
        select(300)
        wait_until(lambda: len(gimp.layers()) == before + 1)
    mask = "Gimp.get_images()[0].get_layers()[0].get_mask()"
    shares = f"[{mask}.get_pixel(x, 120).get_rgba()[0] for x in (120, 320)]"
    assert gimp.ask(shares) == [1, 0]
    gimp.ask("bool(Gimp.Selection.none(Gimp.get_images()[0]))")
    gimp.keys(gimp.wait_for_panel(), "Escape")
    gimp.wait_for_no_panel()


@pytest.mark.parametrize(
    "change",
    [
        "rotate(Gimp.RotationType.DEGREES90)",
        "flip(Gimp.OrientationType.HORIZONTAL)",
        "scale(300, 300)",
        "convert_grayscale()",
        "convert_precision(Gimp.Precision.FLOAT_LINEAR)",
    ],
)
def test_a_result_that_does_not_fit_any_more_is_an_image_of_its_own(
    gimp: Desktop, user: Machine, use: Any, tmp_path: Path, change: str
) -> None:
    before = gimp.layers()
    images = "len(Gimp.get_images())"
    assert gimp.ask(images) == 1
    with SlowEngine(user.user / f"brief-{tmp_path.name}", steps=15) as brief:
        use(**brief.settings)
        restore(gimp)
        brief.wait_for(["run"])
        gimp.ask(f"bool(Gimp.get_images()[0].{change})")
        wait_until(lambda: gimp.ask(images) == 2)
    told = "[[each.get_name() for each in one.get_layers()] for one in Gimp.get_images()]"
    assert sorted(gimp.ask(told)) == sorted([before, ["Deblurred (Echo)"]])
    gimp.keys(gimp.wait_for_panel(), "Escape")
    gimp.wait_for_no_panel()
    gimp.ask("[Gimp.Display.delete(Gimp.Display.get_by_id(n)) for n in range(2, 40)"
             " if Gimp.Display.id_is_valid(n)]")  # fmt: skip
    wait_until(lambda: gimp.ask(images) == 1)
    window = gimp.wait_for("GIMP$")
    gimp.keys(window, "ctrl+z")


def test_closing_the_image_ends_the_job(gimp: Desktop, slow: SlowEngine, use: Any) -> None:
    use(**slow.settings)
    restore(gimp)
    slow.wait_for(["run"])
    gimp.ask("[Gimp.Display.delete(Gimp.Display.get_by_id(1))]")
    slow.wait_for(["canceled"])
    gimp.wait_for_no_panel()
    assert gimp.ask("len(Gimp.get_images())") == 0
    slow.forget()


def test_the_menu_is_gray_without_an_image(gimp: Desktop) -> None:
    gimp.keys(gimp.wait_for("GIMP|GNU Image"), "alt+r", "Up", "Return", "Escape", "Escape")
    time.sleep(1)
    assert not gimp.windows("^Deblur$")


def test_nothing_went_wrong_unseen(gimp: Desktop) -> None:
    assert "Traceback" not in gimp.log


def test_a_gimp_that_ends_leaves_nothing_behind(gimp: Desktop, slow: SlowEngine, use: Any) -> None:
    use(**slow.settings)
    load = f"Gimp.file_load(Gimp.RunMode.NONINTERACTIVE, Gio.File.new_for_path({str(PICTURE)!r}))"
    gimp.ask(f"[Gimp.Display.new({load}).get_id()]")
    gimp.wait_for("Untitled")
    restore(gimp)
    slow.wait_for(["run"])
    gimp.processes(f"gimp -s {PICTURE}")[-1].kill()
    slow.wait_for(["canceled"])
    gimp.wait_for_no_panel()
    wait_until(lambda: not gimp.processes("pixelmend.panel"))
    wait_until(lambda: not gimp.processes("pixelmend-restore.py"))
