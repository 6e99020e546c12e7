"""Who is not let in, and what a hostile or broken client can't do."""

import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol.conftest import Running, Start, picture

from pixelmend.client.client import Client
from pixelmend.errors import BadImage, BadRequest, EngineUnavailable, PixelmendError, Unauthorized
from pixelmend.wire import LENGTH, MAX_HEADER, Raster, encode

ROUTES = [
    ("GET", "/v1/health"),
    ("GET", "/v1/tasks"),
    ("GET", "/v1/jobs"),
    ("POST", "/v1/jobs"),
    ("GET", "/v1/jobs/x"),
    ("DELETE", "/v1/jobs/x"),
    ("GET", "/v1/jobs/x/events"),
    ("GET", "/v1/jobs/x/result"),
    ("POST", "/v1/shutdown"),
    ("GET", "/"),
    ("GET", "/v1/nothing"),
]


@pytest.fixture
def engine(start: Start) -> Running:
    return start(standstill=0.5, headers_within=0.5)


def code(engine: Running, method: str, path: str, headers: dict[str, str | None]) -> str:
    """Asks, and returns the code of the error."""
    with engine.ask(method, path, headers) as response:
        told = json.loads(response.read())["error"]
        assert response.status >= 400
        assert told["message"]
        assert told["hint"]
        return told["code"]


def test_no_address_answers_without_the_token(engine: Running) -> None:
    for method, path in ROUTES:
        assert code(engine, method, path, {"Authorization": None}) == "unauthorized"
        assert code(engine, method, path, {"Authorization": "Bearer guess"}) == "unauthorized"
    with pytest.raises(Unauthorized):
        Client(engine.client.port, "guess", challenges=False).health()
    with pytest.raises(
        EngineUnavailable, match="can't show that it is the engine"
    ):  # so it looks to who guesses
        Client(engine.client.port, "guess").health()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "localhost:PORT"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Host": "evil.example:PORT"},
        {"Origin": "http://127.0.0.1:PORT"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "none"},
    ],
    ids=str,
)
def test_no_address_answers_to_a_web_page(headers: dict[str, str], engine: Running) -> None:
    port = str(engine.client.port)
    sent: dict[str, str | None] = {k: v.replace("PORT", port) for k, v in headers.items()}
    for method, path in ROUTES:
        assert code(engine, method, path, sent) == "forbidden"


def test_no_answer_lets_other_origins_read_it(engine: Running) -> None:
    with engine.ask("OPTIONS", "/v1/jobs") as response:
        names = {name.lower() for name in response.headers}
    assert not {name for name in names if name.startswith("access-control")}


def test_unknown_addresses_are_told_so(engine: Running) -> None:
    for method, path in (("GET", "/"), ("PUT", "/v1/jobs"), ("GET", "/v1/jobs/x")):
        assert code(engine, method, path, {}) == "not-found"
    assert code(engine, "GET", "/v1/jobs/../../etc/passwd", {}) == "not-found"


def test_a_body_that_is_too_long_is_not_begun(engine: Running) -> None:
    assert code(engine, "POST", "/v1/jobs", {"Content-Length": str(10**13)}) == "too-large"
    with engine.ask("POST", "/v1/jobs", {"Content-Length": "-1"}) as response:
        assert response.status == 400


def test_a_body_of_unknown_length_is_not_begun(engine: Running) -> None:
    headers: dict[str, str | None] = {"Transfer-Encoding": "chunked"}
    assert code(engine, "POST", "/v1/jobs", headers) == "too-large"


def test_a_body_that_stops_coming_is_given_up(engine: Running) -> None:
    def dribble() -> Iterator[bytes]:
        yield b"12345678"

    with engine.ask("POST", "/v1/jobs", {"Content-Length": "1000"}, dribble()) as response:
        assert json.loads(response.read())["error"]["code"] == "too-slow"


@pytest.mark.parametrize("sent", [b"", b"GET /v1/health HTTP/1.1\r\nHost: "])
def test_a_connection_that_asks_for_nothing_is_closed(sent: bytes, engine: Running) -> None:
    with socket.create_connection(("127.0.0.1", engine.client.port)) as connection:
        connection.sendall(sent)
        connection.settimeout(5)
        assert connection.recv(100) == b""


def test_headers_without_end_are_cut_off(start: Start) -> None:
    engine = start()
    with socket.create_connection(("127.0.0.1", engine.client.port)) as connection:
        connection.sendall(b"GET /v1/health HTTP/1.1\r\n")
        line = b"X-Header: %s\r\n" % (b"x" * 1000)
        with pytest.raises(ConnectionError):
            connection.sendall(line * 100_000)
    engine.client.health()


def test_what_is_no_http_is_answered_and_closed(engine: Running) -> None:
    with socket.create_connection(("127.0.0.1", engine.client.port)) as connection:
        connection.sendall(b"\x16\x03\x01 hello, this is TLS\r\n\r\n")
        connection.settimeout(5)
        assert b"400" in connection.recv(1000)
    engine.client.health()


def body(raster_bytes: bytes, header: object) -> bytes:
    """Puts a body together by hand."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return LENGTH.pack(len(text)) + text + raster_bytes


def tensor(begin: int, end: int, dtype: str = "U8", shape: object = (2, 2, 3)) -> dict[str, object]:
    """Describes a tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


METADATA = {"channels": "RGB", "encoding": "nonlinear", "options": '{"task": "deblur"}'}
SOUND = {"__metadata__": METADATA, "image": tensor(0, 12)}
MALFORMED = {
    "empty": b"",
    "short": b"\0\0\0",
    "a header beyond the end": LENGTH.pack(1000) + b"{}",
    "a header beyond the limit": LENGTH.pack(MAX_HEADER + 1) + b" " * (MAX_HEADER + 1),
    "a header beyond all": b"\xff" * 8,
    "no JSON": body(b"", b"{"),
    "no object": body(b"", b"[]"),
    "deep JSON": body(b"", b"[" * 60_000),
    "no text": body(b"", b"\xff\xfe"),
    "no metadata": body(bytes(12), {"image": tensor(0, 12)}),
    "metadata that are no texts": body(bytes(12), {**SOUND, "__metadata__": {"channels": 3}}),
    "no image": body(b"", {"__metadata__": METADATA}),
    "an unknown tensor": body(bytes(24), {**SOUND, "more": tensor(12, 24)}),
    "an unknown type": body(bytes(12), {**SOUND, "image": tensor(0, 12, "I8")}),
    "a type that is no text": body(bytes(12), {**SOUND, "image": tensor(0, 12, "[]")}),
    "a negative offset": body(bytes(12), {**SOUND, "image": tensor(-1, 11)}),
    "an end before the start": body(bytes(12), {**SOUND, "image": tensor(12, 0)}),
    "a shape that does not fit": body(
        bytes(12), {**SOUND, "image": tensor(0, 12, "U8", [2, 3, 3])}
    ),
    "a negative shape": body(bytes(12), {**SOUND, "image": tensor(0, 12, "U8", [-2, -2, 3])}),
    "a huge shape": body(bytes(12), {**SOUND, "image": tensor(0, 12, "U8", [2**62, 2**62, 3])}),
    "no pixels": body(b"", {**SOUND, "image": tensor(0, 0, "U8", [0, 0, 3])}),
    "a shape of truths": body(bytes(3), {**SOUND, "image": tensor(0, 3, "U8", [True, True, 3])}),
    "a shape of fractions": body(bytes(12), {**SOUND, "image": tensor(0, 12, "U8", [2.0, 2, 3])}),
    "too few dimensions": body(bytes(12), {**SOUND, "image": tensor(0, 12, "U8", [12])}),
    "bytes left over": body(bytes(13), SOUND),
    "an end beyond the body": body(bytes(11), SOUND),
    "an overlap": body(bytes(14), {**SOUND, "mask": tensor(10, 14, "U8", [2, 2])}),
    "a gap": body(bytes(20), {**SOUND, "mask": tensor(16, 20, "U8", [2, 2])}),
    "a mask of another size": body(bytes(18), {**SOUND, "mask": tensor(12, 18, "U8", [2, 3])}),
    "a deep mask": body(bytes(20), {**SOUND, "mask": tensor(12, 20, "U16", [2, 2])}),
    "a square profile": body(bytes(16), {**SOUND, "color_profile": tensor(12, 16, "U8", [2, 2])}),
    "other channels": body(bytes(12), {**SOUND, "__metadata__": {**METADATA, "channels": "RGBA"}}),
    "unknown channels": body(bytes(12), {**SOUND, "__metadata__": {**METADATA, "channels": "?"}}),
    "an unknown encoding": body(
        bytes(12), {**SOUND, "__metadata__": {**METADATA, "encoding": "?"}}
    ),
    "options that are no JSON": body(
        bytes(12), {**SOUND, "__metadata__": {**METADATA, "options": "{"}}
    ),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_malformed_bodies_are_refused(what: str, engine: Running) -> None:
    content = MALFORMED[what]
    length: dict[str, str | None] = {"Content-Length": str(len(content))}
    with engine.ask("POST", "/v1/jobs", length, content) as response:
        told = json.loads(response.read())["error"]
    assert (response.status, told["code"]) == (400, "bad-request")
    assert engine.client.jobs() == []


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 100), (20_000, 10_000)])
def test_pictures_of_impossible_sizes_are_refused(width: int, height: int, engine: Running) -> None:
    with pytest.raises(BadImage, match=r"too small|more than 150 megapixels"):
        engine.client.submit(Raster(width, height, "U8", "Y", bytes(width * height)), "deblur", {})
    assert engine.client.jobs() == []


@given(data=st.data())
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_body_keeps_the_engine_from_serving(data: st.DataObject, engine: Running) -> None:
    content = bytearray(b"".join(bytes(piece) for piece in encode(picture(), {"task": "deblur"})))
    for _ in range(data.draw(st.integers(1, 5))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(1, len(content))) :]
    length: dict[str, str | None] = {"Content-Length": str(len(content))}
    with engine.ask("POST", "/v1/jobs", length, bytes(content)) as response:
        answer = json.loads(response.read())
    if response.status == 202:
        assert answer["id"] in [job["id"] for job in engine.client.jobs()]
        engine.client.cancel(answer["id"])
    else:
        assert (response.status, answer["error"]["code"]) in {
            (400, "bad-request"),
            (422, "bad-image"),
        }
    engine.client.health()


def test_what_a_front_end_gets_wrong_is_told_before_it_is_sent() -> None:
    with pytest.raises(BadRequest, match="bytes of pixels"):
        picture().__class__(8, 6, "U8", "RGB", b"too few")
    assert issubclass(BadRequest, PixelmendError)
