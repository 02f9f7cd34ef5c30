"""Where a command writes: plain lines and tables for people, or one JSON document for programs."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from typing import IO, Any

from hived.runtime.log import tolerate

_TONES = {"bold": "1", "dim": "2", "bad": "31", "good": "32", "warn": "33", "tune": "36", "idle": "2", "off": "2"}


class Screen:
    """Lines, kept until `flush`. `width`: columns of the terminal, None when nobody looks (a pipe, a file)."""

    def __init__(self, out: IO[str], *, width: int | None, colour: bool) -> None:
        self._out = out
        self._lines: list[str] = []
        self.width = width
        self.colour = colour

    @classmethod
    def on(cls, out: IO[str], env: Mapping[str, str]) -> Screen:
        """Return the screen for an output: cut to the terminal's width and coloured only where a person looks."""
        tolerate(out)
        terminal = out.isatty()
        return cls(
            out,
            width=shutil.get_terminal_size().columns if terminal else None,
            colour=terminal and not env.get("NO_COLOR") and env.get("TERM") != "dumb",
        )

    def say(self, line: str = "") -> None:
        """Write a line; texts from the network in it must be clean already."""
        self._lines.append(line)

    def document(self, value: Any) -> None:
        """Write a JSON document, ASCII only: it survives every locale."""
        self.say(json.dumps(value, indent=2))

    def paint(self, text: str, tone: str | None) -> str:
        """Return a text in a tone (bold, dim, bad, good, warn, tune; idle is plain), plain without colour."""
        if tone in (None, "idle") or not text or not self.colour:
            return text
        return f"\x1b[{_TONES[tone]}m{text}\x1b[0m"

    def flush(self) -> None:
        """Hand over all that was written. BrokenPipeError when nobody reads any more."""
        self._out.write("".join(f"{line}\n" for line in self._lines))
        self._out.flush()
        self._lines.clear()

    def abandon(self) -> None:
        """Let go of an output that nobody reads, so that the interpreter does not fail on it when it ends."""
        self._lines.clear()
        if self._out is sys.stdout:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
