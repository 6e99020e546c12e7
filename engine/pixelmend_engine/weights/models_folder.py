"""The folder of models, which several users may share: what comes into it takes its permissions.

Who shares it makes it first, with the permissions and the group that all in it is to have. Where we
make it, it is for those who may read the folder around it, and what was missing around it is the
user's alone.
"""

import contextlib
import os
from pathlib import Path

PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
READERS_OF_FOLDER = 0o055  # what a new folder of models takes of the one around it
FOLDER_BITS = 0o3777  # also that new files take the group, and that only owners may delete
FILE_BITS = 0o064  # the group may write where it may write to the folder; the world never
LOCK_BITS = 0o066  # a lock is opened to be written to, and nothing is written


def make(models_dir: Path) -> None:
    """Makes it, where it is missing.

    Raises:
        OSError: It can't be made.
    """
    if models_dir.is_dir():
        return
    for folder in reversed(models_dir.parents):
        if not folder.is_dir():
            folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    models_dir.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    _set_mode(models_dir, PRIVATE_FOLDER | _mode(models_dir.parent) & READERS_OF_FOLDER)


def make_inside(models_dir: Path, *names: str) -> Path:
    """Makes a folder in it, or folders in each other, and it; returns the last.

    Raises:
        OSError: It can't be made.
    """
    make(models_dir)
    folder = models_dir
    for name in names:
        folder /= name
        if folder.is_dir():
            continue
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
        _take_group(folder, models_dir)
        _set_mode(folder, PRIVATE_FOLDER | _mode(models_dir) & FOLDER_BITS)
    return folder


def share(file: Path, models_dir: Path) -> None:
    """Gives a new file in it to all who may read the folder.

    Raises:
        OSError: It is not there.
    """
    _take_group(file, models_dir)
    _set_mode(file, PRIVATE_FILE | _mode(models_dir) & FILE_BITS)


def lock_mode(models_dir: Path) -> int:
    """Returns the permissions of locks in it: who may write to the folder may take them."""
    return PRIVATE_FILE | _mode(models_dir) & LOCK_BITS


def _mode(folder: Path) -> int:
    return folder.stat().st_mode


def _take_group(path: Path, models_dir: Path) -> None:
    group = models_dir.stat().st_gid
    if hasattr(os, "chown") and path.stat().st_gid != group:
        with contextlib.suppress(PermissionError):  # of a group that we are not in
            os.chown(path, -1, group)


def _set_mode(path: Path, mode: int) -> None:
    if os.name != "nt" and path.stat().st_mode & 0o7777 != mode:
        with contextlib.suppress(PermissionError):  # it is another user's, who shares it
            path.chmod(mode)
