"""Who may ask the engine: checked before a route, and before a body is read."""

import re
import secrets
from collections.abc import Callable, Iterable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pixelmend.errors import Forbidden, PixelmendError, TooLarge, Unauthorized, to_json

JOB = re.compile("/v1/jobs/([0-9a-f]+)(?:/[a-z]+)?")  # the addresses of one job


def new_token() -> str:
    """Makes a token, or another secret."""
    return secrets.token_urlsafe(32)


class Credentials:
    """The token of the moment, and the address that requests must name.

    `proof` is the engine's own password: only who wrote the state file can say it, so that a front
    end does not hand a picture to another program that has got a dead engine's port.
    """

    def __init__(self, port: int) -> None:
        self.token = new_token()
        self.server_proof = new_token()
        self.host = f"127.0.0.1:{port}"

    def permits(self, authorization: bytes, job_token: str | None) -> bool:
        """Says whether a request's header names the token, or that of the job which it is about.

        A token that others may have read is worth nothing but for what was submitted with it.
        """
        tokens = [self.token] if job_token is None else [self.token, job_token]
        return any(
            secrets.compare_digest(authorization, f"Bearer {token}".encode()) for token in tokens
        )


class Guard:
    """Lets requests through that know the token, name our address, and come from no web page.

    What it stops: other users of this computer (token), web pages in the user's own browser, which
    can reach loopback addresses (`Origin`, `Sec-Fetch-Site`), and names that an attacker's DNS
    points at this computer (`Host`). Bodies of unknown or excessive length are not begun.
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
                self._check(scope["path"], scope["headers"])
            except PixelmendError as error:
                await error_response(error, close=True)(scope, receive, send)
                return
            self._admitted()
        await self._app(scope, receive, send)

    def _check(self, path: str, raw: Iterable[tuple[bytes, bytes]]) -> None:
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
        if not self._credentials.permits(headers.get(b"authorization", b""), job_token):
            raise Unauthorized("The request has not the engine's token", hint="Read the state file")
        if b"transfer-encoding" in headers:
            raise TooLarge("The request does not say its length", hint="Send Content-Length")
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > self._max_body_bytes:
            raise TooLarge(
                f"The request has more than {self._max_body_bytes // 1_000_000} MB",
                hint="Restore the picture in parts",
            )


SINGLE = {b"host", b"authorization", b"content-length"}


def error_response(error: PixelmendError, *, close: bool = False) -> JSONResponse:
    """Makes the response that tells of an error; `close` ends an upload that is not wanted."""
    headers = {"Connection": "close"} if close else None
    return JSONResponse({"error": to_json(error)}, status_code=error.status, headers=headers)
