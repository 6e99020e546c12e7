"""Hugging Face, GitHub and Google Drive are asked as each wants it, and understood."""

from pathlib import Path

import pytest
from fetching import BODY, HALF, HASH, OTHER, Fetch
from mirror import Mirror, Response

from pixelmend.errors import DownloadFailed, WrongFile
from pixelmend_engine.catalog.weight_files import (
    DirectUrl,
    DriveFile,
    DriveFolder,
    GitHubAsset,
    HubFile,
)
from pixelmend_engine.weights.download.download import KnownFile
from pixelmend_engine.weights.download.network_settings import Network
from pixelmend_engine.weights.download.partial_file import OVERLAP

# --- Hugging Face ---------------------------------------------------------------------------------

HUB = HubFile("lxq007/DiffBIR-v2", "main", "v2.pth")
AT_HUB = "/lxq007/DiffBIR-v2/resolve/main/v2.pth"


def linked(mirror: Mirror, sha256: str = HASH, host: str | None = None) -> Response:
    """The Hub's own answer for a large file: what it is, and where its content lies."""
    headers = {
        "X-Linked-ETag": f'"{sha256}"',
        "X-Linked-Size": str(len(BODY)),
        "Location": f"{host or mirror.other_url}/content",
    }
    return Response(status=302, headers=headers)


def test_the_hub_states_the_hash(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(AT_HUB, linked(mirror))
    mirror.at("/content", Response(body=BODY))
    assert fetch(HUB).hash_from_source
    mirror.at("/content", Response(body=OTHER))
    Path(mirror.authority.parent.parent / "small.part").unlink()
    with pytest.raises(WrongFile, match="another SHA-256"):
        fetch(HUB)


def test_a_source_that_states_another_hash_is_not_asked_for_the_file(
    fetch: Fetch, mirror: Mirror
) -> None:
    mirror.at(AT_HUB, linked(mirror, sha256="0" * 64))
    with pytest.raises(WrongFile, match="states another SHA-256"):
        fetch(HUB, known=KnownFile(sha256=HASH))
    assert mirror.gets("/content") == []


def test_the_token_goes_to_its_own_host_alone(fetch: Fetch, mirror: Mirror, tmp_path: Path) -> None:
    mirror.at(AT_HUB, linked(mirror))
    mirror.at("/content", Response(body=BODY))
    fetch(HUB, network=Network(hub=mirror.url, hub_token="secret"))
    for request in mirror.requests:
        expected = "Bearer secret" if request.host == "localhost" else None
        assert request.headers.get("Authorization") == expected
    assert {request.host for request in mirror.requests} == {"localhost", "127.0.0.1"}
    (tmp_path / "small.part").unlink()
    mirror.requests.clear()
    mirror.at("/small", Response(body=BODY))
    fetch(
        DirectUrl(f"{mirror.other_url}/small"), network=Network(hub=mirror.url, hub_token="secret")
    )
    assert all("Authorization" not in request.headers for request in mirror.requests)


def test_a_mirrors_login_goes_to_its_own_host_alone(
    fetch: Fetch, mirror: Mirror, tmp_path: Path
) -> None:
    elsewhere = {"Location": f"{mirror.other_url}/content"}
    mirror.at("/all/small", Response(status=302, headers=elsewhere))
    mirror.at("/content", Response(body=BODY))
    network = Network(mirror=f"{mirror.url}/all", mirror_login="Basic YTpi", hub_token="secret")
    fetch(HUB, network=network)
    sent = {request.host: request.headers.get("Authorization") for request in mirror.requests}
    assert sent == {"localhost": "Basic YTpi", "127.0.0.1": None}


@pytest.mark.parametrize(
    "proxy", ["http://ann:s@cret@127.0.0.1:9", "http://ann:s@cret@[", "ann:s@cret@127.0.0.1:9"]
)
def test_a_proxys_password_is_told_nobody(
    proxy: str, fetch: Fetch, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, value in (("HTTPS_PROXY", proxy), ("NO_PROXY", ""), ("no_proxy", "")):
        monkeypatch.setenv(name, value)
    with caplog.at_level("INFO"), pytest.raises(DownloadFailed) as raised:
        fetch(HUB)
    assert "cret" not in raised.value.message + raised.value.hint + caplog.text


def test_a_token_that_is_none_is_said_to_be_none(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(AT_HUB, linked(mirror))
    for token in ("hf_one\nhf_two", "hf_\u00fc"):
        with pytest.raises(DownloadFailed, match=r"token for localhost \(HF_TOKEN\) holds char"):
            fetch(HUB, network=Network(hub=mirror.url, hub_token=token))
    assert mirror.requests == []


def test_passwords_from_the_home_folder_are_not_sent(
    fetch: Fetch, mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login me password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    mirror.at("/small", Response(body=BODY))
    fetch()
    assert "Authorization" not in mirror.requests[0].headers


def test_a_mirror_of_the_hub_may_send_one_to_the_hub_for_good(fetch: Fetch, mirror: Mirror) -> None:
    away = Response(status=308, headers={"Location": f"{mirror.other_url}/hub{AT_HUB}"})
    mirror.at(AT_HUB, away)
    mirror.at(f"/hub{AT_HUB}", linked(mirror))
    mirror.at("/content", Response(body=BODY))
    assert fetch(HUB).hash_from_source


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("RepoNotFound", "repository is gone"),
        ("EntryNotFound", "file is gone"),
        ("GatedRepo", "their consent"),
    ],
)
def test_the_hub_says_what_is_wrong(code: str, words: str, fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(AT_HUB, Response(status=401, headers={"X-Error-Code": code}))
    with pytest.raises(DownloadFailed, match=words):
        fetch(HUB)


def test_a_signature_that_expires_is_asked_for_anew(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at(AT_HUB, linked(mirror))
    mirror.at("/content", Response(body=BODY, cut_at=HALF), Response(body=BODY))
    fetch(HUB)
    assert part.read_bytes() == BODY
    assert len(mirror.gets(AT_HUB)) == 2


# --- GitHub ---------------------------------------------------------------------------------------

ASSET = GitHubAsset("cszn/KAIR", "v1.0", "BSRNet.pth")
AT_GITHUB = "/cszn/KAIR/releases/download/v1.0/BSRNet.pth"
AT_API = "/repos/cszn/KAIR/releases/tags/v1.0"


@pytest.mark.parametrize(
    ("answer", "stated"),
    [
        (f'{{"assets": [{{"name": "BSRNet.pth", "digest": "sha256:{HASH}", "size": 1}}]}}', True),
        ('{"assets": [{"name": "BSRNet.pth", "digest": null, "size": 1}]}', False),
        (f'{{"assets": [{{"name": "BSRNet.pth", "digest": "sha256:{HASH}", "size": "1"}}]}}', True),
        ('{"assets": []}', False),
        ('{"assets": [5, null]}', False),
        ('{"assets": {}}', False),
        ("[]", False),
        ("no JSON", False),
        pytest.param("[" * 100_000, False, id="deep"),
    ],
)
def test_github_may_state_the_hash(answer: str, stated: bool, fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(AT_API, Response(body=answer.encode()))
    mirror.at(AT_GITHUB, Response(body=BODY))
    assert fetch(ASSET).hash_from_source is stated


def test_github_need_not_be_asked_where_the_hash_is_known(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(AT_GITHUB, Response(body=BODY))
    fetch(ASSET, facts={"sha256": HASH})
    assert mirror.gets(AT_API) == []


def test_a_github_that_answers_no_more_questions_gives_the_file(
    fetch: Fetch, mirror: Mirror
) -> None:
    mirror.at(AT_API, Response(status=403))
    mirror.at(AT_GITHUB, Response(body=BODY))
    assert not fetch(ASSET).hash_from_source


# --- Google Drive ---------------------------------------------------------------------------------

ID = "1cx0vCV5Z5fklnbqonZQad37vt4armEbT"
DRIVE = DriveFile(ID)
SENT = {"Content-Disposition": 'attachment; filename="small.pth"'}
HTML = {"Content-Type": "text/html; charset=utf-8"}
WARNING = b"""<html><head><title>Google Drive - Virus scan warning</title></head><body>
<form id="download-form" action="/confirmed" method="get"><input type="submit" value="Download">
<input type="hidden" name="id" value="%b"><input type="hidden" name="confirm" value="t">
<input type="hidden" name="uuid" value="a-b"></form></body></html>""" % ID.encode()
QUOTA = b"""<html><head><title>Google Drive - Quota exceeded</title></head>
<body>Too many users have viewed or downloaded this file recently.</body></html>"""


def test_drive_gives_a_file(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/download", Response(body=BODY, headers=SENT))
    fetch(DRIVE)
    assert part.read_bytes() == BODY
    assert mirror.requests[0].query == {"id": ID, "export": "download", "confirm": "t"}


def test_drives_virus_warning_is_confirmed(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/download", Response(body=WARNING, headers=HTML, ranges=False))
    mirror.at(
        "/confirmed",
        Response(body=BODY, headers=SENT, cut_at=HALF),
        Response(body=BODY, headers=SENT),
    )
    fetch(DRIVE)
    assert part.read_bytes() == BODY
    assert mirror.gets("/confirmed")[0].query == {"id": ID, "confirm": "t", "uuid": "a-b"}
    assert mirror.gets("/confirmed")[1].begins_at == HALF - OVERLAP


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (QUOTA, r"too many did today \(quota\)"),
        (b"<title>Sign in - Google Accounts</title>", "asks for a login"),
        (b"<title>Something new</title>", "`Something new`"),
        (b"", "no title"),
    ],
)
def test_drives_pages_are_named(
    page: bytes, words: str, fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/download", Response(body=page, headers=HTML))
    with pytest.raises(DownloadFailed, match=words):
        fetch(DRIVE)
    assert not part.exists()


def test_a_warning_that_leads_nowhere_is_a_page(fetch: Fetch, mirror: Mirror) -> None:
    page = WARNING.replace(b"/confirmed", b"https://[x")
    mirror.at("/download", Response(body=page, headers=HTML))
    with pytest.raises(DownloadFailed, match="a page instead"):
        fetch(DRIVE)


def test_what_drive_sends_without_a_name_is_no_file(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/download", Response(body=BODY))
    with pytest.raises(DownloadFailed, match="a page instead"):
        fetch(DRIVE)


def listing(*entries: tuple[str, str, str]) -> Response:
    """The page of a folder: kind, id and name of what is in it."""
    rows = "".join(
        f'<div class="flip-entry"><a href="https://drive.google.com/{kind}/{entry_id}'
        f'{"/view?usp=drive_web" if kind == "file/d" else ""}"><div class="icon">Icon</div>'
        f'<div class="flip-entry-title">{name}</div></a>'
        '<div class="flip-entry-last-modified">1/1/24</div></div>'
        for kind, entry_id, name in entries
    )
    return Response(body=f"<html><title>Folder</title>{rows}</html>".encode(), headers=HTML)


FOLDER = DriveFolder("1RQXRWMqVaAsyyQt8T-3KtpS68ef8dh90", ("DiffIRS2-celeba/models/last.ckpt",))
FILE, SUB = "file/d", "drive/folders"


def test_a_file_in_a_folder_is_found_by_its_path(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at(
        "/embeddedfolderview",
        listing((SUB, "folder-place", "DiffIRS2-place"), (SUB, "folder-celeba", "DiffIRS2-celeba")),
        listing((SUB, "models-place", "models"), (FILE, "a-config-file", "config.yaml")),
        listing((SUB, "models-celeba", "models")),
        listing((FILE, "file-of-place", "last.ckpt")),
        listing((FILE, "file-of-celeba", "last.ckpt")),
    )
    mirror.at("/download", Response(body=BODY, headers=SENT))
    fetched = fetch(FOLDER)
    assert fetched.source == DriveFile("file-of-celeba")
    assert mirror.gets("/download")[0].query["id"] == "file-of-celeba"
    listed = [request.query["id"] for request in mirror.gets("/embeddedfolderview")]
    assert listed == [FOLDER.id, "folder-place", "folder-celeba", "models-place", "models-celeba"]


def test_a_file_that_is_not_in_its_folder(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/embeddedfolderview", listing((FILE, "another-file", "README.txt")))
    with pytest.raises(DownloadFailed, match=r"no `DiffIRS2-celeba/models/last\.ckpt` in its"):
        fetch(FOLDER)


def test_a_folder_without_end_is_left(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/embeddedfolderview", listing((SUB, "the-same-again", "again")))
    with pytest.raises(DownloadFailed, match="in its Google Drive folder"):
        fetch(FOLDER)


def test_a_remembered_id_is_asked_before_the_folder_is_listed(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/download", Response(body=BODY, headers=SENT))
    fetch(FOLDER, known=KnownFile(drive_id="remembered-id"))
    assert mirror.gets("/download")[0].query["id"] == "remembered-id"
    assert mirror.gets("/embeddedfolderview") == []
