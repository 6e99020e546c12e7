"""Settings come from a variable, or else from the platform's habits."""

from pathlib import Path

from pixelmend import settings


def test_a_variable_names_the_models_folder(tmp_path: Path) -> None:
    assert settings.resolve({"PIXELMEND_MODELS": str(tmp_path)}).models_dir == tmp_path


def test_a_home_folder_is_expanded() -> None:
    resolved = settings.resolve({"PIXELMEND_MODELS": "~/weights"}).models_dir
    assert resolved == Path.home() / "weights"


def test_an_empty_variable_is_none() -> None:
    default = settings.resolve({}).models_dir
    assert default.parts[-2:] == ("pixelmend", "models")
    assert settings.resolve({"PIXELMEND_MODELS": ""}).models_dir == default
