"""Tell webhooks of events, in their order: a cursor moves as soon as an event was taken, and nothing is lost before.

Each webhook goes its own way: one that refuses is tried again with growing pauses and holds up no other. What was under
way when this process is killed comes again, with the same number.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import takewhile

from hived.documents.appliance import event as document
from hived.records.events import Event
from hived.records.outgoing import Answered
from hived.records.times import rfc3339
from hived.records.webhooks import GIVE_UP_S, Webhook, signed
from hived.runtime.backoff import pause
from hived.services.alerts.outgoing import Outgoing, to_the_end
from hived.services.integrations.webhooks import request
from hived.store import Database, Store
from hived.store.engine.epoch import epoch
from hived.store.integrations import webhooks

log = logging.getLogger(__name__)

BATCH = 50
FIRST_PAUSE_S = 15.0
LONGEST_PAUSE_S = 3600.0
AHEAD_S = 2 * LONGEST_PAUSE_S
"""Nothing waits longer for its next try: the clock was set back."""
MAX_BODY = 64 * 1024

Happened = tuple[Event, str | None, str | None]
"""An event, with address and host name of its miner."""


@dataclass(slots=True)
class WebhookDelivery:
    """Sends what has happened since; `summary` says how it goes."""

    store: Store
    outgoing: Outgoing
    clock: Callable[[], float]
    failing: set[str] = field(default_factory=set)

    def summary(self) -> str:
        return f"webhook {', '.join(sorted(self.failing))} cannot be reached" if self.failing else ""

    async def tick(self) -> None:
        """Send a batch to each webhook that wants one. Transient: database busy, or no process to send with."""
        every = await self.store.read(webhooks.listing)
        self.failing &= {webhook.name for webhook in every}
        now = self.clock()
        due = [one for one in every if one.enabled and not 0 < (one.next_try or now) - now <= AHEAD_S]
        await to_the_end(self._send(webhook) for webhook in due)

    async def _send(self, webhook: Webhook) -> None:
        found, upto, prefix = await self.store.read(_batch, webhook)
        late = len(list(takewhile(lambda one: self._is_late(webhook, one[0]), found)))
        wanted = found[late:]
        if late:
            passed = webhook.passed_over + late
            await self.store.write(webhooks.save, webhook.name, after=found[late - 1][0].id, passed_over=passed)
            log.warning("webhook %s: %d events are passed over, it refused for a day", webhook.name, late)
        if not wanted:
            if upto != webhook.after:
                await self.store.write(webhooks.save, webhook.name, after=upto)
            return
        if webhook.url is None or webhook.secret is None:
            await self._failed(webhook, "its URL or secret cannot be opened with this key")
            return
        left = iter([happened for happened, _, _ in wanted])

        async def heard(answered: Answered) -> None:
            if answered.ok:
                await self._taken(webhook, next(left), answered)

        places = await self.outgoing.egress(self.store)
        jobs = list(self._jobs(webhook.secret, prefix, wanted))
        answers = await self.outgoing.sender.request(webhook.url, jobs, places, heard)
        if not answers[-1].ok:
            await self._failed(webhook, answers[-1].words)
        elif len(found) < BATCH:
            await self.store.write(webhooks.save, webhook.name, after=upto)

    def _is_late(self, webhook: Webhook, happened: Event) -> bool:
        return webhook.failures > 0 and happened.at < self.clock() - GIVE_UP_S

    def _jobs(self, secret: str, prefix: str, wanted: Iterable[Happened]) -> Iterable[dict[str, object]]:
        for happened, ip, hostname in wanted:
            body = body_of(happened, ip, hostname)
            yield request(signed(secret, f"{prefix}-{happened.id}", self.clock(), body), body)

    async def _taken(self, webhook: Webhook, happened: Event, answered: Answered) -> None:
        if webhook.name in self.failing:
            self.failing.discard(webhook.name)
            log.info("webhook %s is reached again", webhook.name)
        await self.store.write(
            webhooks.save, webhook.name, after=happened.id, failures=0, next_try=None, sent_at=self.clock(),
            said=answered.words,
        )  # fmt: skip

    async def _failed(self, webhook: Webhook, why: str) -> None:
        level = logging.DEBUG if webhook.name in self.failing else logging.WARNING
        log.log(level, "webhook %s is not reached: %s", webhook.name, why)
        self.failing.add(webhook.name)
        current = await self.store.read(_failures, webhook.name)
        wait = pause(current, FIRST_PAUSE_S, LONGEST_PAUSE_S, spread=0.1)
        await self.store.write(
            webhooks.save, webhook.name, failures=current + 1, next_try=self.clock() + wait, said=why
        )


def body_of(happened: Event, ip: str | None, hostname: str | None) -> str:
    """Return what is sent of an event: the API's document of it. What is too long goes without its detail."""
    told = document(happened, ip, hostname)
    body = _json(happened, told)
    return body if len(body.encode()) <= MAX_BODY else _json(happened, told | {"detail": None})


def _json(happened: Event, told: object) -> str:
    return json.dumps(
        {"type": happened.kind, "timestamp": rfc3339(happened.at), "data": told}, ensure_ascii=False, default=str
    )


def _batch(db: Database, webhook: Webhook) -> tuple[list[Happened], int, str]:
    found, upto = webhooks.following(db, webhook.after, webhook.kinds, BATCH)
    return found, upto, epoch(db)


def _failures(db: Database, name: str) -> int:
    return next((one.failures for one in webhooks.listing(db) if one.name == name), 0)
