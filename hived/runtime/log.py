"""Log lines for journald (with its priorities) or for people (with the time)."""

from __future__ import annotations

import io
import logging
import os
import sys
from datetime import UTC, datetime
from typing import IO

MAX_CHARACTERS = 32_000  # one record; journald cuts lines at 48 KiB, and text of the LAN may be in it

# Their chatter hides ours: a line per request, per query, per packet.
TAMED = {
    "asyncio": logging.WARNING,
    "aiohttp.access": logging.WARNING,
    "httpcore": logging.WARNING,
    "httpx": logging.WARNING,
    "peewee": logging.INFO,
    "zeroconf": logging.WARNING,
}

_PRIORITIES = (  # syslog's numbers, see sd-daemon(3)
    (logging.CRITICAL, 2),
    (logging.ERROR, 3),
    (logging.WARNING, 4),
    (logging.INFO, 6),
)

# Names and errors come from the network: an escape sequence in one must not reach a terminal.
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\t"}


class LineFormatter(logging.Formatter):
    """Start every line of a record with the same prefix, so that no part of a message can pass for another record."""

    def __init__(self, *, journal: bool) -> None:
        super().__init__()
        self.journal = journal

    def format(self, record: logging.LogRecord) -> str:
        prefix = self._prefix(record)
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        if record.stack_info:
            text += "\n" + self.formatStack(record.stack_info)
        if len(text) > MAX_CHARACTERS:
            text = f"{text[:MAX_CHARACTERS]} ... ({len(text)} characters)"
        return "\n".join(prefix + line.translate(_CONTROLS) for line in text.splitlines() or [""])

    def _prefix(self, record: logging.LogRecord) -> str:
        if self.journal:  # journald knows time and unit
            return f"<{priority(record.levelno)}>{record.name}: "
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return f"{time.replace('+00:00', 'Z')} {record.levelname.lower():7} {record.name}: "


class _Handler(logging.StreamHandler[IO[str]]):
    """Ours, told from the handlers that a test or an embedding program added."""


def setup(level: str, stream: IO[str] | None = None) -> None:
    """Log from this level on to the stream (standard error when none is given). May be called again."""
    stream = stream or sys.stderr
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _Handler)]:
        root.removeHandler(handler)
    handler = _Handler(stream)
    handler.setFormatter(LineFormatter(journal=is_journal(stream)))
    root.addHandler(handler)
    root.setLevel(level.upper())
    for name, least in TAMED.items():
        logging.getLogger(name).setLevel(max(least, root.level))


def tolerate(stream: IO[str]) -> None:
    """Have a stream write "?" for a character that its encoding lacks (LC_ALL=C), instead of raising."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="replace")


def is_journal(stream: IO[str]) -> bool:
    """Tell whether the stream goes straight to journald: systemd names its device and inode in $JOURNAL_STREAM."""
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        there = os.fstat(stream.fileno())
    except (OSError, ValueError):  # no file behind it
        return False
    return (device, inode) == (str(there.st_dev), str(there.st_ino))


def priority(level: int) -> int:
    """Return the syslog priority of a log level."""
    return next((number for least, number in _PRIORITIES if level >= least), 7)
