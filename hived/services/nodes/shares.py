"""Whose turn it is among boxes that have proven nothing: each announced address has the same share.

Anybody can announce any number of names. What they cost is shared out by the address that they name, so that a true box
waits for the other addresses of the network at most, not for all names.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from hived.clients.mdns.parse import Network
from hived.runtime import backoff

IN_VAIN = 3
"""Names of one address that did not answer, in a row, until that address is left alone for a while."""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 4.0  # short: a true box may have the address that invented names were given
MAX_PLACES = 4096  # addresses that are remembered: more than a /20 has

T = TypeVar("T")


@dataclass(slots=True)
class _Place:
    asked_at: float = -1e9
    in_vain: int = 0
    until: float = -1e9


class Shares:
    """Remembers of each address when it was asked last, and how often in vain."""

    def __init__(self) -> None:
        self._places: OrderedDict[str, _Place] = OrderedDict()
        self.networks: Sequence[Network] = ()
        """Our own ones: an address in them is one; all others share one turn, for nobody can count them."""

    def place(self, addresses: Sequence[str]) -> str:
        """Return what a box shares its turn with."""
        address = ipaddress.ip_address(addresses[0]) if addresses else None
        if address is None or not any(address in network for network in self.networks):
            return "elsewhere"
        return str(address)

    def in_turn(self, waiting: Iterable[tuple[str, T]], now: float) -> list[T]:
        """Return those who may be asked now: one of each place in turn, that was asked longest ago first.

        `waiting`: (place, who), of each place the one that is to be asked first comes first.
        """
        rows: defaultdict[str, list[T]] = defaultdict(list)
        for place, who in waiting:
            if now >= self._places.get(place, _Place()).until:
                rows[place].append(who)
        places = sorted(rows, key=lambda place: self._places.get(place, _Place()).asked_at)
        rounds = zip_longest(*(rows[place] for place in places))
        return [who for turn in rounds for who in turn if who is not None]

    def asked(self, place: str, now: float) -> None:
        """Note a question."""
        self._at(place).asked_at = now

    def answered(self, place: str, *, truly: bool, now: float, uniform: Callable[[float, float], float]) -> None:
        """Note what came of it."""
        at = self._at(place)
        at.in_vain = 0 if truly else at.in_vain + 1
        at.until = now
        if at.in_vain >= IN_VAIN:
            failures = at.in_vain - IN_VAIN
            at.until += backoff.pause(failures, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread=0.1, uniform=uniform)

    def _at(self, place: str) -> _Place:
        known = self._places.setdefault(place, _Place())
        self._places.move_to_end(place)
        while len(self._places) > MAX_PLACES:
            self._places.popitem(last=False)
        return known
