"""Tell systemd how we are. Nothing here waits: a manager that does not read must not stop the daemon."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import Protocol

import sdnotify

MAX_STATUS = 500  # characters; `systemctl status` shows one line


class Channel(Protocol):
    """What can carry a datagram to the manager."""

    def notify(self, state: str) -> None: ...


class Notifier:
    """Sends to $NOTIFY_SOCKET; without one every call does nothing and succeeds."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._channel: Channel | None = None
        self.watchdog_s = watchdog_period_s(environ)
        # The package leaves its socket to the garbage collector when the variable is missing: ask first.
        if environ.get("NOTIFY_SOCKET"):
            channel = sdnotify.SystemdNotifier()
            if channel.socket is not None:
                channel.socket.setblocking(False)
                channel.debug = True  # that is: raise instead of swallowing what went wrong
                self._channel = channel

    def send(self, *assignments: str) -> bool:
        """Send one datagram such as "READY=1"; return False when the manager's queue is full and it was dropped."""
        if self._channel is None:
            return True
        text = "\n".join(assignments)
        try:
            # The package encodes as Latin-1, systemd reads UTF-8: hand over characters that are the bytes.
            self._channel.notify(text.encode("utf-8", "replace").decode("latin-1"))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the socket back."""
        channel, self._channel = self._channel, None
        if isinstance(channel, sdnotify.SystemdNotifier):
            channel.socket.close()


def status(text: str) -> str:
    """Return the assignment that `systemctl status` shows, on one line."""
    return "STATUS=" + " ".join(text.split())[:MAX_STATUS]


def reloading() -> tuple[str, str]:
    """Return the assignments that begin a reload; the time lets systemd tell this reload from an older one."""
    return "RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}"


def watchdog_period_s(environ: Mapping[str, str]) -> float | None:
    """Return the seconds within which systemd wants a ping from this process, None when it does not watch."""
    text, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    if not text.isdecimal() or int(text) == 0 or (pid and pid != str(os.getpid())):
        return None
    return int(text) / 1e6
