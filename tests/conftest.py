"""What many tests need: a picture to restore, and the command line to call."""

import os
import site
import sys
import sysconfig
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import settings
from mirror import Mirror
from PIL import Image

from pixelmend.client import launch
from pixelmend.paths import Paths
from pixelmend_cli import main

# Timing never fails a test: other programs may be running.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

EXAMPLES = Path(__file__).parent.parent / "examples"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option for all that takes long."""
    parser.addoption("--slow", action="store_true", help="run what takes long, too")


@pytest.hookimpl(tryfirst=True)  # before xdist looks at the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keeps a module's tests in one process, and all editors in one; skips what takes long."""
    for item in items:
        # Two editors at once fight for cores.
        editors = item.path.is_relative_to(Path(__file__).parent / "hosts")
        group = "editors" if editors else item.path.relative_to(config.rootpath).as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="takes long; runs with --slow"))


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """NASA's portrait of Eileen Collins: 512 x 512, RGB, 8 bit."""
    with Image.open(EXAMPLES / "astronaut.png") as image:
        return np.array(image.convert("RGB"))


@pytest.fixture
def small(astronaut: np.ndarray) -> Image.Image:
    """A picture that takes no time: her face, 72 x 56 pixels, so not square and no multiple."""
    return Image.fromarray(astronaut[80:136, 190:262])


@pytest.fixture
def photo(small: Image.Image, tmp_path: Path) -> Path:
    """The small picture as a file."""
    path = tmp_path / "photo.png"
    small.save(path)
    return path


@dataclass(frozen=True)
class CompletedCommand:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str


CommandRunner = Callable[..., CompletedCommand]


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Paths]:
    """A home of the tests' own, no weights installed, one engine for all that ask, one thread."""
    user_paths = Paths(tmp_path_factory.mktemp("home"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIXELMEND_HOME", str(user_paths.home))
        patch.delenv("PIXELMEND_MODELS", raising=False)
        # Two threads wait for each other longer than small pictures take, here and in engines.
        torch.set_num_threads(1)
        patch.setenv("OMP_NUM_THREADS", "1")
        # Tests that download have a source of their own, and say so.
        patch.setenv("PIXELMEND_OFFLINE", "1")
        yield user_paths
        launch.stop(user_paths)


@pytest.fixture
def pixelmend(capsys: pytest.CaptureFixture[str]) -> CommandRunner:
    """Calls the command line in this process."""

    def call(*arguments: object) -> CompletedCommand:
        with pytest.raises(SystemExit) as exit_info:
            main.main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return CompletedCommand(int(exit_info.value.code or 0), printed.out, printed.err)

    return call


@pytest.fixture(scope="session")
def python_without_qt(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter that has all that this one has, but no Qt, in whatever way it is started."""
    folder = tmp_path_factory.mktemp("without-qt")
    venv.create(folder, symlinks=os.name != "nt", with_pip=False)
    variables = {"base": str(folder), "platbase": str(folder)}
    lines = [
        'import sys; sys.modules["PyQt5"] = sys.modules["PyQt6"] = None',
        *(f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()),
    ]
    (Path(sysconfig.get_path("purelib", vars=variables)) / "no_qt.pth").write_text(
        "\n".join(lines), encoding="utf-8"
    )
    scripts = Path(sysconfig.get_path("scripts", vars=variables))
    return str(scripts / Path(sys.executable).name)


@pytest.fixture
def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    """A source of weights whose certificate is trusted, in this process and its children."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    with Mirror(folder) as source:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(source.authority))
        for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.delenv(name, raising=False)
        yield source
