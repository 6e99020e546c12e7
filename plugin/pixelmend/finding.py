"""What `doctor` looked at. Runs on Python 3.9, standard library only: hosts load it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `hint` says what to do where it is not as it should be."""

    name: str
    value: str
    hint: str | None = None
