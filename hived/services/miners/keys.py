"""How hived gets into a miner: exactly one key of ours on it, whatever happens in between.

The order is the same after every start: the stored key, then a key of ours that is already on the miner, and only
then a new one. A crash between making a key and storing it costs nothing: the next start finds it on the miner by its
description. The firmware locks out whoever guesses, so tries are few and the pauses between them grow.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Sequence

from hived.clients.firmwares.vnish.client import VnishClient
from hived.errors import BadCredentials, LockedOut, Refused, Transient, WrongPassword
from hived.records.miner_view import KnownMiner
from hived.store import Store
from hived.store.miners import miners

log = logging.getLogger(__name__)

DESCRIPTION = "hived"
"""What our key is called on the miner; keys of others are never touched."""

TRIES_AT_ONCE = 3  # the number that brings a lockout is not documented; login forms of this kind commonly allow five
FIRST_PAUSE_S = 60.0
LONGEST_PAUSE_S = 6 * 3600.0
CHECK_EVERY_S = 3600.0
"""A key that worked is tried again after this long, to notice that somebody removed it."""


class KeyKeeper:
    """Sees to it that a miner has one key of ours and that we know it."""

    def __init__(
        self, store: Store, client: VnishClient, passwords: Sequence[str], *, clock: Callable[[], float]
    ) -> None:
        self._store, self._client, self._clock = store, client, clock
        self._passwords = tuple(passwords)
        self._checked: dict[int, float] = {}

    async def ensure(self, miner: KnownMiner, ip: str) -> KnownMiner:
        """Return the miner with a working key if one could be had; its `api_key` is None otherwise.

        A wrong password is recorded on the miner and never raised. Transient when the miner did not answer.
        """
        now = self._clock()
        if miner.api_key is not None:
            if now - self._checked.get(miner.num, -CHECK_EVERY_S) < CHECK_EVERY_S:
                return miner
            if await self._client.check_key(ip, miner.api_key):
                self._checked[miner.num] = now
                return miner
            log.info("%s does not take our key any more, making a new one", ip)
            await self._store.write(miners.drop_key, miner.num, now)
        if now < miner.unlock_not_before <= now + 2 * LONGEST_PAUSE_S:
            return await self._again(miner)
        return await self._open(miner, ip)

    def forget(self, num: int) -> None:
        """Try the key again next time: something spoke against it."""
        self._checked.pop(num, None)

    async def _open(self, miner: KnownMiner, ip: str) -> KnownMiner:
        candidates, position = self._candidates(miner)
        told: float | None = None
        reason = "no unlock password is configured"
        tried = 0
        for password in candidates[:TRIES_AT_ONCE]:
            tried += 1
            try:
                token = await self._client.unlock(ip, password)
            except WrongPassword as err:
                told = err.retry_after_s
                reason = "wrong unlock password" if miner.unlock_password else f"none of {tried} passwords opens it"
                continue
            except LockedOut as err:
                told, tried = err.retry_after_s, tried - 1
                reason = "locked out after too many wrong passwords"
                break
            return await self._make_key(miner, ip, token)
        return await self._wait(miner, ip, reason, told, position + tried)

    def _candidates(self, miner: KnownMiner) -> tuple[tuple[str, ...], int]:
        """The passwords to try now, and where in the configured list they start."""
        if miner.unlock_password is not None:
            return (miner.unlock_password,), 0
        position = miner.unlock_position % len(self._passwords) if self._passwords else 0
        return self._passwords[position:], position

    async def _make_key(self, miner: KnownMiner, ip: str, token: str) -> KnownMiner:
        try:
            key = await self._own_key(ip, token)
        except (BadCredentials, Refused) as err:
            return await self._wait(miner, ip, f"unlocked, but no key could be made: {err}", None, 0)
        await self._store.write(miners.keep_key, miner.num, key, self._clock())
        self._checked[miner.num] = self._clock()
        try:
            await self._client.lock(ip, token)  # the key is enough from here on
        except (Transient, Refused) as err:
            log.debug("%s keeps its session open: %s", ip, err)
        return await self._again(miner)

    async def _own_key(self, ip: str, token: str) -> str:
        """Return the key of ours that is on the miner, making it if there is none; surplus ones are removed."""
        ours = await self._ours(ip, token)
        if not ours:
            await self._client.add_api_key(ip, token, secrets.token_hex(16), DESCRIPTION)
            # Listed again: another node may have made one in the same moment. Both then agree on the smallest.
            ours = await self._ours(ip, token)
        if not ours:
            raise Refused("the key that was just made is not on the miner")
        for surplus in ours[1:]:
            await self._client.delete_api_key(ip, token, surplus)
        return ours[0]

    async def _ours(self, ip: str, token: str) -> list[str]:
        return sorted(k.key for k in await self._client.api_keys(ip, token) if k.description == DESCRIPTION)

    async def _wait(self, miner: KnownMiner, ip: str, reason: str, told: float | None, position: int) -> KnownMiner:
        now = self._clock()
        pause = min(FIRST_PAUSE_S * 2 ** min(miner.unlock_failures, 16), LONGEST_PAUSE_S) * random.uniform(0.9, 1.1)
        pause = max(pause, min(told or 0.0, LONGEST_PAUSE_S))
        level = logging.WARNING if miner.unlock_failures == 0 else logging.DEBUG
        log.log(level, "%s (%s): %s; next try in %d s", ip, miner.mac, reason, pause)
        await self._store.write(
            miners.unlock_failed, miner.num, now, reason, not_before=now + pause, position=position, forget_key=True
        )
        return await self._again(miner)

    async def _again(self, miner: KnownMiner) -> KnownMiner:
        found = await self._store.read(miners.by_mac, miner.mac)
        return miner if found is None else found
