"""Every published weight file: what identifies it, where it is, what must be in it.

The facts stand in `files.json`, names and shapes of tensors in `manifests/`. Also files of models
are here whose networks Pixelmend does not have yet; the registry says what can run.
"""

import difflib
import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any, Literal

from pixelmend.errors import UnknownModel
from pixelmend_engine.catalog.spec import ModelSpec, Task

Container = Literal["checkpoint", "lightning", "archive", "safetensors"]
Verification = Literal["pinned_hash", "source_hash", "structure"]
Shapes = Mapping[str, tuple[int, ...]]

PROOF_WORDS: Mapping[Verification, str] = {  # in records, in bundles, and to users
    "pinned_hash": "pinned",
    "source_hash": "stated",
    "structure": "structure",
}

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class DriveFile:
    """A file on Google Drive, by its id."""

    id: str

    @property
    def page(self) -> str:
        """Where a person finds it."""
        return f"https://drive.google.com/file/d/{self.id}/view"


@dataclass(frozen=True)
class DriveFolder:
    """A file in a shared folder on Google Drive, whose id is not known before it is listed."""

    id: str
    paths: tuple[str, ...]  # names it may have, with the folders that tell it from others

    @property
    def page(self) -> str:
        """Where a person finds it."""
        return f"https://drive.google.com/drive/folders/{self.id}"


@dataclass(frozen=True)
class HubFile:
    """A file on the Hugging Face Hub, which states the hash of what it has."""

    repo: str
    revision: str
    path: str

    @property
    def page(self) -> str:
        """Where a person finds it."""
        return f"https://huggingface.co/{self.repo}/resolve/{self.revision}/{self.path}"


@dataclass(frozen=True)
class GitHubAsset:
    """A file of a GitHub release, whose hash GitHub states if it is from 2025 or later."""

    repo: str
    tag: str
    name: str

    @property
    def page(self) -> str:
        """Where a person finds it."""
        return f"https://github.com/{self.repo}/releases/download/{self.tag}/{self.name}"


@dataclass(frozen=True)
class DirectUrl:
    """A file at an address that needs no further knowledge."""

    page: str


DownloadSource = DriveFile | DriveFolder | HubFile | GitHubAsset | DirectUrl


@dataclass(frozen=True, kw_only=True)
class WeightFile:
    """One published file."""

    id: str
    name: str  # as published, with the folders that tell it from others
    container: Container
    sources: tuple[DownloadSource, ...]  # tried in order
    size_bytes: int | None = None  # None: nobody states it
    about_bytes: int  # of its tensors, by the architecture
    sha256: str | None = None  # None: nobody states it beforehand
    parts: Mapping[str, str]  # network (or "", where there is one) to the name of its manifest
    instead_of: tuple[str, ...] = ()  # other files, which are not needed where this one is
    drops_extras: bool = False  # whether there are tensors in it that no network needs
    license: str
    license_url: str
    models: tuple[str, ...]  # that need it; none: it is for training, or another file serves
    tasks: tuple[Task, ...] = ()  # for which they need it; none: for all of theirs

    @property
    def verification(self) -> Verification:
        """How it is known that a download is the published file.

        `pinned_hash`: its SHA-256 is in the catalog. `source_hash`: its source names the SHA-256.
        `structure`: every name and shape is right, and later downloads are like the first.
        """
        if self.sha256 is not None:
            return "pinned_hash"
        has_hash = any(isinstance(source, HubFile | GitHubAsset) for source in self.sources)
        return "source_hash" if has_hash else "structure"

    @property
    def size(self) -> str:
        """How much there is to download, in words."""
        return megabytes(self.size_bytes) if self.size_bytes else f"~{megabytes(self.about_bytes)}"


class Catalog:
    """Files by id, in the order of the data."""

    def __init__(self, files: tuple[WeightFile, ...]) -> None:
        self.files = files
        self._by_id = {file.id: file for file in files}

    def __getitem__(self, file_id: str) -> WeightFile:
        return self._by_id[file_id]

    def find(self, file_id: str) -> WeightFile:
        """Returns the file of that id.

        Raises:
            UnknownModel: There is none; the hint names the nearest.
        """
        if file_id in self._by_id:
            return self._by_id[file_id]
        near = difflib.get_close_matches(file_id.lower(), self._by_id, n=1, cutoff=0.4)
        guess = f"Did you mean `{near[0]}`? " if near else ""
        raise UnknownModel(
            f"There is no model or weight file `{file_id}`",
            hint=f"{guess}`pixelmend models list --files` shows them all",
        )

    def of_model(self, model_id: str, task: Task | None = None) -> tuple[WeightFile, ...]:
        """Returns the files that a model needs, for one task or for all, in the data's order."""
        return tuple(
            file
            for file in self.files
            if model_id in file.models and (task is None or not file.tasks or task in file.tasks)
        )


@functools.cache
def catalog() -> Catalog:
    """Reads the catalog that is in the package."""
    text = (resources.files("pixelmend_engine.catalog") / "files.json").read_text(encoding="utf-8")
    return Catalog(tuple(_file(entry) for entry in json.loads(text)["files"]))


@functools.cache
def manifest(name: str) -> Shapes:
    """Reads the names and shapes of one network's published tensors."""
    folder = resources.files("pixelmend_engine.catalog") / "manifests"
    shapes = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return {key: tuple(shape) for key, shape in shapes.items()}


def megabytes(size_bytes: int) -> str:
    """Writes a size as people read it."""
    if size_bytes >= 1e9:
        return f"{size_bytes / 1e9:.1f} GB"
    return f"{size_bytes / 1e6:.0f} MB" if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _file(entry: dict[str, Any]) -> WeightFile:
    sources = tuple(_source(source) for source in entry.pop("sources"))
    lists = {name: tuple(entry.pop(name, ())) for name in ("models", "tasks", "instead_of")}
    return WeightFile(sources=sources, **lists, **entry)


def _source(source: dict[str, Any]) -> DownloadSource:
    match source:
        case {"drive": file_id}:
            return DriveFile(file_id)
        case {"drive_folder": folder_id, "paths": paths}:
            return DriveFolder(folder_id, tuple(paths))
        case {"hub": repo, "revision": revision, "path": path}:
            return HubFile(repo, revision, path)
        case {"github": repo, "tag": tag, "name": name}:
            return GitHubAsset(repo, tag, name)
        case {"url": address}:
            return DirectUrl(address)
        case _:
            raise AssertionError(source)


def needed(spec: ModelSpec, task: Task | None = None) -> tuple[WeightFile, ...]:
    """Returns the files that a model needs and that do not ship with the program.

    Here and below: for one task, or without one for all of the model's.
    """
    return catalog().of_model(spec.id, task)


def size_bytes(spec: ModelSpec, task: Task | None = None) -> int | None:
    """Returns how much there is to download, or ships with the program; None: nobody says so."""
    if spec.bundled:
        return spec.bundled.size_bytes
    sizes = [file.size_bytes for file in needed(spec, task)]
    return None if None in sizes else sum(size for size in sizes if size is not None)


def about_bytes(spec: ModelSpec, task: Task | None = None) -> int:
    """Returns about how much there is to download, where nobody says it exactly."""
    if spec.bundled:
        return spec.bundled.size_bytes
    return download_bytes(needed(spec, task))


def download_bytes(files: Iterable[WeightFile]) -> int:
    """Returns about how much there is to download of some files."""
    return sum(file.size_bytes or file.about_bytes for file in files)
