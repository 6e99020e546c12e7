"""What tests of downloads share: a body, its hash, and how impatient they are."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from pixelmend_engine.weights.download.download import DownloadedFile
from pixelmend_engine.weights.download.network_settings import RetryPolicy

BODY = bytes(range(256)) * 4096  # 1 MiB
OTHER = bytes(reversed(BODY))
HASH = hashlib.sha256(BODY).hexdigest()
HASTY = RetryPolicy(
    connect_timeout_s=10.0,
    first_response_timeout_s=10.0,
    read_timeout_s=0.5,
    attempts=3,
    backoff_s=0.01,
    max_retry_after_s=5.0,
)
HALF = len(BODY) // 2

Fetch = Callable[..., DownloadedFile]


def untold(done: int, total: int) -> None:
    """Reports to nobody."""


def accepted(path: Path) -> None:
    """Takes whatever came."""
