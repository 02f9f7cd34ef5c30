"""Bring notices to people: each to every channel that takes it, tried for a day with growing pauses.

A row is taken for a while before it is sent and marked as soon as the other side answered. So nothing is lost when this
process is killed; what it was sending at that very moment may come twice.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from hived.clients.outgoing.limits import JOB_S
from hived.errors import Transient
from hived.records.alerts import Channel, Delivery
from hived.records.outgoing import Answered, Message, Tone
from hived.runtime.backoff import pause
from hived.services.alerts import channels
from hived.services.alerts.outgoing import Outgoing, to_the_end
from hived.store import Store
from hived.store.alerts import notices

log = logging.getLogger(__name__)

FIRST_PAUSE_S = 30.0
LONGEST_PAUSE_S = 3600.0
AT_ONCE = 4
"""Notices that are taken at a time: those of one channel are sent one after the other."""
LEASE_S = AT_ONCE * (JOB_S + 15.0)
PER_HOUR = 60
"""Messages that one channel gets in an hour; more wait. A phone that rings all night is switched off."""
MAX_TITLE, MAX_BODY = 200, 4000


@dataclass(slots=True)
class NoticeDelivery:
    """Sends what is due; `summary` says how it goes."""

    store: Store
    outgoing: Outgoing
    clock: Callable[[], float]
    failing: dict[str, str] = field(default_factory=dict)
    """The channels whose last message did not arrive, and why."""
    _unheard: bool = False
    """Whether it was said that nobody is told."""
    _sent: dict[str, deque[float]] = field(default_factory=dict)

    def summary(self) -> str:
        return f"{', '.join(sorted(self.failing))} cannot be reached" if self.failing else ""

    async def tick(self) -> None:
        """Send everything that is due now. Transient: database busy, or no process to send with."""
        every = await self.store.read(channels.every, self.outgoing.channels)
        self.failing = {name: why for name, why in self.failing.items() if name in {one.name for one in every}}
        fresh, _ = await self.store.write(notices.spread, every, self.clock())
        if fresh and not any(one.enabled for one in every):
            level = logging.DEBUG if self._unheard else logging.WARNING
            log.log(level, "nobody is told what is wrong: there is no channel (hivectl alerts add-channel)")
            self._unheard = True
        by_name = {channel.name: channel for channel in every}
        while due := await self.store.write(notices.claim, self.clock(), lease_s=LEASE_S, limit=AT_ONCE):
            due.sort(key=lambda one: (one.channel, one.notice.id))
            batches = [list(batch) for _, batch in groupby(due, key=lambda one: one.channel)]
            await to_the_end(self._deliver(by_name.get(batch[0].channel), batch) for batch in batches)

    async def _deliver(self, channel: Channel | None, batch: Sequence[Delivery]) -> None:
        """Send to one channel. After one that did not arrive the others wait with it."""
        unreached: Answered | None = None
        for one in batch:
            if channel is None or not channel.enabled:
                await self._failed(one, None, "the channel was taken away or switched off")
            elif unreached is not None:
                await self._failed(one, self._again(one), unreached.words)
            elif (free_at := self._free_at(channel.name)) > self.clock():
                await self._failed(one, free_at, f"it had {PER_HOUR} messages within an hour")
            else:
                answered = await self._send(channel, one)
                unreached = None if answered.ok or answered.status is not None else answered

    async def _send(self, channel: Channel, one: Delivery) -> Answered:
        try:
            answered = await channels.send(self.store, self.outgoing, channel, message_of(one))
        except Transient as err:
            answered = Answered(False, None, str(err))
        if answered.ok:
            if self.failing.pop(channel.name, None):
                log.info("channel %s is reached again", channel.name)
            self._sent.setdefault(channel.name, deque(maxlen=PER_HOUR)).append(self.clock())
            at = self.clock()
            await self.store.write(notices.delivered, one.notice.id, channel.name, at, answered.words)
        else:
            known = channel.name in self.failing
            self.failing[channel.name] = answered.words
            level = logging.DEBUG if known else logging.WARNING
            log.log(level, "notice %d did not reach channel %s: %s", one.notice.id, channel.name, answered.words)
            await self._failed(one, self._again(one), answered.words)
        return answered

    def _again(self, one: Delivery) -> float:
        return self.clock() + pause(one.attempts, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread=0.1)

    def _free_at(self, name: str) -> float:
        sent = self._sent.get(name)
        return sent[0] + 3600.0 if sent is not None and len(sent) == PER_HOUR else 0.0

    async def _failed(self, one: Delivery, next_try: float | None, why: str) -> None:
        await self.store.write(notices.failed, one.notice.id, one.channel, next_try, why)


def message_of(one: Delivery) -> Message:
    """Return a notice as it is sent: bounded, with its link."""
    notice = one.notice
    body = notice.body if len(notice.body) <= MAX_BODY else f"{notice.body[: MAX_BODY - 1]}…"
    tone: Tone = "good" if notice.told == "ended" else notice.severity
    return Message(
        notice.title[:MAX_TITLE], f"{body}\n{notice.link}" if notice.link and notice.link not in body else body, tone
    )
