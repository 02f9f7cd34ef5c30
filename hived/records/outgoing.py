"""What goes out to people and programs, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

MAX_SAID = 200
"""Characters of an answer that are kept and shown."""
MAX_URL = 1000

Tone = Literal["bad", "warn", "good", "idle"]


@dataclass(frozen=True, slots=True)
class Message:
    """What a person is told, as plain text."""

    title: str
    body: str
    tone: Tone = "idle"


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of something that was sent. `status`: of HTTP or SMTP; None: it never came that far."""

    ok: bool
    status: int | None = None
    said: str = ""
    """The first characters of the answer, or why there is none. Without secrets."""

    @property
    def words(self) -> str:
        """Return status and answer as one short text for people."""
        parts = [str(self.status)] if self.status is not None else []
        return ": ".join([*parts, *([self.said] if self.said else [])])[:MAX_SAID]
