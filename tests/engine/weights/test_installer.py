"""Weights are installed whole, proved and remembered, or not at all; kill -9 changes nothing."""

import contextlib
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from mirror import Mirror, Response
from published import SMALL, checkpoint, hollow, pickled, small_file, tensors, zipped
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] - PathLike

from pixelmend.errors import Canceled, DiskFull, DownloadFailed, WeightsMissing, WrongFile
from pixelmend_engine.catalog.weight_files import DirectUrl, DriveFile, DriveFolder, WeightFile
from pixelmend_engine.weights import store
from pixelmend_engine.weights.download.network_settings import OFFLINE, Network, RetryPolicy
from pixelmend_engine.weights.installer import Installer

HASTY = RetryPolicy(
    connect_timeout_s=10.0,
    first_response_timeout_s=10.0,
    read_timeout_s=5.0,
    attempts=3,
    backoff_s=0.01,
)
PULL = Path(__file__).parents[2] / "pull_process.py"


def untold(done: int, total: int) -> None:
    """Reports to nobody."""


@pytest.fixture
def installer(tmp_path: Path, mirror: Mirror) -> Installer:
    return Installer(tmp_path / "models", Network(drive=mirror.url, drive_folders=mirror.url))


@pytest.fixture
def file(mirror: Mirror) -> WeightFile:
    mirror.at("/small", Response(body=checkpoint()))
    return small_file(DirectUrl(f"{mirror.url}/small"))


def assert_installed(installer: Installer, file: WeightFile, seed: int = 0) -> None:
    """It is there, to the bit, and nothing else is left."""
    place = store.path_of(file.id, installer.models_dir)
    tensors_on_disk = load_file(place)
    expected = tensors(SMALL, seed)
    assert tensors_on_disk.keys() == expected.keys()
    assert all(torch.equal(tensors_on_disk[key], expected[key]) for key in expected)
    assert installer.verify(file) is None
    assert [p.name for p in place.parent.iterdir()] == [place.name]
    left = {p.name for p in (installer.models_dir / "downloads").iterdir()}
    assert left <= {f"{file.id}.lock"}


def test_a_published_file_becomes_weights(installer: Installer, file: WeightFile) -> None:
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file)
    record = installer.records.get(file.id)
    assert (record.verification, record.source) == ("structure", file.sources[0].page)
    assert record.size_bytes == len(checkpoint())


def test_what_is_here_is_not_fetched_again(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    installer.pull(file, HASTY, untold)
    installer.pull(file, HASTY, untold)
    assert len(mirror.requests) == 1


def test_the_published_file_may_be_kept(installer: Installer, file: WeightFile) -> None:
    installer.pull(file, HASTY, untold, keep_original=True)
    original = installer.models_dir / "originals" / file.id / "small.pth"
    assert original.read_bytes() == checkpoint()
    assert store.installed(file.id, installer.models_dir) == (
        store.path_of(file.id, installer.models_dir),
    )
    assert_installed(installer, file)


@pytest.mark.parametrize("epoch", [0, 1])
def test_every_layout_is_unwrapped(epoch: int, installer: Installer, mirror: Mirror) -> None:
    one = tensors(SMALL)
    layouts = {
        "params": pickled({"params": one}),
        "ema": pickled({"params": tensors(SMALL, 9), "params_ema": one}),
        "flat": pickled(one),
        "many-gpus": pickled({f"module.{key}": value for key, value in one.items()}),
        "epochs": pickled({"state_dict": one, "epoch": epoch}),
        "legacy": _legacy({"params": one}),
        "archive": zipped({"folder/a.pth": pickled(one), "folder/readme.txt": b"Read me"}),
    }
    for name, content in layouts.items():
        mirror.at(f"/{name}", Response(body=content))
        file = small_file(DirectUrl(f"{mirror.url}/{name}"), id=name)
        installer.pull(file, HASTY, untold)
        place = store.path_of(name, installer.models_dir)
        installed = load_file(place)
        assert installed.keys() == one.keys(), name
        assert all(torch.equal(value, one[key]) for key, value in installed.items()), name


def _legacy(content: object) -> bytes:
    import io

    file = io.BytesIO()
    torch.save(content, file, _use_new_zipfile_serialization=False)
    return file.getvalue()


class Trap:
    """Unpickled by plain pickle, it would write a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, (f"touch {self.path}",))  # pyright: ignore[reportDeprecated] - as attackers do


@pytest.mark.parametrize("layout", ["torch", "plain", "archive"])
def test_a_malicious_pickle_does_not_run_and_is_named(
    layout: str, installer: Installer, mirror: Mirror, tmp_path: Path
) -> None:
    sprung = tmp_path / "sprung"
    content = pickled({"params": Trap(sprung)})
    if layout == "plain":
        content = pickle.dumps({"params": Trap(sprung)}, protocol=2)
    elif layout == "archive":
        content = zipped({"net.pth": content})
    mirror.at("/small", Response(body=content))
    file = small_file(DirectUrl(f"{mirror.url}/small"))
    with pytest.raises(WrongFile, match=r"`posix\.system`, which no weights need"):
        installer.pull(file, HASTY, untold)
    assert not sprung.exists()
    assert not store.installed(file.id, installer.models_dir)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pickled({"params": hollow("hi-diff-realblur-net_le")}), "is missing"),
        (pickled({"params": {**hollow(SMALL), "more": torch.ones(1)}}), "more is unknown"),
        (pickled({"params": {key: v[..., None] for key, v in hollow(SMALL).items()}}), "not"),
        (b"<html>Quota exceeded</html>", "damaged"),
        (b"", "damaged"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (zipped({"../../evil.pth": pickled(hollow(SMALL))}), "reaches outside"),
        (zipped({"net.pth": b"\0" * 20_000_000}), "damaged"),
        (checkpoint()[:-100], "damaged"),
        ((1000).to_bytes(8, "little") + b'{"a":', "damaged"),
    ],
    ids=["other", "extra", "shapes", "page", "empty", "rar", "outside", "zeros", "cut", "header"],
)
def test_nothing_wrong_is_installed(
    content: bytes, words: str, installer: Installer, mirror: Mirror, tmp_path: Path
) -> None:
    mirror.at("/small", Response(body=content))
    file = small_file(DirectUrl(f"{mirror.url}/small"))
    with pytest.raises(WrongFile, match=words):
        installer.pull(file, HASTY, untold)
    assert not store.installed(file.id, installer.models_dir)
    assert installer.records.get(file.id).sha256 is None
    assert not list(tmp_path.rglob("evil.pth"))
    assert [p.name for p in (installer.models_dir / "downloads").iterdir()] == ["small.lock"]


def test_the_next_source_is_asked_where_one_has_another_file(
    installer: Installer, mirror: Mirror
) -> None:
    mirror.at("/wrong", Response(body=pickled(hollow("hi-diff-realblur-net_le"))))
    mirror.at("/right", Response(body=checkpoint()))
    file = small_file(DirectUrl(f"{mirror.url}/wrong"), DirectUrl(f"{mirror.url}/right"))
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file)


def test_later_downloads_are_held_to_the_first_until_it_is_forgotten(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    installer.pull(file, HASTY, untold)
    assert installer.remove(file)
    mirror.at("/small", Response(body=checkpoint(seed=1)))
    with pytest.raises(WrongFile, match="another SHA-256"):
        installer.pull(file, HASTY, untold)
    assert installer.remove(file, forget=True) is False
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file, seed=1)


def test_an_id_that_was_found_in_a_folder_is_remembered_once_it_is_proved(
    installer: Installer, mirror: Mirror
) -> None:
    listing = b'<a href="https://drive.google.com/file/d/found-in-it/view">small.pth</a>'
    html = {"Content-Type": "text/html"}
    sent = {"Content-Disposition": "attachment"}
    file = small_file(DriveFolder("folder-of-it", ("small.pth",)))
    mirror.at("/embeddedfolderview", Response(body=listing, headers=html))
    mirror.at("/download", Response(body=b"something else", headers=sent))
    with pytest.raises(WrongFile):
        installer.pull(file, HASTY, untold)
    assert installer.records.get(file.id).drive_id is None
    mirror.at("/download", Response(body=checkpoint(), headers=sent))
    installer.pull(file, HASTY, untold)
    assert installer.records.get(file.id).drive_id == "found-in-it"
    assert installer.records.get(file.id).source == DriveFile("found-in-it").page
    installer.remove(file)
    mirror.at("/embeddedfolderview", Response(status=404))
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file)


def test_offline_means_that_nobody_is_asked(
    tmp_path: Path, file: WeightFile, mirror: Mirror
) -> None:
    with pytest.raises(WeightsMissing, match="Pixelmend is offline"):
        Installer(tmp_path / "models", OFFLINE).pull(file, HASTY, untold)
    assert mirror.requests == []


def test_two_that_want_the_same_file_fetch_it_once(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    mirror.at("/small", Response(body=checkpoint(), bytes_per_s=1.5e6))
    reports: dict[int, list[int]] = {0: [], 1: []}

    def pull(number: int) -> None:
        installer.pull(file, HASTY, lambda done, total: reports[number].append(done))

    threads = [threading.Thread(target=pull, args=(number,)) for number in reports]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(mirror.requests) == 1
    assert_installed(installer, file)
    assert all(len(set(done)) > 2 for done in reports.values())  # both saw it grow


def test_no_room_for_the_weights(tmp_path: Path, file: WeightFile) -> None:
    installer = Installer(tmp_path / "models", Network(), free=lambda folder: 0)
    with pytest.raises(DiskFull, match="0 kB are free"):
        installer.pull(file, HASTY, untold)


def test_a_folder_that_may_not_be_written_to(tmp_path: Path, file: WeightFile) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DiskFull, match="can't be written to"):
        Installer(tmp_path / "file", Network()).pull(file, HASTY, untold)


def test_a_file_that_came_before_a_kill_keeps_its_proof(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    installer.pull(file, HASTY, untold)
    installer.remove(file)
    mirror.at(
        "/small", Response(body=checkpoint(), etag='"1"', cut_at=500_000), Response(status=404)
    )
    with pytest.raises(DownloadFailed):
        installer.pull(file, HASTY, untold)
    mirror.at("/small", Response(body=checkpoint(), etag='"1"'))
    installer.pull(file, HASTY, untold)
    assert installer.records.get(file.id).verification == "structure"  # though its hash was known


def test_damage_is_found(installer: Installer, file: WeightFile) -> None:
    installer.pull(file, HASTY, untold)
    place = store.path_of(file.id, installer.models_dir)
    sound = place.read_bytes()
    place.write_bytes(sound[:-1])
    assert "does not have the bytes" in (installer.verify(file) or "")
    place.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    assert "has changed since" in (installer.verify(file) or "")
    place.write_bytes(sound[:20])
    assert "header is cut off" in (installer.verify(file) or "")
    place.write_bytes(sound)
    assert installer.verify(file) is None


def test_what_users_put_there_themselves_stays(installer: Installer, file: WeightFile) -> None:
    folder = installer.models_dir / file.id
    folder.mkdir(parents=True)
    (folder / "mine.pth").write_bytes(b"mine")
    assert installer.remove(file) is False
    assert (folder / "mine.pth").read_bytes() == b"mine"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.mark.slow  # from the start of Python on, again and again
def test_killed_at_any_moment_and_started_again(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    body = checkpoint()
    mirror.at("/small", Response(body=body, etag='"1"', bytes_per_s=2e6))
    command = [sys.executable, str(PULL), str(installer.models_dir), file.sources[0].page]
    part = installer.models_dir / "downloads" / "small.part"
    place = store.path_of(file.id, installer.models_dir)
    chance = random.Random(6)
    for share in (0.2, 0.7, 1.0, 1.0):
        with subprocess.Popen(command) as process:
            # Timed by what has come, as computers are not equally fast.
            while _size(part) < share * len(body) and not place.exists():
                assert process.poll() is None
                time.sleep(0.005)
            if share == 1:
                time.sleep(
                    chance.uniform(0, 3)
                )  # while it is looked at, converted and put in place
            process.send_signal(signal.SIGKILL)
        if place.exists():
            assert installer.verify(file) is None
            installer.remove(file)
    subprocess.run(command, check=True, timeout=60)
    assert_installed(installer, file)
    assert sum(request.begins_at > 0 for request in mirror.requests) > 0


def test_what_a_killed_conversion_left_is_removed(installer: Installer, file: WeightFile) -> None:
    folder = store.path_of(file.id, installer.models_dir).parent
    folder.mkdir(parents=True)
    for name in (f".{file.id}.1.new", ".tmpYrmHgb"):  # our name for it, and safetensors'
        (folder / name).write_bytes(b"half")
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file)


def test_a_kill_between_download_and_conversion_costs_no_second_download(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    command = [sys.executable, str(PULL), str(installer.models_dir), file.sources[0].page]
    part = installer.models_dir / "downloads" / "small.part"
    with subprocess.Popen(command) as process:
        deadline = time.monotonic() + 120  # ends a hang
        while not part.exists() or part.stat().st_size < len(checkpoint()):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    installer.pull(file, HASTY, untold)
    assert_installed(installer, file)
    assert len(mirror.requests) == 1


def test_a_source_that_is_gone_leaves_what_has_come(
    installer: Installer, file: WeightFile, mirror: Mirror
) -> None:
    mirror.at(
        "/small", Response(body=checkpoint(), etag='"1"', cut_at=500_000), Response(status=404)
    )
    with pytest.raises(DownloadFailed):
        installer.pull(file, HASTY, untold)
    mirror.at("/small", Response(body=checkpoint(), etag='"1"'))
    installer.pull(file, HASTY, untold)
    assert mirror.requests[-1].begins_at == 500_000
    assert_installed(installer, file)


def test_who_waits_goes_on_where_the_first_gave_up(installer: Installer, file: WeightFile) -> None:
    waiting, stopped = threading.Event(), threading.Event()

    def cancel(done: int, total: int) -> None:
        waiting.wait(20)
        stopped.set()
        raise Canceled("Canceled", hint="")

    def first() -> None:
        with contextlib.suppress(Canceled):
            installer.pull(file, HASTY, cancel)

    def tell(done: int, total: int) -> None:
        waiting.set()

    other = threading.Thread(target=first)
    other.start()
    while not list((installer.models_dir / "downloads").glob("*.lock")):
        time.sleep(0.01)
    installer.pull(file, HASTY, tell)
    other.join()
    assert stopped.is_set()
    assert_installed(installer, file)
