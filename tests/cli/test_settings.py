"""Settings come from a variable, or else from the platform's habits."""

import sys
from pathlib import Path

import platformdirs
import pytest

from pixelmend.errors import BadRequest
from pixelmend_cli import settings


def test_variables_name_the_folders(tmp_path: Path) -> None:
    home = {"PIXELMEND_HOME": str(tmp_path)}
    assert settings.resolve(home).paths.home == tmp_path
    assert settings.resolve(home).models_dir == tmp_path / "models"
    assert settings.resolve({**home, "PIXELMEND_MODELS": "~/w"}).models_dir == Path.home() / "w"


def test_an_empty_variable_is_none() -> None:
    default = settings.resolve({}).models_dir
    assert default.parts[-2:] == ("pixelmend", "models")
    assert settings.resolve({"PIXELMEND_MODELS": ""}).models_dir == default


def test_without_a_variable_the_platform_says_where_data_lie() -> None:
    platform = platformdirs.user_data_path("pixelmend", appauthor=False)
    assert settings.resolve({}).paths.home == platform


@pytest.mark.skipif(sys.platform != "linux", reason="the rules are moved apart with its variable")
def test_weights_that_are_there_stay_in_use_where_the_platform_has_another_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "platform"))
    before = {"XDG_DATA_HOME": str(tmp_path / "before")}
    assert settings.data_dir(before) == tmp_path / "platform" / "pixelmend"
    (tmp_path / "before" / "pixelmend").mkdir(parents=True)
    assert settings.data_dir(before) == tmp_path / "before" / "pixelmend"


def test_lifetimes_are_minutes() -> None:
    resolved = settings.resolve({"PIXELMEND_RELEASE_MINUTES": "0.5"})
    assert (resolved.release_after_s, resolved.exit_after_s) == (30, 1800)
    for wrong in ("soon", "-1", "0", "inf", "nan"):
        with pytest.raises(BadRequest, match="PIXELMEND_EXIT_MINUTES"):
            settings.resolve({"PIXELMEND_EXIT_MINUTES": wrong})
