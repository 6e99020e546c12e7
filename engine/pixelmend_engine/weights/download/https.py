"""Requests that stay on https, give a token to its own host alone, and name what went wrong."""

import contextlib
import email.utils
import re
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from pixelmend import __version__
from pixelmend_engine.weights.download.network_settings import Network, RetryPolicy

MAX_REDIRECTS = 10
MAX_PAGE = 2 * 1024 * 1024  # bytes of a page or an answer in JSON
REDIRECTS = (301, 302, 303, 307, 308)
TOKEN = re.compile(r"[\x21-\x7e]+")
SECONDS = re.compile(r"[0-9]{1,9}")
TEMPORARY_STATUS = (408, 425, 429, 500, 502, 503, 504)  # that another try may not meet

Cause = Literal["temporary", "permanent"]


class SourceUnavailable(Exception):
    """A source does not give a file: `temporary`, if it may the next time.

    `retry_after_s` is how long the server wants to be left alone.
    """

    def __init__(self, reason: str, cause: Cause, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause: Cause = cause
        self.retry_after_s = retry_after_s


@dataclass(frozen=True)
class HttpResponse:
    """A response whose body has not been read, and the address that it came from at last."""

    url: str
    response: requests.Response

    @property
    def headers(self) -> Mapping[str, str]:
        """The response's headers; names in any case."""
        return self.response.headers

    @property
    def status(self) -> int:
        """The response's status."""
        return self.response.status_code

    @property
    def is_page(self) -> bool:
        """Whether it is something to be read by people or programs, and not a file."""
        kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        return kind in ("text/html", "application/xhtml+xml", "application/json")

    def text(self) -> str:
        """Reads a page; what is longer than pages are is cut off."""
        with as_source_unavailable(self.url):
            content = self.response.raw.read(MAX_PAGE, decode_content=True)
        return bytes(content).decode("utf-8", errors="replace")

    def chunks(self, size: int) -> Generator[bytes]:
        """Yields the body's bytes as they come, as they are on the wire."""
        with as_source_unavailable(self.url):
            while chunk := self.response.raw.read1(size, decode_content=False):
                yield chunk


class HttpSession:
    """One session of requests: its cookies and connections end with it."""

    def __init__(self, network: Network, policy: RetryPolicy) -> None:
        self._network = network
        self._timeouts = (policy.connect_timeout_s, policy.read_timeout_s)
        self._session = requests.Session()
        self._session.auth = _no_auth  # or requests would look for passwords in ~/.netrc

    def close(self) -> None:
        """Ends it."""
        self._session.close()

    @contextlib.contextmanager
    def request(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        stop_at: str | None = None,
    ) -> Generator[HttpResponse]:
        """Asks, follows redirects but one with the header `stop_at`, and yields the response.

        Raises:
            SourceUnavailable: There is no answer, or one that says no.
        """
        for _ in range(MAX_REDIRECTS):
            if _scheme(url) != "https":
                raise SourceUnavailable(f"{host(url)} is not offered over https", "permanent")
            sent = self._headers(url, headers or {})
            with as_source_unavailable(url):
                response = self._session.request(
                    method,
                    url,
                    headers=sent,
                    timeout=self._timeouts,
                    stream=True,
                    allow_redirects=False,
                )
            with contextlib.closing(response):
                is_wanted = stop_at is not None and stop_at in response.headers
                if response.status_code in REDIRECTS and not is_wanted:
                    url = _redirected(url, response.headers.get("Location", ""))
                    continue
                if response.status_code >= 400 and response.status_code != 416:
                    raise _unavailable(url, response)
                yield HttpResponse(url, response)
                return
        raise SourceUnavailable(f"{host(url)} redirects without end", "permanent")

    def _headers(self, url: str, headers: Mapping[str, str]) -> dict[str, str]:
        sent = {"User-Agent": f"pixelmend/{__version__}", "Accept-Encoding": "identity", **headers}
        for address, login in (
            (self._network.hub, self._network.hub_login),
            (self._network.mirror, self._network.mirror_login),
        ):
            if address and login and _origin(url) == _origin(address):
                sent["Authorization"] = login
                return sent
        token = self._network.hub_token
        if token is not None and _origin(url) == _origin(self._network.hub):
            if TOKEN.fullmatch(token) is None:
                raise SourceUnavailable(
                    f"the token for {host(url)} (HF_TOKEN) holds characters that no token has",
                    "permanent",
                )
            sent["Authorization"] = f"Bearer {token}"
        return sent


def _no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def host(url: str) -> str:
    """Returns the name of the computer that an address leads to."""
    try:
        return urlsplit(url).hostname or "the source"
    except ValueError:  # no address; who asks there is told so
        return "the source"


def _scheme(url: str) -> str:
    try:
        parts = urlsplit(url)
        _ = parts.port  # read only where it is asked for
    except ValueError as error:
        raise SourceUnavailable(f"the address of {host(url)} is none", "permanent") from error
    return parts.scheme


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise SourceUnavailable(f"{host(url)} answers with nonsense", "permanent") from error


def _origin(url: str) -> tuple[str, str | None, int] | None:
    try:
        parts = urlsplit(url)
        port = parts.port or 443
    except ValueError:  # the user's own address of the Hub may be none
        return None
    return parts.scheme, parts.hostname, port


@contextlib.contextmanager
def as_source_unavailable(url: str) -> Generator[None]:
    """Turns what the libraries raise into `SourceUnavailable`, with the host and the reason.

    It stands around their calls alone.
    """
    where = host(url)
    try:
        yield
    except requests.exceptions.InvalidProxyURL as error:
        raise SourceUnavailable("the proxy's address (HTTPS_PROXY) is none", "permanent") from error
    except requests.exceptions.InvalidSchema as error:  # of a proxy; the rest is https
        raise SourceUnavailable(
            f"the proxy (HTTPS_PROXY) can't be used: {error}", "permanent"
        ) from error
    except (requests.exceptions.SSLError, urllib3.exceptions.SSLError) as error:
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise SourceUnavailable(
                f"the certificate of {where} is not trusted", "permanent"
            ) from error
        raise SourceUnavailable(
            f"the secure connection to {where} broke off", "temporary"
        ) from error
    except (requests.exceptions.ConnectTimeout, urllib3.exceptions.ConnectTimeoutError) as error:
        raise SourceUnavailable(f"{where} does not answer", "temporary") from error
    except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as error:
        raise SourceUnavailable(f"{where} stopped sending", "temporary") from error
    except requests.exceptions.ProxyError as error:
        raise SourceUnavailable(f"the proxy to {where} refuses", "temporary") from error
    except requests.exceptions.ConnectionError as error:
        raise SourceUnavailable(f"there is no connection to {where}", "temporary") from error
    except ValueError as error:  # of addresses that are none; requests' own are OSErrors as well
        raise SourceUnavailable(f"{where} answers with nonsense", "permanent") from error
    except (urllib3.exceptions.HTTPError, OSError) as error:
        if "TLS CA certificate bundle" in str(error):
            raise SourceUnavailable(
                "the certificates to trust (REQUESTS_CA_BUNDLE) can't be found", "permanent"
            ) from error
        raise SourceUnavailable(f"{where} broke off in the middle", "temporary") from error


def _unavailable(url: str, response: requests.Response) -> SourceUnavailable:
    status, where = response.status_code, host(url)
    # What the Hub says of itself; 401 alone would hide that a repository is gone.
    hub = {
        "RepoNotFound": "the repository is gone, or not public",
        "RevisionNotFound": "the version is gone",
        "EntryNotFound": "the file is gone",
        "GatedRepo": "its owners ask for a login and their consent",
    }.get(response.headers.get("X-Error-Code", ""))
    general = {
        401: "it asks for a login",
        403: "it does not allow it",
        404: "the file is gone",
        410: "the file is gone",
        429: "it gets too many requests",
    }.get(status, "it has trouble of its own" if status >= 500 else "it refuses")
    cause: Cause = "temporary" if status in TEMPORARY_STATUS else "permanent"
    wait_s = _retry_after(response.headers.get("Retry-After"))
    return SourceUnavailable(f"{where} answers {status}: {hub or general}", cause, wait_s)


def _retry_after(value: str | None) -> float | None:
    if value is None:
        return None
    if SECONDS.fullmatch(value.strip()):
        return float(value)
    try:
        until = email.utils.parsedate_to_datetime(value).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, until - time.time())
