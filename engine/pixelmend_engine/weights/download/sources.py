"""How each kind of source is asked: what it states about a file beforehand, and the file itself."""

import contextlib
import json
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import cast
from urllib.parse import quote, urlencode

from pixelmend_engine.catalog.weight_files import (
    SHA256,
    DirectUrl,
    DownloadSource,
    DriveFile,
    DriveFolder,
    GitHubAsset,
    HubFile,
)
from pixelmend_engine.weights.download import google_drive
from pixelmend_engine.weights.download.https import (
    HttpResponse,
    HttpSession,
    SourceUnavailable,
    host,
)
from pixelmend_engine.weights.download.network_settings import Network

MAX_FOLDERS = 40  # that are looked into for one file
SIZE = re.compile(r"[0-9]{1,18}")  # more digits count no bytes of a file
CONTENT_HASH = "X-Linked-ETag"  # of a large file on the Hub: its SHA-256


@dataclass(frozen=True)
class RemoteMetadata:
    """What a source says of a file before it gives it."""

    sha256: str | None = None
    size_bytes: int | None = None


def remote_metadata(
    session: HttpSession, network: Network, source: DownloadSource
) -> RemoteMetadata:
    """Asks for hash and size.

    Raises:
        SourceUnavailable: The source does not have the file, or does not answer.
    """
    match source:
        case HubFile():
            return _hub_metadata(session, request_url(network, source))
        case GitHubAsset():
            # The file may be had where nothing can be asked: few questions an hour are allowed.
            with contextlib.suppress(SourceUnavailable):
                return _github_metadata(session, network, source)
        case _:
            pass
    return RemoteMetadata()


def _hub_metadata(session: HttpSession, url: str) -> RemoteMetadata:
    # The answer that redirects to where the content lies says what it is; behind it, nobody does.
    with session.request(url, method="HEAD", stop_at=CONTENT_HASH) as response:
        text = response.headers.get(CONTENT_HASH, "").removeprefix("W/").strip('"').lower()
        size = response.headers.get("X-Linked-Size", "")
    return RemoteMetadata(
        sha256=text if SHA256.fullmatch(text) else None,
        size_bytes=int(size) if SIZE.fullmatch(size) else None,
    )


def _github_metadata(session: HttpSession, network: Network, source: GitHubAsset) -> RemoteMetadata:
    url = f"{network.github_api}/repos/{source.repo}/releases/tags/{quote(source.tag)}"
    with session.request(url, headers={"Accept": "application/vnd.github+json"}) as response:
        text = response.text()
    try:
        release: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SourceUnavailable(f"{host(url)} answers with nonsense", "permanent") from error
    assets = _fields(release).get("assets")
    for asset in cast("list[object]", assets) if isinstance(assets, list) else []:
        facts = _fields(asset)
        if facts.get("name") == source.name:
            return _github_facts(facts)
    raise SourceUnavailable(f"{host(url)} does not know the file", "permanent")


def _fields(entry: object) -> Mapping[str, object]:
    return cast("dict[str, object]", entry) if isinstance(entry, dict) else {}


def _github_facts(asset: Mapping[str, object]) -> RemoteMetadata:
    digest, size = str(asset.get("digest")).removeprefix("sha256:"), asset.get("size")
    return RemoteMetadata(
        sha256=digest if SHA256.fullmatch(digest) else None,
        size_bytes=size if type(size) is int and size > 0 else None,
    )


def find_in_folder(
    session: HttpSession, network: Network, folder: DriveFolder
) -> Generator[DriveFile | None]:
    """Looks for a file in a shared folder and the folders in it; the last it yields is the file.

    None tells that a page was read, and there are more.

    Raises:
        SourceUnavailable: It is not there.
    """
    level = [("", folder.id)]
    read = 0
    while level:
        below: list[tuple[str, str]] = []
        for prefix, folder_id in level:
            if read == MAX_FOLDERS:
                break
            read += 1
            for entry in _list_folder(session, network, folder_id):
                path = f"{prefix}/{entry.name}"
                if entry.is_folder:
                    below.append((path, entry.id))
                elif any(path.endswith(f"/{ending}") for ending in folder.paths):
                    yield DriveFile(entry.id)
                    return
            yield None
        level = below
    raise SourceUnavailable(
        f"there is no `{folder.paths[0]}` in its Google Drive folder", "permanent"
    )


def _list_folder(
    session: HttpSession, network: Network, folder_id: str
) -> list[google_drive.Entry]:
    with session.request(f"{network.drive_folders}/embeddedfolderview?id={folder_id}") as response:
        return google_drive.entries(response.text())


@contextlib.contextmanager
def open_file(
    session: HttpSession, network: Network, source: DownloadSource, headers: Mapping[str, str]
) -> Generator[HttpResponse]:
    """Asks for the file, and yields the response that has it as its body.

    Raises:
        SourceUnavailable: The source does not give it, or gives something else.
    """
    url: str | None = request_url(network, source)
    for _ in range(2):
        with session.request(url, headers=headers) as response:
            if not _is_file(source, response):
                text = response.text()
                url = (
                    google_drive.confirmed_url(text, response.url)
                    if isinstance(source, DriveFile)
                    else None
                )
                if url is not None:
                    continue
                raise SourceUnavailable(_why_no_file(source, response, text), "permanent")
            coding = response.headers.get("Content-Encoding", "identity")
            if coding != "identity":
                raise SourceUnavailable(
                    f"{host(response.url)} sends the file as {coding}", "permanent"
                )
            yield response
            return
    raise SourceUnavailable("Google Drive warns without end that the file is large", "permanent")


def request_url(network: Network, source: DownloadSource) -> str:
    """Returns where a program asks for the file."""
    match source:
        case DriveFile(file_id):
            query = urlencode({"id": file_id, "export": "download", "confirm": "t"})
            return f"{network.drive}/download?{query}"
        case HubFile(repo, revision, path):
            return f"{network.hub}/{repo}/resolve/{revision}/{quote(path)}"
        case GitHubAsset(repo, tag, name):
            return f"{network.github}/{repo}/releases/download/{tag}/{quote(name)}"
        case DirectUrl(page):
            return page
        case DriveFolder():
            raise AssertionError("a folder is looked into first")


def _is_file(source: DownloadSource, response: HttpResponse) -> bool:
    if response.status == 416:
        return True
    if isinstance(source, DriveFile) and "Content-Disposition" not in response.headers:
        return False  # what Drive sends without a name is a page, whatever its type says
    return not response.is_page


def _why_no_file(source: DownloadSource, response: HttpResponse, text: str) -> str:
    if isinstance(source, DriveFile):
        return google_drive.why_no_file(text)
    return f"{host(response.url)} sends a page instead of the file"
