"""Who may ask the engine: checked before a route, and before a body is read."""

import secrets
from collections.abc import Callable, Iterable

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from pixelmend.errors import Forbidden, PixelmendError, TooLarge, Unauthorized, to_json


class Credentials:
    """The token of the moment, and the address that requests must name.

    `proof` is the engine's own password: only who wrote the state file can say it, so that a front
    end does not hand a picture to another program that has got a dead engine's port.
    """

    def __init__(self, port: int) -> None:
        self.token = secrets.token_urlsafe(32)
        self.server_proof = secrets.token_urlsafe(32)
        self.host = f"127.0.0.1:{port}"

    def renew(self) -> None:
        """Makes the old token worthless, where others may have read it."""
        self.token = secrets.token_urlsafe(32)


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
    ) -> None:
        self._app = app
        self._admitted = admitted
        self._credentials = credentials
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers what may not pass itself."""
        if scope["type"] == "http":
            try:
                self._check(scope["headers"])
            except PixelmendError as error:
                await error_response(error, close=True)(scope, receive, send)
                return
            self._admitted()
        await self._app(scope, receive, send)

    def _check(self, raw: Iterable[tuple[bytes, bytes]]) -> None:
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
        expected = f"Bearer {self._credentials.token}".encode()
        if not secrets.compare_digest(headers.get(b"authorization", b""), expected):
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
