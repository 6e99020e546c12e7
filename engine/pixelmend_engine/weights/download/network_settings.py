"""What holds for every request to the network: resolved once, from the environment, passed down."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from pixelmend.errors import BadRequest

YES = ("1", "true", "yes", "on")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long a download waits for what, and how often it tries."""

    connect_timeout_s: float  # to each address of a source
    first_response_timeout_s: float  # until the first answer, names looked up and all
    read_timeout_s: float = 30.0  # without a byte
    attempts: int  # at each source, without a byte more than before
    backoff_s: float = 1.0  # before the second try; doubled before each further one
    max_retry_after_s: float = 120.0  # that a server may ask for
    min_bytes_per_s: float = 1000.0  # or another source is asked, where one is left
    speed_window_s: float = 60.0  # over which that is measured


# Somebody asked for it by name.
EXPLICIT_PULL = RetryPolicy(connect_timeout_s=15.0, first_response_timeout_s=60.0, attempts=5)
# There is another model to fall back on.
FIRST_USE = RetryPolicy(connect_timeout_s=3.0, first_response_timeout_s=6.0, attempts=1)


@dataclass(frozen=True, kw_only=True)
class Network:
    """Where the sources are, and whether they may be asked."""

    offline: bool = False
    mirror: str | None = None  # of the user's choice, asked first: MIRROR/ID is the published file
    mirror_login: str | None = field(default=None, repr=False)  # as the header Authorization has it
    hub: str = "https://huggingface.co"
    hub_token: str | None = field(default=None, repr=False)
    hub_login: str | None = field(default=None, repr=False)  # to another hub than the public one
    drive: str = "https://drive.usercontent.google.com"
    drive_folders: str = "https://drive.google.com"
    github: str = "https://github.com"
    github_api: str = "https://api.github.com"


OFFLINE = Network(offline=True)


def resolve(environ: Mapping[str, str]) -> Network:
    """Reads our own variables, and those that Hugging Face's programs obey.

    Proxies and certificates (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`) are read by requests.

    Raises:
        BadRequest: An address is none.
    """
    offline = any(
        environ.get(name, "").lower() in YES for name in ("PIXELMEND_OFFLINE", "HF_HUB_OFFLINE")
    )
    mirror, mirror_login = _address(environ, "PIXELMEND_MIRROR")
    hub, hub_login = _address(environ, "HF_ENDPOINT")
    return Network(
        offline=offline,
        mirror=mirror,
        mirror_login=mirror_login,
        hub=hub or Network.hub,
        hub_login=hub_login,
        # A line end comes along where a variable is set from a file, as in the file itself.
        hub_token=(environ.get("HF_TOKEN") or "").strip() or _token_file(environ),
    )


def _address(environ: Mapping[str, str], name: str) -> tuple[str | None, str | None]:
    """Reads an address, apart from the login in it: what is written down has none."""
    text = (environ.get(name) or "").strip().rstrip("/")
    if not text:
        return None, None
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is no number
    except ValueError:
        parts = None
    # Behind the host an @ is that of a password with a slash, which ends elsewhere than it should.
    if parts is None or not parts.hostname or "@" in parts.path + parts.query + parts.fragment:
        raise BadRequest(
            f"{name} is no address that can be used",
            hint="Write it as https://host/folder, or https://name:password@host/folder with "
            "%2F for a slash, %40 for an @ in the password",
        )
    login, at, place = parts.netloc.rpartition("@")
    clean = urlunsplit(parts._replace(netloc=place))
    if not at:
        return clean, None
    user, _, password = login.partition(":")
    credentials = f"{unquote(user)}:{unquote(password)}".encode()
    return clean, f"Basic {base64.b64encode(credentials).decode()}"


def _token_file(environ: Mapping[str, str]) -> str | None:
    home = environ.get("HF_HOME") or str(
        Path(environ.get("XDG_CACHE_HOME") or "~/.cache", "huggingface")
    )
    try:
        token = Path(home).expanduser().joinpath("token").read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError, RuntimeError):  # RuntimeError: a user without a home
        return None
    return token or None
