"""What the user has set for all commands: resolved once, then passed down."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices that hold for every command."""

    models_dir: Path  # one folder for each model's weights


def resolve(environ: Mapping[str, str]) -> Settings:
    """Reads the settings: a `PIXELMEND_*` variable, or else the default."""
    default = platformdirs.user_data_path("pixelmend", appauthor=False) / "models"
    return Settings(models_dir=Path(environ.get("PIXELMEND_MODELS") or default).expanduser())
