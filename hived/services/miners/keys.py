"""How hived gets into a miner: what opened it last is tried first, then the passwords.

Firmwares lock out whoever guesses, so tries are few and the pauses between them grow. A device that only claims to be
a miner of ours gets little: the configured passwords inside the configured networks, the miner's key where it moved to
within them, its own password where it was opened or the operator agreed.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from hived.clients.firmwares.family import Firmware
from hived.errors import (
    AnotherDevice,
    BadCredentials,
    HivedError,
    LockedOut,
    NotSupported,
    Refused,
    Transient,
    WrongPassword,
)
from hived.records.miner_view import KnownMiner
from hived.runtime import backoff
from hived.services import together
from hived.services.miners.catalogue import Found
from hived.store import Store
from hived.store.miners import miners, trust

log = logging.getLogger(__name__)

TRIES_AT_ONCE = 3  # the number that brings a lockout is not documented; login forms of this kind commonly allow five
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 6 * 3600.0
"""After wrong passwords: each more is a guess that may lock the owner out as well."""
LONGEST_UNANSWERED_S = 600.0
"""After an unlock that said neither yes nor no, which guesses nothing: who has repaired the miner waits no longer."""
CHECK_EVERY_S = 3600.0
"""Access that worked is tried again after this long, to notice that somebody removed it."""


class KeyKeeper:
    """Sees to it that hived has access to each miner."""

    def __init__(
        self,
        store: Store,
        passwords: Sequence[str],
        *,
        inside: Callable[[str], bool],
        clock: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`inside` tells whether an address is in `network.subnets`."""
        self._inside = inside
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._writes = together.calls(store)
        self._passwords = tuple(passwords)
        self._checked: dict[int, tuple[str | None, float]] = {}
        """Where and when access worked last."""

    def is_due(self, found: Found) -> bool:
        """Tell whether the miner has to be opened, or its access to be tried again."""
        miner = found.miner
        if miner.is_doubted:
            return False
        if miner.access is None:
            return not self._clock() < miner.unlock_not_before <= self._clock() + 2 * LONGEST_PAUSE_S
        place, at = self._checked.get(miner.num, (None, -math.inf))
        return place != miner.ip or self._monotonic() - at >= CHECK_EVERY_S

    async def ensure(self, firmware: Firmware, miner: KnownMiner) -> KnownMiner:
        """Return the miner with access if any could be had; its `access` is None otherwise.

        What keeps a miner shut is recorded on it, with a pause that grows. Transient when it did not answer.
        """
        now = self._clock()
        may = miner.is_agreed or self._inside(miner.ip or "")
        if miner.access and not may:
            return await self._doubt(miner, "outside_subnets", "is outside of network.subnets now")
        try:
            return await self._keep(miner, await firmware.open(miner.reach(), None))
        except NotSupported:
            if miner.access is None:
                raise
            return await self._keep(miner, miner.access)  # it cannot be looked at: polls find out
        except BadCredentials:
            if miner.access is not None:
                log.info("%s does not take our key any more", miner.ip)
                await self._store.write(trust.refused, miner.num, miner.ip or "", now)
                if not miner.is_agreed:
                    return await self._again(miner)
        if now < miner.unlock_not_before <= now + 2 * LONGEST_PAUSE_S:
            return await self._again(miner)
        if miner.unlock_password is not None and not miner.is_agreed:
            return await self._doubt(miner, "not_agreed", "has a password of its own, and nobody agreed to its address")
        return await self._open(firmware, miner, may=may)

    def forget(self, num: int) -> None:
        """Try the key again next time: something spoke against it."""
        self._checked.pop(num, None)

    async def _open(self, firmware: Firmware, miner: KnownMiner, *, may: bool) -> KnownMiner:
        """`may`: the configured passwords may be tried at its address."""
        candidates, position = self._candidates(miner)
        failure: HivedError = Refused("no unlock password is configured", code="no_password")
        if not may:
            candidates, failure = (), Refused("is outside of network.subnets", code="outside_subnets")
        for password in candidates[:TRIES_AT_ONCE]:
            try:
                return await self._keep(miner, await firmware.open(replace(miner.reach(), access=None), password))
            except AnotherDevice:
                raise
            except WrongPassword as err:
                failure, position = err, position + 1
            except (LockedOut, Refused) as err:
                failure = err
                break
            except Transient as err:  # it answered a moment ago: this is about the unlock, not about the miner
                failure = Transient(f"cannot be unlocked: {err}", code="unlock_failed")
                break
        return await self._wait(miner, failure, position)

    def _candidates(self, miner: KnownMiner) -> tuple[tuple[str, ...], int]:
        """The passwords to try now, and where in the configured list they start."""
        if miner.unlock_password is not None:
            return (miner.unlock_password,), 0
        position = miner.unlock_position % len(self._passwords) if self._passwords else 0
        return self._passwords[position:], position

    async def _keep(self, miner: KnownMiner, access: str) -> KnownMiner:
        self._checked[miner.num] = miner.ip, self._monotonic()
        if access == miner.access:
            return miner
        now = self._clock()
        await self._writes.write(lambda db: miners.keep_access(db, miner.num, access, now, ip=miner.ip))
        return replace(
            miner, access=access, unlock_failures=0, unlock_position=0, unlock_not_before=0.0, agreed_ip=miner.ip
        )

    async def _doubt(self, miner: KnownMiner, code: str, reason: str) -> KnownMiner:
        """Send nothing more to this address until the operator agrees."""
        log.warning("%s (%s): %s: nothing secret is sent there until you agree", miner.ip, miner.mac, reason)
        await self._store.write(trust.doubt, miner.num, miner.ip or "", self._clock(), code, reason)
        return await self._again(miner)

    async def _wait(self, miner: KnownMiner, failure: HivedError, position: int) -> KnownMiner:
        now = self._clock()
        told = failure.retry_after_s if isinstance(failure, WrongPassword | LockedOut) else None
        is_guess = isinstance(failure, WrongPassword | LockedOut) or failure.code == "no_password"
        longest = LONGEST_PAUSE_S if is_guess else LONGEST_UNANSWERED_S
        pause = backoff.pause(miner.unlock_failures, FIRST_PAUSE_S, longest, spread=0.1)
        pause = max(pause, min(told or 0.0, LONGEST_PAUSE_S))
        level = logging.WARNING if miner.unlock_failures == 0 else logging.DEBUG
        log.log(level, "%s (%s): %s; next try in %d s", miner.ip, miner.mac, failure, pause)
        await self._store.write(
            miners.unlock_failed, miner.num, now, failure.code, str(failure), not_before=now + pause, position=position
        )
        return await self._again(miner)

    async def _again(self, miner: KnownMiner) -> KnownMiner:
        found = await self._store.read(miners.by_mac, miner.mac)
        return miner if found is None else found
