"""The protocol that every family of firmware keeps, so that nobody else has to know which one a miner runs."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import aiohttp

from hived.records.firmware import Feature, Reach
from hived.records.miner import HashboardChips, MinerIdentity, MinerReading, MinerSettings, ModelInfo, Preset
from hived.records.steering import Said, Seen, Wish


class ConnectionWatch:
    """Tell whether a call opened a new TCP connection: `opened`. `keep`: whether it may be kept for the next call.

    As long as none was opened, the peer is the one that answered before; a new one may reach another machine.
    """

    __slots__ = ("keep", "opened")

    def __init__(self, *, keep: bool = True) -> None:
        self.opened = False
        self.keep = keep


@dataclass(frozen=True, slots=True)
class Link:
    """What a family talks over: a session of `http.open_session`, the port of miners' web pages, seconds for a call."""

    session: aiohttp.ClientSession
    http_port: int
    timeout_s: float
    monotonic: Callable[[], float] = time.monotonic


class Firmware(Protocol):
    """One family of firmware: how to recognise it, open it, read it and steer it.

    A call raises errors of `hived.errors` only: Transient and its kinds (wait), Refused and its kinds (do not repeat).
    No message contains a key, a token or a password. A call that opens a TCP connection marks its `watch`. What is
    secret is sent to nobody but the device `reach.mac`, which is asked for its MAC over that connection before
    (`ends.Ends` does so for HTTP): AnotherDevice when it is not the one that answers.
    """

    @property
    def name(self) -> str:
        """The family's name in rows and in the API: never changed."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The TCP ports that it may listen on; an address with none of them open is not asked."""

    @property
    def can(self) -> frozenset[Feature]:
        """What it offers: nothing else is asked of it."""

    async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
        """Return who answers, without any credentials.

        NotThisFirmware for every other device (`kind`: what it looks like, perhaps another family's name); Unreadable
        for one of this family by all signs that cannot be read; Transient for no answer.
        """

    async def open(self, reach: Reach, password: str | None) -> str:
        """Return what opens the miner from now on: `reach.access` if it is still taken, else what `password` brings.

        BadCredentials when that is refused and there is no password; WrongPassword; LockedOut. At most one password
        is tried, for the firmware may lock out whoever guesses.
        """

    async def read(self, reach: Reach, watch: ConnectionWatch) -> MinerReading:
        """Return how the miner is doing.

        A part that it can do without and that fails in whatever way is named in `trouble`, and is asked for more and
        more rarely (`OptionalParts`). BadCredentials when it does not tell its state without other access.
        """

    async def chips(self, reach: Reach, watch: ConnectionWatch) -> tuple[HashboardChips, ...]:
        """Return every chip of every hashboard (Feature.CHIPS)."""

    async def model(self, reach: Reach) -> ModelInfo:
        """Return what the miner is made of. NotSupported when it does not tell.

        The alias stands for model and presets: a family whose presets differ from another's has aliases of its own.
        """

    async def presets(self, reach: Reach) -> tuple[Preset, ...]:
        """Return the presets of a miner that is open, lowest first; () or NotSupported for none."""

    async def settings(self, reach: Reach) -> MinerSettings:
        """Return the miner's own settings, without any password (Feature.SETTINGS)."""

    def features(self, firmware_version: str | None) -> frozenset[Feature]:
        """Return what a miner with this version of the firmware offers, of `can`."""

    def patience_s(self, verb: str) -> float:
        """Return how long a miner may take until it shows what it was asked for."""

    async def look(self, reach: Reach, verb: str | None = None, *, before: bool = False) -> Seen:
        """Return how a miner is, as far as the effect of a verb can be told from it; None: all that there is.

        `before`: right before it is asked, also what brings it back, and what it can be asked for at present.

        `Seen.at` is left 0.0: the caller has the clock. A part that does not come is None there; BadCredentials,
        AnotherDevice and Transient where nothing comes.
        """

    async def steer(self, reach: Reach, wish: Wish) -> Said:
        """Ask a miner, once, for what `wish` says; only the keys that change are sent.

        An empty or broken answer where this firmware is known for it is no failure. Refused (with the device's own
        words) when it says no; NotSupported when it cannot; Transient when nobody knows whether it was heard.
        BadCredentials when it does not take our key. Pools are merged by slot, and the passwords of those that stay
        are written back as they are; `restart_required` in the answer is carried out by the caller.
        """
