"""Ask the master for objects of others that wait for a model, while this node's has nothing of its own to describe."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from hived.clients.master.errors import BadBatch, TooLarge
from hived.records.joining import NodeKey
from hived.records.streams import Limits
from hived.store import Store
from hived.store.collecting import borrowed

if TYPE_CHECKING:
    from hived.clients.master.client import MasterClient

log = logging.getLogger(__name__)


async def borrow(
    store: Store, client: MasterClient, key: NodeKey, master_id: str, limits: Limits, clock: Callable[[], float]
) -> None:
    """Tell the master what came of what it lent, and get more when there is time for it. Raises what that does."""
    if not limits.lends:
        return
    wish = await store.write(borrowed.wish, master_id, clock())
    if wish is None:
        return
    body = {"by": wish.by, "room": min(wish.room, limits.lends), "holding": wish.holding, "told": wish.told}
    try:
        answer = await client.lent(key, body, limits.encodings)
    except (BadBatch, TooLarge) as err:
        log.warning("the master does not take what came of the objects that it lent: %s", err)
        await store.write(borrowed.keep, master_id, (), [one["url"] for one in wish.told], until=clock())
        return
    await store.write(borrowed.keep, master_id, answer.objects, answer.taken, until=clock() + answer.seconds)
