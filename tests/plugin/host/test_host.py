"""The way of a job, with a host that is six functions and nothing more."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from pixelmend import preferences
from pixelmend.client import launch
from pixelmend.client.client import Client
from pixelmend.client.launch import Launch
from pixelmend.errors import EngineUnavailable, PixelmendError, UnsupportedImage
from pixelmend.host import host
from pixelmend.host.host import CANCELED, DONE, FAILED, PluginInstall
from pixelmend.paths import Paths
from pixelmend.preferences import Preferences
from pixelmend.presentation import task_cache
from pixelmend.presentation.download_question import DownloadQuestion
from pixelmend.wire import Event, Json, Raster
from pixelmend_cli import settings
from pixelmend_engine.catalog import tasks


class FakeHost:
    """An editor without a window."""

    def __init__(
        self,
        *,
        cancels_at: str = "",
        error: Exception | None = None,
        answer: bool | None = None,
    ) -> None:
        self.questions: list[DownloadQuestion] = []
        self._answer = answer
        self.events: list[Event] = []
        self.written: list[tuple[Raster, Json]] = []
        self.errors: list[PixelmendError] = []
        self._cancels_at = cancels_at
        self._error = error

    def read(self) -> Raster:
        if self._error is not None:
            raise self._error
        return Raster(64, 48, "U8", "RGB", bytes(range(256)) * 36)

    def write(self, raster: Raster, facts: Json) -> None:
        self.written.append((raster, facts))

    def progress(self, event: Event) -> None:
        self.events.append(event)

    def canceled(self) -> bool:
        return any(event.phase == self._cancels_at for event in self.events)

    def ask(self, question: DownloadQuestion) -> bool | None:
        self.questions.append(question)
        return self._answer

    def show_error(self, error: PixelmendError) -> None:
        self.errors.append(error)


@pytest.fixture
def engine(home: Paths, tmp_path: Path) -> PluginInstall:
    """The tests' own engine, as `pixelmend setup` would describe it."""
    (tmp_path / "entry.py").touch()
    start = settings.launch_of(settings.resolve({"PIXELMEND_HOME": str(home.home)}))
    return PluginInstall(tmp_path, "entry.py", home, start)


def test_a_picture_goes_there_and_back(engine: PluginInstall) -> None:
    editor = FakeHost()
    assert host.restore(editor, engine, "deblur", {"seed": 3}) == DONE
    ((raster, facts),) = editor.written
    assert (raster.width, raster.height) == (64, 48)
    assert (facts["model"], facts["seed"]) == ("hi-diff-compact", 3)
    assert editor.errors == []
    assert "run" in {event.phase for event in editor.events}


def test_the_menu_is_brought_up_to_date(engine: PluginInstall) -> None:
    host.restore(FakeHost(), engine, "deblur", {})
    assert [task["id"] for task in task_cache.read(engine.folder)] == list(tasks.TITLES)


@pytest.mark.parametrize("phase", ["queued", "load", "run"])
def test_a_cancel_writes_nothing_and_tells_nothing(engine: PluginInstall, phase: str) -> None:
    editor = FakeHost(cancels_at=phase)
    assert host.restore(editor, engine, "deblur", {}) == CANCELED
    assert (editor.written, editor.errors) == ([], [])


def test_a_large_model_is_asked_for_and_a_no_sends_nothing(engine: PluginInstall) -> None:
    editor = FakeHost(answer=False)
    # Three times larger, which no small model makes.
    assert host.restore(editor, engine, "upscale", {"model": "auto", "scale": 3}) == CANCELED
    assert [question.model for question in editor.questions] == ["diffbir-v2.1"]
    assert (editor.written, editor.errors) == ([], [])
    assert {event.phase for event in editor.events} == {"queued"}


def _missing(*_: object) -> str:
    return "missing"


@pytest.mark.parametrize(
    ("answer", "sent", "declined"),
    [(True, "always", []), (False, "never", ["diffbir-v2.1"]), (None, "ask", [])],
)
def test_the_answer_is_sent_and_a_no_is_kept(
    engine: PluginInstall,
    monkeypatch: pytest.MonkeyPatch,
    answer: bool | None,
    sent: str,
    declined: list[str],
) -> None:
    described = tasks.describe(_missing)
    task = next(task for task in described if task["id"] == "denoise")
    task["models"] = [{**task["models"][0], "weights": "missing"}]
    small = {"id": "small", "title": "Small", "weights": "bundled", "scales": [1, 1]}
    task["models"].append(small)
    options: list[Json] = []

    def record(_: Client, raster: Raster, __: str, given: Json, *___: Any) -> tuple[Raster, Json]:
        options.append(given)
        return raster, {}

    def describe(_: Client) -> list[Json]:
        return described

    monkeypatch.setattr(Client, "tasks", describe)
    monkeypatch.setattr(Client, "restore", record)
    editor = FakeHost(answer=answer)
    assert host.restore(editor, engine, "denoise", {"model": "auto"}) == DONE
    assert [given["downloads"] for given in options] == [sent]
    assert preferences.read(engine.paths).declined == frozenset(declined)
    preferences.write(engine.paths, Preferences())
    assert len(editor.questions) == 1


def test_an_error_of_the_engine_is_told(engine: PluginInstall) -> None:
    editor = FakeHost()
    assert host.restore(editor, engine, "deblur", {"model": "missing"}) == FAILED
    assert [error.code for error in editor.errors] == ["unknown-model"]
    assert editor.written == []


def test_an_error_of_the_host_is_told(engine: PluginInstall) -> None:
    editor = FakeHost(error=UnsupportedImage("It is a channel", hint="Choose a layer"))
    assert host.restore(editor, engine, "deblur", {}) == FAILED
    assert [error.message for error in editor.errors] == ["It is a channel"]
    assert editor.events == []  # no engine was started for that


def test_an_engine_that_can_not_be_started_is_told(engine: PluginInstall, tmp_path: Path) -> None:
    missing = Launch(python=str(tmp_path / "python"), models=tmp_path)
    elsewhere = dataclasses.replace(engine, paths=Paths(tmp_path / "home"), launch=missing)
    editor = FakeHost()
    assert host.restore(editor, elsewhere, "deblur", {}) == FAILED
    assert [error.code for error in editor.errors] == ["engine-unavailable"]


def test_a_start_of_the_engine_can_be_canceled(engine: PluginInstall, tmp_path: Path) -> None:
    elsewhere = dataclasses.replace(engine, paths=Paths(tmp_path / "home"))
    try:
        assert host.restore(FakeHost(cancels_at="queued"), elsewhere, "deblur", {}) == CANCELED
    finally:
        _end(elsewhere)


def _end(engine: PluginInstall) -> None:
    # It may have been started, and be about to say so.
    launch.find_or_start(engine.paths, engine.launch).shut_down()


def test_what_nobody_expected_is_told_and_logged(engine: PluginInstall, home: Paths) -> None:
    editor = FakeHost(error=ZeroDivisionError("as nobody expected"))
    assert host.restore(editor, engine, "deblur", {}) == FAILED
    assert [error.code for error in editor.errors] == ["internal"]
    assert "as nobody expected" in (home.home / "front-end.log").read_text(encoding="utf-8")


def test_settings_are_read_as_they_were_written(engine: PluginInstall) -> None:
    (engine.folder / host.SETTINGS).write_text(json.dumps(engine.to_json()), encoding="utf-8")
    assert host.read_install(engine.folder) == engine


@pytest.mark.parametrize("changed", [{"python": None}, {"home": 7}, {"models": None}])
def test_damaged_settings_say_what_to_do(engine: PluginInstall, changed: Json) -> None:
    with pytest.raises(EngineUnavailable):
        host.read_install(engine.folder)
    fields = {**engine.to_json(), **changed}
    fields = {name: value for name, value in fields.items() if value is not None}
    (engine.folder / host.SETTINGS).write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(EngineUnavailable, match="where Pixelmend is installed") as raised:
        host.read_install(engine.folder)
    assert "pixelmend setup" in raised.value.hint
