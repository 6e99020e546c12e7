"""Sources fail in every way; nothing wrong is ever taken, and nothing right is lost."""

import contextlib
import dataclasses
import time
from pathlib import Path

import pytest
from fetching import BODY, HALF, HASH, HASTY, OTHER, Fetch
from mirror import Mirror, Response

from pixelmend.errors import (
    Canceled,
    DiskFull,
    DownloadFailed,
    UnreadableCheckpoint,
    WrongFile,
)
from pixelmend_engine.catalog.weight_files import DirectUrl, DriveFile
from pixelmend_engine.weights.download.download import KnownFile
from pixelmend_engine.weights.download.network_settings import Network, RetryPolicy
from pixelmend_engine.weights.download.partial_file import OVERLAP, PartialFile


def nearly_full(folder: Path) -> int:
    """Says how much room there is."""
    return 5_000_000


def test_a_file_comes_whole_with_its_hash(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY))
    reports: list[tuple[int, int]] = []

    def report(done: int, total: int) -> None:
        reports.append((done, total))

    fetched = fetch(report=report)
    assert part.read_bytes() == BODY
    assert (fetched.sha256, fetched.size_bytes) == (HASH, len(BODY))
    assert reports[-1] == (len(BODY), len(BODY))
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)


def test_a_slow_source_is_waited_for(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY, bytes_per_s=2e6))
    fetch()
    assert part.read_bytes() == BODY


def test_a_length_that_nobody_says_is_no_fault(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY, chunked=True))
    assert fetch().size_bytes == len(BODY)
    assert PartialFile(part).complete


@pytest.mark.parametrize("etag", ['"one"', None])
def test_goes_on_where_it_was_cut(
    etag: str | None, fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    whole = Response(body=BODY, etag=etag)
    mirror.at("/small", dataclasses.replace(whole, cut_at=HALF), whole)
    fetch()
    assert part.read_bytes() == BODY
    first, second = mirror.gets("/small")
    assert first.begins_at == 0
    assert second.begins_at == (HALF if etag else HALF - OVERLAP)


def test_goes_on_where_it_stalled(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at(
        "/small", Response(body=BODY, etag='"1"', stall_at=HALF), Response(body=BODY, etag='"1"')
    )
    fetch(policy=dataclasses.replace(HASTY, read_timeout_s=0.5))
    assert part.read_bytes() == BODY
    assert mirror.gets("/small")[1].begins_at == HALF


def test_goes_on_in_another_process(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    cut = Response(body=BODY, etag='"1"', cut_at=HALF)
    mirror.at("/small", cut, Response(status=404))
    with pytest.raises(DownloadFailed):
        fetch()
    assert part.stat().st_size == HALF
    mirror.at("/small", Response(body=BODY, etag='"1"'))
    fetch()
    assert part.read_bytes() == BODY
    assert mirror.gets("/small")[-1].begins_at == HALF


def test_goes_on_at_another_source_where_the_hash_is_known(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF, etag='"1"'), Response(status=404))
    mirror.at("/mirror", Response(body=BODY, etag='"another host has other tags"'))
    sources = (DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    fetch(*sources, facts={"sha256": HASH})
    assert part.read_bytes() == BODY
    assert mirror.gets("/mirror")[0].begins_at == HALF


def test_starts_anew_at_another_source_where_it_is_not(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF), Response(status=404))
    mirror.at("/mirror", Response(body=OTHER))
    fetch(DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    assert part.read_bytes() == OTHER


def test_a_source_that_ignores_range_starts_anew(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    whole = Response(body=BODY, etag='"1"', ranges=False)
    mirror.at("/small", dataclasses.replace(whole, cut_at=HALF), whole)
    fetch()
    assert part.read_bytes() == BODY


@pytest.mark.parametrize("compares", [True, False])
@pytest.mark.parametrize("etags", [('"1"', '"2"'), (None, None)])
def test_a_file_that_changes_between_tries_is_not_mixed(
    etags: tuple[str | None, str | None],
    compares: bool,
    fetch: Fetch,
    mirror: Mirror,
    part: Path,
) -> None:
    old = Response(body=BODY, etag=etags[0], cut_at=HALF)
    mirror.at("/small", old, Response(body=OTHER, etag=etags[1], compares=compares))
    fetch()
    assert part.read_bytes() == OTHER


def test_a_file_that_grows_between_tries_is_not_mixed(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF), Response(body=BODY + b"more"))
    fetch()
    assert part.read_bytes() == BODY + b"more"


def test_a_part_that_was_damaged_is_thrown_away_and_the_file_comes_anew(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF), Response(status=404))
    with pytest.raises(DownloadFailed):
        fetch(facts={"sha256": HASH})
    part.write_bytes(b"damaged" + part.read_bytes()[7:])
    mirror.at("/small", Response(body=BODY))
    fetch(facts={"sha256": HASH})
    assert part.read_bytes() == BODY
    assert [request.begins_at for request in mirror.gets("/small")][-2:] == [HALF, 0]


def test_all_of_it_is_here_already(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY))
    fetch()
    fetch()
    assert len(mirror.requests) == 1  # the second time nobody is asked


def test_a_source_that_promises_less_than_it_has(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(body=BODY, length=HALF))
    with pytest.raises(WrongFile, match="another SHA-256"):
        fetch(facts={"sha256": HASH})


def test_a_source_that_promises_more_than_it_has(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(body=BODY, length=2 * len(BODY), ranges=False))
    with pytest.raises(DownloadFailed, match="broke off in the middle"):
        fetch(facts={"sha256": HASH})
    mirror.at("/small", Response(body=BODY, length=2 * len(BODY)))
    with pytest.raises(DownloadFailed, match="broke off in the middle"):
        fetch()


def test_another_length_than_the_published_one_is_not_even_begun(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY))
    with pytest.raises(WrongFile, match=f"has {len(BODY)} bytes, not 17"):
        fetch(facts={"size_bytes": 17})
    assert not part.exists()


def test_a_source_with_another_length_costs_nothing_of_what_has_come(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF), Response(status=404))
    mirror.at("/mirror", Response(body=BODY[:100]))
    facts = {"sha256": HASH, "size_bytes": len(BODY)}
    places = (DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    with pytest.raises(WrongFile):
        fetch(*places, facts=facts)
    assert part.stat().st_size == HALF


def test_a_wrong_file_is_thrown_away_and_the_next_source_asked(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=OTHER))
    with pytest.raises(WrongFile):
        fetch(facts={"sha256": HASH})
    assert not part.exists()
    mirror.at("/mirror", Response(body=BODY))
    fetch(
        DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"), facts={"sha256": HASH}
    )
    assert part.read_bytes() == BODY


def test_the_right_file_may_come_another_time_from_a_source_that_was_away(
    fetch: Fetch, mirror: Mirror
) -> None:
    mirror.at("/small", Response(body=OTHER))
    mirror.at("/mirror", Response(status=503))
    places = (DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    with pytest.raises(DownloadFailed, match="another SHA-256; localhost answers 503"):
        fetch(*places, facts={"sha256": HASH})


def test_later_downloads_are_held_to_the_first(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(body=OTHER))
    with pytest.raises(WrongFile) as refused:
        fetch(known=KnownFile(sha256=HASH))
    assert "remove --forget small" in refused.value.hint


def test_what_is_not_accepted_is_thrown_away(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    def refuse(path: Path) -> None:
        assert path.read_bytes() == BODY
        raise UnreadableCheckpoint("It names `posix.system`", hint="Do not use it")

    mirror.at("/small", Response(body=BODY))
    with pytest.raises(WrongFile, match=r"posix\.system"):
        fetch(accept=refuse)
    assert not part.exists()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "asks for a login"),
        (403, "does not allow"),
        (404, "the file is gone"),
        (418, "answers 418"),
    ],
)
def test_what_will_not_pass_is_tried_once(
    status: int, words: str, fetch: Fetch, mirror: Mirror
) -> None:
    mirror.at("/small", Response(status=status))
    with pytest.raises(DownloadFailed, match=words):
        fetch()
    assert len(mirror.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_may_pass_is_tried_again(
    status: int, fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(status=status), Response(status=status), Response(body=BODY))
    fetch()
    assert part.read_bytes() == BODY
    mirror.requests.clear()
    part.unlink()
    mirror.at("/small", Response(status=status))
    with pytest.raises(DownloadFailed, match=str(status)):
        fetch()
    assert len(mirror.requests) == HASTY.attempts


def test_a_server_is_left_alone_for_as_long_as_it_asks(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    wait = Response(status=429, headers={"Retry-After": "1"})
    mirror.at("/small", wait, Response(body=BODY))
    started = time.monotonic()
    fetch()
    assert time.monotonic() - started >= 1
    part.unlink()
    mirror.at("/small", Response(status=503, headers={"Retry-After": "3600"}))
    with pytest.raises(DownloadFailed, match="asks to wait 60 minutes"):
        fetch()


def test_a_page_with_status_200_is_no_file(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    page = Response(
        body=b"<html>Welcome to this hotel</html>", headers={"Content-Type": "text/html"}
    )
    mirror.at("/small", page)
    with pytest.raises(DownloadFailed, match="a page instead of the file"):
        fetch()
    mirror.at("/small", dataclasses.replace(page, headers={"Content-Type": "application/json"}))
    with pytest.raises(DownloadFailed, match="a page instead of the file"):
        fetch()
    assert not part.exists()


def test_a_body_in_a_coding_is_no_file(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(body=BODY, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(DownloadFailed, match="as gzip"):
        fetch()


def test_the_way_stays_on_https(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(status=302, headers={"Location": "http://localhost/small"}))
    with pytest.raises(DownloadFailed, match="not offered over https"):
        fetch()
    mirror.at("/small", Response(status=302, headers={"Location": "/small"}))
    with pytest.raises(DownloadFailed, match="redirects without end"):
        fetch()


@pytest.mark.parametrize(
    "answer",
    [
        Response(status=302, headers={"Location": "https://[x"}),
        Response(status=302, headers={"Location": "https://localhost:99999/"}),
        Response(status=302, headers={"Location": f"https://{'x' * 70}.de/"}),
        Response(body=BODY, headers={"Content-Range": f"bytes 0-9/{'9' * 5000}"}, status=206),
    ],
    ids=["address", "port", "name", "number"],
)
def test_nonsense_leads_to_the_next_source(
    answer: Response, fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", answer)
    mirror.at("/mirror", Response(body=BODY))
    fetch(DirectUrl(f"{mirror.url}/small"), DirectUrl(f"{mirror.url}/mirror"))
    assert part.read_bytes() == BODY


def test_a_source_that_sends_without_end_is_left(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY + b"more and more", chunked=True))
    with pytest.raises(WrongFile, match="more than the file has"):
        fetch(facts={"size_bytes": len(BODY)})
    assert not part.exists()


def test_certificates_that_are_not_there_are_the_users_matter(
    fetch: Fetch, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere.pem")
    with pytest.raises(DownloadFailed, match=r"trust \(REQUESTS_CA_BUNDLE\) can't be found"):
        fetch()


@pytest.mark.parametrize(
    ("proxy", "words"), [("socks5://[::1]:1", "can't be used"), ("http://:1", "is none")]
)
def test_a_proxy_that_is_none_is_the_users_matter(
    proxy: str, words: str, fetch: Fetch, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(DownloadFailed, match=rf"HTTPS_PROXY\) {words}"):
        fetch()


def test_a_certificate_that_is_not_trusted(
    fetch: Fetch, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(DownloadFailed, match="certificate of localhost is not trusted"):
        fetch()


def test_a_source_that_is_not_there(fetch: Fetch) -> None:
    with pytest.raises(DownloadFailed, match="no connection to localhost") as refused:
        fetch(DirectUrl("https://localhost:1/small"))
    assert "pixelmend models import" in refused.value.hint


def test_a_source_that_never_answers_is_given_up(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(status=503, headers={"Retry-After": "2"}))
    passing = RetryPolicy(connect_timeout_s=0.3, first_response_timeout_s=0.5, attempts=1)
    started = time.monotonic()
    with pytest.raises(DownloadFailed):
        # Nothing listens there, and nothing says so.
        fetch(DirectUrl("https://10.255.255.1/small"), policy=passing)
    assert time.monotonic() - started < 60  # the system itself gives up after two minutes


def test_passing_by_means_one_try(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(status=503))
    with pytest.raises(DownloadFailed):
        fetch(policy=dataclasses.replace(HASTY, attempts=1))
    assert len(mirror.requests) == 1


def test_room_is_looked_for_first(fetch: Fetch, mirror: Mirror, part: Path) -> None:
    mirror.at("/small", Response(body=BODY))
    with pytest.raises(DiskFull, match="where 5 MB are free"):
        fetch(free=nearly_full)
    assert not part.exists()


def test_a_cancel_comes_through_while_nothing_comes(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/small", Response(body=BODY, etag='"1"', stall_at=HALF))
    done = 0

    def report(now: int, total: int) -> None:
        nonlocal done
        if now == done == HALF:
            raise Canceled("Canceled", hint="")
        done = now

    started = time.monotonic()
    with pytest.raises(Canceled):
        fetch(report=report, policy=dataclasses.replace(HASTY, read_timeout_s=600.0))
    assert time.monotonic() - started < 120  # not when the connection is given up
    assert part.stat().st_size == HALF  # and is not lost


def test_a_mirror_of_the_users_choice_is_asked_first(
    fetch: Fetch, mirror: Mirror, part: Path
) -> None:
    mirror.at("/ours/small", Response(body=BODY))
    fetch(DriveFile("some-file-id"), network=Network(mirror=f"{mirror.url}/ours"))
    assert part.read_bytes() == BODY


def test_nothing_is_left_open(fetch: Fetch, mirror: Mirror) -> None:
    mirror.at("/small", Response(body=BODY, cut_at=HALF), Response(status=404))
    with contextlib.suppress(DownloadFailed):
        fetch()
