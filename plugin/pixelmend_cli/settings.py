"""What the user has set for all commands: resolved once, then passed down."""

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from pixelmend import paths
from pixelmend.client.launch import Launch
from pixelmend.errors import BadRequest
from pixelmend.paths import Paths
from pixelmend_engine.weights.download import network_settings as network
from pixelmend_engine.weights.download.network_settings import Network

MINUTE_S = 60.0


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Choices that hold for every command."""

    paths: Paths
    models_dir: Path  # one folder for each model's weights
    network: Network  # where weights are downloaded from, and whether they may be
    release_after_s: float  # without a job, the engine's models leave the memory
    exit_after_s: float  # without a job, the engine ends


def resolve(environ: Mapping[str, str]) -> Settings:
    """Reads the settings: a `PIXELMEND_*` variable, or else the default.

    Raises:
        BadRequest: A variable has a value that it can't have.
    """
    user_paths = Paths(data_dir(environ))
    return Settings(
        paths=user_paths,
        models_dir=Path(environ.get("PIXELMEND_MODELS") or user_paths.models)
        .expanduser()
        .absolute(),
        network=network.resolve(environ),
        release_after_s=_minutes(environ, "PIXELMEND_RELEASE_MINUTES", 5),
        exit_after_s=_minutes(environ, "PIXELMEND_EXIT_MINUTES", 30),
    )


def data_dir(environ: Mapping[str, str]) -> Path:
    """Returns the user's data directory: `PIXELMEND_HOME`, or else where the platform wants it."""
    unrecorded = paths.resolve(environ).home  # where hosts look that nobody has told
    if environ.get("PIXELMEND_HOME"):
        return unrecorded
    platform = platformdirs.user_data_path("pixelmend", appauthor=False)
    # Where the two differ (XDG_DATA_HOME on macOS), the weights that are there already stay in use.
    return unrecorded if unrecorded.is_dir() and not platform.is_dir() else platform


def launch_of(settings: Settings) -> Launch:
    """Says how an engine is started that has these settings, and this Python."""
    return Launch(
        python=sys.executable,
        models=settings.models_dir,
        release_after_s=settings.release_after_s,
        exit_after_s=settings.exit_after_s,
    )


def _minutes(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name) or str(default)
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not 0 < minutes < math.inf:
        raise BadRequest(f"{name} is no number of minutes: `{text}`", hint="Give a number, or none")
    return minutes * MINUTE_S
