"""A download of one file, from the mirror unless a test says otherwise."""

from pathlib import Path
from typing import Any

import pytest
from fetching import HASTY, Fetch, accepted, untold
from mirror import Mirror
from published import small_file

from pixelmend_engine.catalog.weight_files import DirectUrl, DownloadSource
from pixelmend_engine.weights.download.download import Download, DownloadedFile, KnownFile
from pixelmend_engine.weights.download.network_settings import Network
from pixelmend_engine.weights.download.partial_file import PartialFile


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "small.part"


@pytest.fixture
def fetch(mirror: Mirror, part: Path) -> Fetch:
    """Downloads `small` from sources, the mirror's `/small` unless others are named."""

    def run(
        *sources: DownloadSource, facts: dict[str, Any] | None = None, **more: Any
    ) -> DownloadedFile:
        found = sources or (DirectUrl(f"{mirror.url}/small"),)
        settings: dict[str, Any] = {
            "network": Network(
                hub=mirror.url,
                drive=mirror.url,
                drive_folders=mirror.url,
                github=mirror.url,
                github_api=mirror.url,
            ),
            "policy": HASTY,
            "known": KnownFile(),
            "report": untold,
            "accept": accepted,
            **more,
        }
        file = small_file(*found, **(facts or {}))
        return Download(file=file, part=PartialFile(part), **settings).run()

    return run
