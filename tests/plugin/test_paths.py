"""The data directory is where the platform wants it."""

from pathlib import Path

import platformdirs

from pixelmend import paths


def test_it_is_the_folder_that_platformdirs_names() -> None:
    # A host's Python has no platformdirs, and a docker that came in a file was told nothing.
    assert paths.resolve({}).home == platformdirs.user_data_path("pixelmend", appauthor=False)


def test_every_platform_has_its_own() -> None:
    home = Path.home()
    assert paths.resolve({}, "darwin").home == home / "Library/Application Support/pixelmend"
    assert paths.resolve({}, "linux").home == home / ".local/share/pixelmend"
    assert paths.resolve({"XDG_DATA_HOME": "/data"}, "linux").home == Path("/data/pixelmend")
    assert paths.resolve({"LOCALAPPDATA": "/local"}, "win32").home == Path("/local/pixelmend")


def test_a_variable_moves_all_of_it(tmp_path: Path) -> None:
    moved = paths.resolve({"PIXELMEND_HOME": str(tmp_path)})
    for path in (moved.state, moved.lock, moved.log, moved.spool, moved.models):
        assert path.parent == tmp_path
