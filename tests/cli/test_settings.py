"""Settings come from a variable, or else from the platform's habits."""

from pathlib import Path

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


def test_lifetimes_are_minutes() -> None:
    resolved = settings.resolve({"PIXELMEND_RELEASE_MINUTES": "0.5"})
    assert (resolved.release_after_s, resolved.exit_after_s) == (30, 1800)
    for wrong in ("soon", "-1", "0", "inf", "nan"):
        with pytest.raises(BadRequest, match="PIXELMEND_EXIT_MINUTES"):
            settings.resolve({"PIXELMEND_EXIT_MINUTES": wrong})
