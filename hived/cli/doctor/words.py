"""One line of `hivectl doctor`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what to do about it."""

    name: str
    state: Literal["ok", "warn", "fail"]
    text: str
    step: str | None = None


def ok(name: str, text: str) -> Check:
    """Return a check that found nothing."""
    return Check(name, "ok", text)


def warn(name: str, text: str, step: str) -> Check:
    """Return a check that found what may be meant so."""
    return Check(name, "warn", text, step)


def fail(name: str, text: str, step: str) -> Check:
    """Return a check that found what must be seen to."""
    return Check(name, "fail", text, step)
