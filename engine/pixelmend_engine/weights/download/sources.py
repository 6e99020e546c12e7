"""How each kind of source is asked: what it states about a file beforehand, and the file itself."""

import contextlib
import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from pixelmend_engine.catalog.weight_files import (
    SHA256,
    DriveFile,
    DriveFolder,
    GitHubAsset,
    HubFile,
    Plain,
    Source,
)
from pixelmend_engine.weights.download import google_drive
from pixelmend_engine.weights.download.https import Answer, Refusal, Web, host
from pixelmend_engine.weights.download.network_settings import Network

MAX_FOLDERS = 40  # that are looked into for one file
CONTENT_HASH = "X-Linked-ETag"  # of a large file on the Hub: its SHA-256


@dataclass(frozen=True)
class Stated:
    """What a source says of a file before it gives it."""

    sha256: str | None = None
    size_bytes: int | None = None


def stated(web: Web, network: Network, source: Source) -> Stated:
    """Asks for hash and size.

    Raises:
        Refusal: The source does not have the file, or does not answer.
    """
    match source:
        case HubFile():
            return _stated_by_hub(web, address(network, source))
        case GitHubAsset():
            # The file may be had where nothing can be asked: few questions an hour are allowed.
            with contextlib.suppress(Refusal):
                return _stated_by_github(web, network, source)
        case _:
            pass
    return Stated()


def _stated_by_hub(web: Web, url: str) -> Stated:
    # The answer that redirects to where the content lies says what it is; behind it, nobody does.
    with web.ask(url, method="HEAD", until=CONTENT_HASH) as answer:
        text = answer.headers.get(CONTENT_HASH, "").removeprefix("W/").strip('"').lower()
        size = answer.headers.get("X-Linked-Size", "")
    return Stated(
        sha256=text if SHA256.fullmatch(text) else None,
        size_bytes=int(size) if size.isdecimal() else None,
    )


def _stated_by_github(web: Web, network: Network, source: GitHubAsset) -> Stated:
    url = f"{network.github_api}/repos/{source.repo}/releases/tags/{quote(source.tag)}"
    with web.ask(url, headers={"Accept": "application/vnd.github+json"}) as answer:
        try:
            release: Any = json.loads(answer.text())
            asset: Any = next(a for a in release["assets"] if a["name"] == source.name)
            digest, size = str(asset.get("digest")), asset.get("size")
        except (ValueError, LookupError, TypeError, AttributeError, StopIteration) as error:
            raise Refusal(f"{host(url)} does not know the file", "refused") from error
    text = digest.removeprefix("sha256:")
    return Stated(
        sha256=text if SHA256.fullmatch(text) else None,
        size_bytes=size if isinstance(size, int) else None,
    )


def found(web: Web, network: Network, folder: DriveFolder) -> Generator[DriveFile | None]:
    """Looks for a file in a shared folder and the folders in it; the last it yields is the file.

    None tells that a page was read, and there are more.

    Raises:
        Refusal: It is not there.
    """
    level = [("", folder.id)]
    read = 0
    while level:
        below: list[tuple[str, str]] = []
        for prefix, folder_id in level:
            if read == MAX_FOLDERS:
                break
            read += 1
            for entry in _listed(web, network, folder_id):
                path = f"{prefix}/{entry.name}"
                if entry.is_folder:
                    below.append((path, entry.id))
                elif any(path.endswith(f"/{wanted}") for wanted in folder.paths):
                    yield DriveFile(entry.id)
                    return
            yield None
        level = below
    raise Refusal(f"there is no `{folder.paths[0]}` in its Google Drive folder", "refused")


def _listed(web: Web, network: Network, folder_id: str) -> list[google_drive.Entry]:
    with web.ask(f"{network.drive_folders}/embeddedfolderview?id={folder_id}") as answer:
        return google_drive.entries(answer.text())


@contextlib.contextmanager
def opened(
    web: Web, network: Network, source: Source, headers: Mapping[str, str]
) -> Generator[Answer]:
    """Asks for the file, and yields the answer that has it as its body.

    Raises:
        Refusal: The source does not give it, or gives something else.
    """
    url: str | None = address(network, source)
    for _ in range(2):
        with web.ask(url, headers=headers) as answer:
            if not _is_file(source, answer):
                text = answer.text()
                url = (
                    google_drive.confirmed(text, answer.url)
                    if isinstance(source, DriveFile)
                    else None
                )
                if url is not None:
                    continue
                raise Refusal(_what_came(source, answer, text), "refused")
            coding = answer.headers.get("Content-Encoding", "identity")
            if coding != "identity":
                raise Refusal(f"{host(answer.url)} sends the file as {coding}", "refused")
            yield answer
            return
    raise Refusal("Google Drive warns without end that the file is large", "refused")


def address(network: Network, source: Source) -> str:
    """Returns where a program asks for the file."""
    match source:
        case DriveFile(file_id):
            asked = urlencode({"id": file_id, "export": "download", "confirm": "t"})
            return f"{network.drive}/download?{asked}"
        case HubFile(repo, revision, path):
            return f"{network.hub}/{repo}/resolve/{revision}/{quote(path)}"
        case GitHubAsset(repo, tag, name):
            return f"{network.github}/{repo}/releases/download/{tag}/{quote(name)}"
        case Plain(page):
            return page
        case DriveFolder():
            raise AssertionError("a folder is looked into first")


def _is_file(source: Source, answer: Answer) -> bool:
    if answer.status == 416:
        return True
    if isinstance(source, DriveFile) and "Content-Disposition" not in answer.headers:
        return False  # what Drive sends without a name is a page, whatever its type says
    return not answer.is_page


def _what_came(source: Source, answer: Answer, text: str) -> str:
    if isinstance(source, DriveFile):
        return google_drive.refusal(text)
    return f"{host(answer.url)} sends a page instead of the file"
