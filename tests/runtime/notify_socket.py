"""The other end of $NOTIFY_SOCKET: a real datagram socket that keeps what it gets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic


class Manager:
    """Reads what a daemon tells systemd. `said` is every assignment so far, in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self._next = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))

    def wait_for(self, wanted: str, within: float = 5.0) -> None:
        """Go on to the next assignment that starts with this; fail when none comes."""
        deadline = monotonic() + within
        while (left := deadline - monotonic()) > 0:
            while self._next < len(self.said):
                self._next += 1
                if self.said[self._next - 1].startswith(wanted):
                    return
            self.read(left)
        raise AssertionError(f"not said within {within} s: {wanted}; said: {self.said}")

    def read(self, within: float) -> list[str]:
        """Return the assignments of the next datagram, nothing when none comes in time."""
        self._socket.settimeout(max(within, 0.001))
        try:
            lines = self._socket.recv(65536).decode().split("\n")
        except TimeoutError:
            return []
        self.said += lines
        return lines

    def quiet_for(self, seconds: float, word: str) -> bool:
        """Tell whether nothing that starts with the word comes for so long."""
        deadline = monotonic() + seconds
        while (left := deadline - monotonic()) > 0:
            if any(line.startswith(word) for line in self.read(left)):
                return False
        return True

    def close(self) -> None:
        self._socket.close()


@contextmanager
def manager_at(path: Path) -> Iterator[Manager]:
    manager = Manager(path)
    try:
        yield manager
    finally:
        manager.close()
