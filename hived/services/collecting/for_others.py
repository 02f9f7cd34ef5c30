"""Describe what other boxes collected, when nothing of our own waits: what the master lent, or holds on this box."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

from hived.clients.ollama.parse import BadAnswer
from hived.errors import Refused, Transient
from hived.records.artifact import CollectedObject, Description
from hived.records.lending import Lent
from hived.services.collecting.describe.plan import NO_FACTS
from hived.store import Store
from hived.store.collecting import artifacts, borrowed, lending, tries

log = logging.getLogger(__name__)


class _Describer(Protocol):
    async def describe(self, obj: CollectedObject) -> Description: ...

    def rest_s(self) -> float: ...


class ForOthers:
    """One object at a time. Whatever ends it midway, the object stays where it is and is done again."""

    def __init__(self, store: Store, describer: _Describer, *, node_id: str, clock: Callable[[], float]) -> None:
        self._store, self._describer, self._node_id, self._clock = store, describer, node_id, clock
        self.described = 0

    async def describe_next(self, by: str | None) -> bool:
        """Describe the next object with the model `by`; False when there is none, or the model cannot be asked now."""
        if by is None or self._describer.rest_s() > 0:
            return False
        lent = await self._store.read(borrowed.next_one, self._clock())
        if lent is not None:
            return await self._describe(None, lent, by)
        if not await self._store.read(lending.waits, self._node_id, by=by, now=self._clock()):
            return False
        got = await self._store.write(lending.lend, self._node_id, by=by, room=1, holding=(), now=self._clock())
        return bool(got) and await self._describe(*got[0], by)

    async def _describe(self, number: int | None, lent: Lent, by: str) -> bool:
        """`number`: the artifact of this box that it is; None: it is the master's."""
        try:
            text = await self._describer.describe(lent.object)
        except BadAnswer as err:
            if number is None:
                await self._store.write(borrowed.useless, lent.url, str(err), is_hopeless=err.reason == NO_FACTS)
            else:
                is_hopeless, now = err.reason == NO_FACTS, self._clock()
                await self._store.write(tries.failed, number, str(err), by=by, is_hopeless=is_hopeless, now=now)
            log.debug("%s is not described: %s", lent.url, err)
            return True
        except (Transient, Refused):
            return False  # the model's trouble, not the object's
        if number is None:
            await self._store.write(borrowed.described, lent, text, at=self._clock())
        else:
            await self._store.write(
                artifacts.describe, number, text, node_id=self._node_id, input_hash=lent.input_hash, at=self._clock()
            )
        self.described += 1
        return True
