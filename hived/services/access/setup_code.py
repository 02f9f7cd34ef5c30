"""The way in for the first admin: a code in hive-apid's log, for as long as there is no user."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hived.records.logins import code_hash, new_code
from hived.store import Database, Store
from hived.store.access import codes, users

log = logging.getLogger(__name__)

LOOK_S = 30.0
VALID_S = 86_400.0
MOST = 4  # one for each process, and after a restart those in the older lines of the log


class SetupCode:
    """Keeps one code valid while there is no user. Only its hash is stored, so a new start says a new one."""

    def __init__(self, store: Store, url: str, clock: Callable[[], float]) -> None:
        self._store, self._url, self._clock = store, url, clock
        self._hash = ""

    async def beat(self) -> None:
        """Make a code and say it, when there is no user and none of ours is valid; take it back when there is one."""
        code = new_code()
        if await self._store.read(_is_fine, self._hash, self._clock()):
            return
        if await self._store.write(_renew, code_hash(code), self._clock()):
            self._hash = code_hash(code)
            # A warning, so that it is seen at every level of the log that is usual.
            log.warning("no user yet: open %s/setup and enter the code %s", self._url, code)


def _is_fine(db: Database, code: str, at: float) -> bool:
    if users.any_there(db):
        return not codes.any_open(db, "setup", at)
    return codes.is_open(db, code, at)


def _renew(db: Database, code: str, at: float) -> bool:
    if users.any_there(db):
        codes.forget(db, "setup")
        return False
    codes.add(db, code, kind="setup", at=at, expires_at=at + VALID_S, by=None, most=MOST)
    return True
