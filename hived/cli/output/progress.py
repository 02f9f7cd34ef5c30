"""How far something is, on standard error: one line that moves on a terminal, a line for each step elsewhere."""

from __future__ import annotations

import sys

from hived.cli.output.text import one_line


class Progress:
    """Shows `what` with how far it has come. `each`: where no line can move, every step gets its own, not one for all.

    `live`: the line moves.
    """

    def __init__(self, what: str, *, each: bool = False) -> None:
        self._what, self._each = what, each
        self._shown = ""
        self.live = sys.stderr.isatty()

    def __enter__(self) -> Progress:
        if not self.live and not self._each:
            self._write(f"{one_line(self._what)}\n")
        return self

    def show(self, step: str) -> None:
        """Show the next step; the same one again is no news."""
        line = one_line(self._what + step)
        if line != self._shown and (self.live or self._each):
            self._shown = line
            self._write(f"\r\x1b[K{line}" if self.live else f"{line}\n")

    def __exit__(self, *_: object) -> None:
        if self.live and self._shown:
            self._write("\r\x1b[K")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()
