"""A full disk is told although it takes no row: past the database, once, and once more when there is room again."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from hived.errors import Transient
from hived.records.outgoing import Answered, Message
from hived.services.alerts import channels
from hived.services.alerts.findings import Finding
from hived.services.alerts.outgoing import Outgoing
from hived.services.alerts.sight import Sight
from hived.store import Store

log = logging.getLogger(__name__)

SIGN = "box.disk"
Send = Callable[[Message], Awaitable[bool]]


class PastTheDisk:
    """Remembers, as long as this process lives, whether it told what no row could be written of."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._told: Finding | None = None

    async def refused(self, sight: Sight) -> None:
        """Tell why a round could not be written, if that is the disk."""
        found = disk_of(sight)
        if found is None or self._told is not None or sight.tells == "none":
            return
        body = f"What: {found.name}: {found.what}\nNext step: {found.step}\nUntil then no other alert can be kept."
        if await self._send(Message(f"{found.name}: {found.what}", body, "bad")):
            self._told = found

    async def taken(self, sight: Sight) -> None:
        """Tell that there is room again, after a round that was written."""
        if self._told is None or disk_of(sight) is not None:
            return
        name = self._told.name
        if await self._send(Message(f"Over: {name}: the disk takes rows again", f"What: {name} stores again.", "good")):
            self._told = None


def disk_of(sight: Sight) -> Finding | None:
    """Return what is wrong with the disk, if somebody wants to know."""
    found = (one for one in sight.findings.values() if sight.rules[one.rule].sign == SIGN)
    return next((one for one in found if one.subject not in sight.resting), None)


async def to_all(store: Store, outgoing: Outgoing, message: Message) -> bool:
    """Send a message to all channels at once, without a row; tell whether one took it."""
    answered = False
    try:
        every = await store.read(channels.every, outgoing.channels)
        for channel in every:
            if channel.enabled:
                answer: Answered = await channels.send(store, outgoing, channel, message)
                answered = answered or answer.ok
    except Transient as err:
        log.debug("nobody could be told: %s", err)
    return answered
