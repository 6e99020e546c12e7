"""First use: the best model is fetched if it can be had, and another one is used if not."""

from pathlib import Path

import pytest
from fakes import untold
from mirror import Mirror, Response

from pixelmend.errors import DownloadFailed, WeightsMissing, WrongFile
from pixelmend_engine.catalog import registry
from pixelmend_engine.weights import store
from pixelmend_engine.weights.download.network_settings import Network
from pixelmend_engine.weights.first_use import FORGET_AFTER_S, WeightsProvider
from pixelmend_engine.weights.installer import Installer

GOPRO = registry.find("hi-diff-gopro")


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def provider(tmp_path: Path, mirror: Mirror) -> WeightsProvider:
    network = Network(drive=mirror.url)
    return WeightsProvider(Installer(tmp_path / "models", network), Clock())


def asked_best(provider: WeightsProvider, *, offline: bool = False) -> tuple[str, ...]:
    return provider.ensure_best(registry.models_of("deblur"), offline=offline, progress=untold)


def test_a_failure_is_said_and_remembered_for_a_while(tmp_path: Path, mirror: Mirror) -> None:
    clock = Clock()
    network = Network(drive=mirror.url)
    provider = WeightsProvider(Installer(tmp_path / "models", network), clock)
    mirror.at("/download", Response(status=503))
    for _ in range(2):
        (note,) = asked_best(provider)
        assert "answers 503" in note
        assert "so `hi-diff-compact` is used" in note
        assert "`pixelmend models pull hi-diff-gopro` gets them" in note
        assert "\n" not in note
    assert len(mirror.requests) == 1  # one try, and the second time none
    clock.now = FORGET_AFTER_S + 1
    asked_best(provider)
    assert len(mirror.requests) == 2


def test_offline_nobody_is_asked(provider: WeightsProvider, mirror: Mirror) -> None:
    (note,) = asked_best(provider, offline=True)
    assert "Pixelmend is offline" in note
    with pytest.raises(WeightsMissing):
        provider.ensure_model(GOPRO, offline=True, progress=untold)
    assert mirror.requests == []


def test_a_model_asked_for_by_name_insists(provider: WeightsProvider, mirror: Mirror) -> None:
    mirror.at("/download", Response(status=503), Response(status=404))
    with pytest.raises(DownloadFailed, match="404"):
        provider.ensure_model(GOPRO, offline=False, progress=untold)
    assert len(mirror.requests) == 2


def test_what_is_here_is_used(provider: WeightsProvider, mirror: Mirror, tmp_path: Path) -> None:
    folder = tmp_path / "models" / "hi-diff-gopro"
    folder.mkdir(parents=True)
    (folder / "net_g.pth").touch()
    assert store.state(GOPRO, tmp_path / "models") == "installed"
    assert asked_best(provider) == ()
    provider.ensure_model(GOPRO, offline=False, progress=untold)
    provider.ensure_model(registry.find("hi-diff-compact"), offline=True, progress=untold)
    assert mirror.requests == []


def test_a_wrong_file_is_not_fetched_again_unasked(tmp_path: Path, mirror: Mirror) -> None:
    mirror.at("/download", Response(body=b"other", headers={"Content-Disposition": "attachment"}))
    network = Network(drive=mirror.url)
    for _ in range(2):  # in one process after the other
        (note,) = asked_best(WeightsProvider(Installer(tmp_path / "models", network)))
        assert "not the published `hi-diff-gopro`" in note
    assert len(mirror.requests) == 1
    with pytest.raises(WrongFile):
        WeightsProvider(Installer(tmp_path / "models", network)).ensure_model(
            GOPRO, offline=False, progress=untold
        )
    assert len(mirror.requests) == 2


def test_what_is_downloaded_is_said_once_and_only_if_it_comes(
    provider: WeightsProvider, mirror: Mirror
) -> None:
    reports: list[tuple[str, int, int]] = []
    mirror.at(
        "/download", Response(body=b"x" * 300_000, headers={"Content-Disposition": "attachment"})
    )

    def download_progress(words: str, done: int, total: int) -> None:
        reports.append((words, done, total))

    provider.ensure_best(registry.models_of("deblur"), offline=False, progress=download_progress)
    (words,) = [report[0] for report in reports if report[0]]
    for said in ("`hi-diff-gopro`", "~114 MB", "drive.google.com", "Apache-2.0"):
        assert said in words
    assert (300_000, 300_000) in [report[1:] for report in reports]
    assert reports[-1] == ("", 0, 0)  # it was no checkpoint
    reports.clear()
    mirror.at("/download", Response(status=404))
    with pytest.raises(DownloadFailed):
        provider.ensure_model(GOPRO, offline=False, progress=download_progress)
    assert {report[0] for report in reports} <= {""}


LARGE = registry.find("diffbir-v2.1")  # of gigabytes; `pickled` nowhere


def test_what_is_large_is_not_fetched_where_nobody_was_asked(
    provider: WeightsProvider, mirror: Mirror
) -> None:
    small = registry.find("hi-diff-compact")
    for downloads in ("ask", "never"):
        (note,) = provider.ensure_best(
            (LARGE, small), offline=False, downloads=downloads, progress=untold
        )
        assert "GB to download" in note
        assert "`pixelmend models pull diffbir-v2.1` gets them" in note
        with pytest.raises(WeightsMissing, match=r"nobody was asked whether `diffbir-v2\.1`"):
            provider.ensure_best((LARGE,), offline=False, downloads=downloads, progress=untold)
    assert mirror.requests == []


def test_never_is_for_what_is_small_as_well(provider: WeightsProvider, mirror: Mirror) -> None:
    models = registry.models_of("deblur")
    (note,) = provider.ensure_best(models, offline=False, downloads="never", progress=untold)
    assert "114 MB to download" in note
    assert mirror.requests == []


def test_always_fetches_whatever_is_best(tmp_path: Path, mirror: Mirror) -> None:
    network = Network(mirror=mirror.url)
    provider = WeightsProvider(Installer(tmp_path / "models", network))
    small = registry.find("hi-diff-compact")
    (note,) = provider.ensure_best(
        (LARGE, small), offline=False, downloads="always", progress=untold
    )
    assert "so `hi-diff-compact` is used" in note  # for the mirror has it not
    assert mirror.requests


def test_what_is_installed_is_used_though_another_would_be_better(
    provider: WeightsProvider, mirror: Mirror, tmp_path: Path
) -> None:
    folder = tmp_path / "models" / "hi-diff-realblur-r"
    folder.mkdir(parents=True)
    (folder / "net_g.pth").touch()
    assert asked_best(provider) == ()
    assert mirror.requests == []
