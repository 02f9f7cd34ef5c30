"""How many connections one place may hold, so that no stranger takes those of everybody else."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections import Counter
from functools import lru_cache

log = logging.getLogger(__name__)

STRANGER_SHARES = {4: ((32, 32), (24, 192)), 6: ((128, 32), (64, 96), (48, 192))}
"""By version of IP: (bits of the network, connections it may hold). A browser has six. One host may have a whole /64 of
IPv6, but so may all hosts of a LAN together: that gets the share of three."""
KNOWN_SHARE = 128  # of one address: an office behind one router
HERE = {"127.0.0.1": 256, "::1": 256}
"""Programs on this machine, and all who come over a proxy on it."""
RESERVE = 4  # a quarter of all is for those who are known
MAX_KNOWN = 1024  # addresses; those not seen for longest are strangers again
SAY_EVERY_S = 60.0


class Known:
    """Addresses of nodes, and of those who were let in lately: a flood of strangers does not lock them out."""

    def __init__(self) -> None:
        self._addresses: dict[str, None] = {}

    def __contains__(self, address: object) -> bool:
        return address in self._addresses

    def note(self, address: str | None) -> None:
        """Note that somebody was let in from there just now."""
        if address is None:
            return
        self._addresses.pop(address, None)
        self._addresses[address] = None
        if len(self._addresses) > MAX_KNOWN:
            del self._addresses[next(iter(self._addresses))]


class Shares:
    """The connections that are open, counted from the moment they are accepted until their sockets are closed."""

    def __init__(self, total: int, known: Known) -> None:
        self.total = total
        self._known = known
        self._open: dict[socket.socket, tuple[str, ...]] = {}
        self._held: Counter[str] = Counter()
        self._refused = 0
        self._said_at = float("-inf")

    def take(self, sock: socket.socket, address: str, now: float) -> bool:
        """Give a new connection its place; False when there is none for its address. `now`: monotonic, s."""
        limits = self._limits(address)
        full = next((name for name, most in limits if self._held[name] >= most), None)
        if full is not None:
            self._say(address, full, now)
            return False
        self._open[sock] = names = tuple(name for name, _ in limits)
        self._held.update(names)
        return True

    def _limits(self, address: str) -> list[tuple[str, int]]:
        """Return (what is counted, how many of it there may be)."""
        everybody = ("all", self.total)
        if address in HERE:
            return [(address, HERE[address]), everybody]
        if address in self._known:
            return [(address, KNOWN_SHARE), everybody]
        return [*_networks(address), ("strangers", self.total - self.total // RESERVE), everybody]

    def forget_closed(self) -> None:
        """Give free the places of connections that are closed."""
        for sock in [sock for sock in self._open if sock.fileno() < 0]:
            self._held.subtract(self._open.pop(sock))
        self._held += Counter()  # drops what is zero: addresses come and go

    def _say(self, address: str, full: str, now: float) -> None:
        self._refused += 1
        if now - self._said_at >= SAY_EVERY_S:
            log.warning("%d connections refused, the newest from %s: %s is full", self._refused, address, full)
            self._refused, self._said_at = 0, now


@lru_cache(4096)
def _networks(address: str) -> tuple[tuple[str, int], ...]:
    host = ipaddress.ip_address(address.partition("%")[0])
    return tuple(
        (str(ipaddress.ip_network((host, bits), strict=False)), most) for bits, most in STRANGER_SHARES[host.version]
    )
