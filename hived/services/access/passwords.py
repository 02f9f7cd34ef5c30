"""Passwords, hashed so that guessing is slow: argon2id with the library's defaults (RFC 9106, 64 MiB each)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hived.errors import Throttled

T = TypeVar("T")

AT_ONCE = 2  # 128 MiB; more would be no faster on a small box
WAITING = 16  # a second or two of work; more is nobody who forgot a password


class Passwords:
    """Hashes and checks off the event loop, few at a time. Passwords come in as `records.logins` makes them."""

    def __init__(self, hasher: PasswordHasher | None = None) -> None:
        self._hasher = hasher or PasswordHasher()
        self._places = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """Return what is to be kept of a password."""
        return await self._worked(self._hasher.hash, password)

    async def check(self, hashed: str | None, password: str) -> bool:
        """Tell whether a password is the right one. For nobody (None) the answer is no and takes as long."""
        if hashed is None:
            await self.hash(password)
            return False
        return await self._worked(self._verify, hashed, password)

    def is_old(self, hashed: str) -> bool:
        """Tell whether a hash was made with weaker parameters than those of now."""
        return self._hasher.check_needs_rehash(hashed)

    def _verify(self, hashed: str, password: str) -> bool:
        try:
            return self._hasher.verify(hashed, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _worked(self, work: Callable[..., T], *args: str) -> T:
        if self._waiting >= WAITING:
            raise Throttled("many log in at once, try again in a moment", 1.0)
        self._waiting += 1
        try:
            async with self._places:
                return await asyncio.to_thread(work, *args)
        finally:
            self._waiting -= 1
