"""What tests of downloads share: a body, its hash, and how impatient they are."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from pixelmend_engine.weights.download.download import Fetched
from pixelmend_engine.weights.download.network_settings import Patience

BODY = bytes(range(256)) * 4096  # 1 MiB
OTHER = bytes(reversed(BODY))
HASH = hashlib.sha256(BODY).hexdigest()
HASTY = Patience(
    connect_s=10.0, answer_s=10.0, stall_s=0.5, tries=3, backoff_s=0.01, longest_wait_s=5.0
)
HALF = len(BODY) // 2

Fetch = Callable[..., Fetched]


def untold(done: int, total: int) -> None:
    """Reports to nobody."""


def accepted(path: Path) -> None:
    """Takes whatever came."""
