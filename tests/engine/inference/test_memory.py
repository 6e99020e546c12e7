"""What the system grants: recorded files of control groups, and a group and limits of our own."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from pixelmend_engine import doctor
from pixelmend_engine.inference import devices, memory

MB = 1_000_000
EXAMPLES = Path(__file__).parents[3] / "examples"
linux = pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")

MOUNT_V2 = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate"
MOUNT_V1 = "35 31 0:32 {top} /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory"
MOUNTS_V1 = "32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n" + MOUNT_V1
GROUPS_V1 = "5:cpu,cpuacct:/\n4:name=systemd:/\n3:memory:{path}\n0::/"
UNLIMITED = "9223372036854771712"


def record(root: Path, groups: str, mounts: str, files: dict[str, str]) -> None:
    """Lays a system's files out as they were recorded."""
    files = {"proc/self/cgroup": groups, "proc/self/mountinfo": mounts, **files}
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n" if text else "", encoding="utf-8")


def v2(folder: str, limit: str, usage: int, cache: int = 0, high: str = "max") -> dict[str, str]:
    """A group of version 2; sizes in megabytes."""
    base = f"sys/fs/cgroup/{folder}"
    return {
        f"{base}/memory.max": limit if limit == "max" else f"{limit}000000",
        f"{base}/memory.high": high if high == "max" else f"{high}000000",
        f"{base}/memory.current": f"{usage}000000",
        f"{base}/memory.stat": f"anon 7\nactive_file 3\ninactive_file {cache}000000",
    }


def v1(
    folder: str, limit: str, usage: int, cache: int = 0, use_hierarchy: int = 1
) -> dict[str, str]:
    """A group of version 1; sizes in megabytes."""
    base = f"sys/fs/cgroup/memory/{folder}"
    return {
        f"{base}/memory.limit_in_bytes": limit if limit == UNLIMITED else f"{limit}000000",
        f"{base}/memory.usage_in_bytes": f"{usage}000000",
        f"{base}/memory.use_hierarchy": str(use_hierarchy),
        f"{base}/memory.stat": f"inactive_file 1\ntotal_inactive_file {cache}000000",
    }


SLICE = "user.slice/user-1000.slice/app.scope"
TREES = {
    "v2, a container that sees its own group as the topmost": (
        "0::/",
        MOUNT_V2,
        v2("", "30", 29, cache=9),
        (30, 10),
    ),
    "v2, a slice above the group grants less": (
        f"0::/{SLICE}",
        MOUNT_V2,
        {
            **v2(SLICE, "80", 20),
            **v2("user.slice/user-1000.slice", "60", 55, cache=5),
            **v2("user.slice", "max", 400),
        },
        (60, 10),
    ),
    "v2, the group has less left than the slice that grants least": (
        f"0::/{SLICE}",
        MOUNT_V2,
        {**v2(SLICE, "70", 68), **v2("user.slice", "60", 20)},
        (60, 2),
    ),
    "v2, where it is slowed down before it is killed": (
        "0::/app",
        MOUNT_V2,
        v2("app", "60", 10, high="40"),
        (40, 30),
    ),
    "v2, more than it grants is taken": ("0::/app", MOUNT_V2, v2("app", "60", 61), (60, 0)),
    "v1, the process's own group": (
        GROUPS_V1.format(path="/app"),
        MOUNTS_V1.format(top="/"),
        {**v1("app", "50", 30, cache=10), **v1("", UNLIMITED, 900)},
        (50, 30),
    ),
    "v1, nested": (
        GROUPS_V1.format(path="/docker/one"),
        MOUNTS_V1.format(top="/"),
        {**v1("docker/one", UNLIMITED, 30), **v1("docker", "45", 40), **v1("", UNLIMITED, 900)},
        (45, 5),
    ),
    "v1, a parent that counts for itself alone": (
        GROUPS_V1.format(path="/docker/one"),
        MOUNTS_V1.format(top="/"),
        {**v1("docker/one", "45", 40), **v1("docker", "9", 1, use_hierarchy=0)},
        (45, 5),
    ),
    "v1, a container whose group is mounted as the topmost": (
        GROUPS_V1.format(path="/docker/one"),
        MOUNTS_V1.format(top="/docker/one"),
        v1("", "45", 40),
        (45, 5),
    ),
    "v1 and v2 together, version 2 without memory": (
        GROUPS_V1.format(path="/app"),
        MOUNTS_V1.format(top="/") + "\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
        v1("app", "50", 30),
        (50, 20),
    ),
    "a group outside of what is mounted here": (
        "0::/../other",
        MOUNT_V2,
        v2("", "30", 10),
        (30, 20),
    ),
}


@pytest.mark.parametrize("name", TREES)
def test_the_least_that_a_group_or_its_parents_grant_counts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, mounts, files, (total, free) = TREES[name]
    record(tmp_path, groups, mounts, files)
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    granted = memory.granted()
    assert (granted.total_bytes, granted.free_bytes) == (total * MB, free * MB)
    assert "control group" in granted.grantor
    assert devices.free_bytes(devices.choose_device("cpu")) == free * MB


@pytest.mark.parametrize(
    ("groups", "mounts", "files"),
    [
        ("0::/app", MOUNT_V2, v2("app", "max", 10)),
        (GROUPS_V1.format(path="/"), MOUNTS_V1.format(top="/"), v1("", UNLIMITED, 10)),
        ("0::/app", MOUNT_V2, {}),
        ("", "", {}),
    ],
    ids=["v2 without a limit", "v1 without a limit", "files that are missing", "no groups"],
)
def test_where_nothing_is_limited_the_computer_counts(
    groups: str,
    mounts: str,
    files: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record(tmp_path, groups, mounts, files)
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    granted = memory.granted()
    assert (granted.total_bytes, granted.grantor) == (
        psutil.virtual_memory().total,
        "this computer",
    )


def test_doctor_says_who_grants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(tmp_path, "0::/app", MOUNT_V2, v2("app", "3000", 1000))
    monkeypatch.setattr(memory, "ROOT", tmp_path)
    (actual,) = [finding for finding in doctor.examine(tmp_path) if finding.name == "memory"]
    group = tmp_path / "sys/fs/cgroup/app"
    assert actual.value == f"2.0 GB free of 3.0 GB that the control group `{group}` grants"


ASK = "from pixelmend_engine.inference import memory; print(memory.granted())"


@linux
@pytest.mark.parametrize("option", ["-v", "-d"])
def test_a_limit_of_the_process_counts(option: str) -> None:
    script = f'ulimit {option} 2000000 && exec "$0" -c "$1"'
    output = subprocess.run(
        ["bash", "-c", script, sys.executable, ASK], capture_output=True, text=True, check=True
    ).stdout
    assert "total_bytes=2048000000," in output
    assert f"`ulimit {option}`" in output
    free = int(output.split("free_bytes=")[1].split(",")[0])
    assert 0 < free < 2_048_000_000


@pytest.fixture
def small_group() -> Iterator[Path]:
    """A real control group of 1.2 GB."""
    for folder, limit in (
        (Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"),
        (Path("/sys/fs/cgroup"), "memory.max"),
    ):
        group = folder / f"pixelmend-test-{os.getpid()}"
        if not (folder / "cgroup.procs").exists():
            continue
        with contextlib.suppress(OSError):
            group.mkdir()
        with contextlib.suppress(OSError):
            (group / limit).write_text("1200000000")
            yield group
            group.rmdir()
            return
        with contextlib.suppress(OSError):
            group.rmdir()
    pytest.skip("no control group can be made here")


def in_group(group: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Runs a command in a control group."""
    script = 'echo $$ > "$0/cgroup.procs" && exec "$@"'
    return subprocess.run(
        ["bash", "-c", script, str(group), *command], capture_output=True, text=True, check=False
    )


@linux
def test_a_real_group_is_seen(small_group: Path) -> None:
    output = in_group(small_group, sys.executable, "-c", ASK)
    assert str(small_group) in output.stdout, output.stderr
    assert "total_bytes=1199996928," in output.stdout  # whole pages


@linux
@pytest.mark.slow
def test_a_picture_that_would_be_killed_whole_ends_with_a_result(
    small_group: Path, tmp_path: Path
) -> None:
    with Image.open(EXAMPLES / "astronaut_shaken.png") as photo:
        photo.convert("RGB").resize((1600, 1200)).save(tmp_path / "large.png")
    command = [sys.executable, "-m", "pixelmend", "deblur", str(tmp_path / "large.png")]
    result = in_group(small_group, *command, "-n", "hi-diff-compact", "--in-process")
    assert result.returncode == 0, result.stderr
    with Image.open(tmp_path / "large_deblurred.png") as restored:
        assert restored.size == (1600, 1200)
