"""The master's look at its fleet: its own row, and which nodes have fallen silent."""

from __future__ import annotations

import logging
from collections.abc import Callable

from hived import __version__
from hived.errors import next_step, problem
from hived.store import Store
from hived.store.nodes import contacts

log = logging.getLogger(__name__)

WARN_S = 86_400.0  # how often it is said who sends without TLS
WATCH_S = 5.0  # a ninth of what a node may be silent before it is suspect


class NodeWatch:
    """Keeps the states of nodes true while hive-apid serves."""

    def __init__(self, store: Store, node_id: str, *, name: str, site: str | None, clock: Callable[[], float]) -> None:
        self._store, self._node_id, self._name, self._site, self._clock = store, node_id, name, site, clock
        self._began, self._warned_at = clock(), 0.0

    async def beat(self) -> None:
        """Write the master's own row and look who has fallen silent. Transient: database busy."""
        now = self._clock()
        await self._store.write(
            contacts.own, self._node_id, name=self._name, site=self._site, version=__version__, now=now
        )
        for name in await self._store.write(contacts.watch, now, since=self._began):
            log.warning("node %s has fallen silent", name)
        if abs(now - self._warned_at) >= WARN_S:
            for name, code in await self._store.read(contacts.plain, since=now - WARN_S):
                log.warning("%s %s: %s", name, problem(code).words, next_step(code, node=name))
            self._warned_at = now
