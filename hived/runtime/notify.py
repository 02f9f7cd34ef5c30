"""Tell systemd how we are. Nothing here waits: a manager that does not read must not stop the daemon."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping

MAX_STATUS = 500  # characters; `systemctl status` shows one line


class Notifier:
    """Sends to $NOTIFY_SOCKET; without one every call does nothing and succeeds."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._channel: socket.socket | None = None
        self.watchdog_s = watchdog_period_s(environ)
        if address := environ.get("NOTIFY_SOCKET", ""):
            channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
            try:
                channel.connect("\0" + address[1:] if address.startswith("@") else address)
            except OSError:
                channel.close()
            else:
                self._channel = channel

    def send(self, *assignments: str) -> bool:
        """Send one datagram such as "READY=1"; return False when the manager's queue is full and it was dropped."""
        if self._channel is None:
            return True
        try:
            self._channel.send("\n".join(assignments).encode("utf-8", "replace"))
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Give the socket back."""
        channel, self._channel = self._channel, None
        if channel is not None:
            channel.close()


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
