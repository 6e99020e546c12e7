"""Who may ask the engine: checked before a route, and before a body is read."""

import asyncio
import contextlib
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from secrets import compare_digest, token_urlsafe

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pixelmend import challenge
from pixelmend.errors import Forbidden, PixelmendError, TooLarge, Unauthorized, to_json

JOB = re.compile("/v1/jobs/([0-9a-f]+)(?:/[a-z]+)?")  # the addresses of one job


@dataclass(frozen=True)
class Secrets:
    """What the state file tells its user, and nobody else."""

    token: str  # of front ends
    proof: str  # of the engine, to front ends of release 0.1


def new_secrets() -> Secrets:
    """Makes secrets that nobody has seen."""
    return Secrets(token_urlsafe(32), token_urlsafe(32))


class Credentials:
    """The token of the moment, and the address that requests must name.

    A front end makes sure that it talks to the engine which wrote the state file, and not to
    another program that has got its port: by a challenge (see `pixelmend.challenge`). Those of
    release 0.1 compare `proof`, which who has seen the state file once can say as well.
    """

    def __init__(self, port: int) -> None:
        self.secrets = new_secrets()
        self.host = f"127.0.0.1:{port}"

    def permits(self, authorization: bytes, job_token: str | None) -> bool:
        """Says whether a request's header names the token, or that of the job which it is about.

        A token that others may have read is worth nothing but for what was submitted with it.
        """
        tokens = [self.secrets.token] if job_token is None else [self.secrets.token, job_token]
        return any(compare_digest(authorization, f"Bearer {token}".encode()) for token in tokens)

    def answer(self, client_nonce: str, tokens_of_jobs: Collection[str]) -> dict[str, object]:
        """Answers a front end's challenge, also one that submitted a job with an older token."""
        engine_nonce = challenge.new_nonce()
        tokens = {self.secrets.token, *tokens_of_jobs}
        return {
            "nonce": engine_nonce,
            "proofs": [
                challenge.proof(token, self.host, client_nonce, engine_nonce) for token in tokens
            ],
        }


class Guard:
    """Lets requests through that know the token, name our address, and come from no web page.

    What it stops: other users of this computer (token), web pages in the user's own browser, which
    can reach loopback addresses (`Origin`, `Sec-Fetch-Site`), and names that an attacker's DNS
    points at this computer (`Host`). Bodies of unknown or excessive length are not begun. What an
    engine answers to a challenge, anybody may know.
    """

    def __init__(
        self,
        app: ASGIApp,
        credentials: Credentials,
        max_body_bytes: int,
        admitted: Callable[[], None],
        token_of_job: Callable[[str], str | None],
    ) -> None:
        self._app = app
        self._token_of_job = token_of_job
        self._admitted = admitted
        self._credentials = credentials
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what may not pass itself."""
        if scope["type"] == "http":
            try:
                is_challenge = (scope["method"], scope["path"]) == ("GET", challenge.PATH)
                self._check(scope["path"], scope["headers"], with_token=not is_challenge)
            except PixelmendError as error:
                await _discard_body(scope["headers"], receive)
                await error_response(error, close=True)(scope, receive, send)
                return
            if not is_challenge:
                self._admitted()
        await self._app(scope, receive, send)

    def _check(self, path: str, raw: Iterable[tuple[bytes, bytes]], *, with_token: bool) -> None:
        headers: dict[bytes, bytes] = {}
        for name, value in raw:
            if name in headers and name in SINGLE:
                raise Forbidden(f"The header {name.decode()} came twice", hint="Send it once")
            headers[name] = value
        if headers.get(b"host") != self._credentials.host.encode():
            raise Forbidden(
                "The request does not name the engine's address as its host",
                hint="Use the address in the state file, with the number 127.0.0.1",
            )
        if b"origin" in headers or b"sec-fetch-site" in headers:
            raise Forbidden("The request comes from a web page", hint="Use a Pixelmend front end")
        job = JOB.fullmatch(path)
        job_token = None if job is None else self._token_of_job(job[1])
        authorization = headers.get(b"authorization", b"")
        if with_token and not self._credentials.permits(authorization, job_token):
            raise Unauthorized("The request has not the engine's token", hint="Read the state file")
        if b"transfer-encoding" in headers:
            raise TooLarge("The request does not say its length", hint="Send Content-Length")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            raise TooLarge(
                f"The request has more than {self._max_body_bytes // 1_000_000} MB",
                hint="Restore the picture in parts",
            )


DISCARDED_BYTES = 1024 * 1024  # of a request that is refused
DISCARD_WITHIN_S = 1.0
SINGLE = {b"host", b"authorization", b"content-length"}


async def _discard_body(headers: Iterable[tuple[bytes, bytes]], receive: Receive) -> None:
    # A connection that is closed while a body comes is reset, and the answer lost. What is short
    # is on its way already.
    length = dict(headers).get(b"content-length", b"")
    if not length.isdigit() or not 0 < int(length) <= DISCARDED_BYTES:
        return
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DISCARD_WITHIN_S):
            while (await receive()).get("more_body"):
                pass


def error_response(error: PixelmendError, *, close: bool = False) -> JSONResponse:
    """Makes the response that tells of an error; `close` ends an upload that is not wanted."""
    headers = {"Connection": "close"} if close else None
    return JSONResponse({"error": to_json(error)}, status_code=error.status, headers=headers)
