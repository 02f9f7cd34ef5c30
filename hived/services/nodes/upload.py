"""Carry what this node learns to its master: how it is, the newest state first, then the history that waits.

State comes again every few seconds whatever backlog there is, and each stream of history gets a batch in turn: neither
holds up the other. All that is kept in memory can be lost: the master says where each stream goes on.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hived.clients.master.errors import KeyTaken, NotWelcome
from hived.errors import Refused, Transient
from hived.records.joining import NodeKey, new_key
from hived.records.lending import ASK_S
from hived.records.streams import CONTRIBUTIONS, EVENTS, FACTS, FLEET, MINERS, ROLLUP_S, STATUS, STREAMS, WIRE, behind
from hived.records.times import to_text
from hived.records.uplink import JOINED, Contact, Identity, Uplink
from hived.services.nodes.borrowing import borrow
from hived.services.nodes.delivery import HEAD_BYTES, Delivery
from hived.services.nodes.orders import Orders
from hived.services.nodes.prove import sees_master
from hived.store import Database, Store
from hived.store.engine import epoch
from hived.store.nodes import contested, dead_letters, streams, uplink

if TYPE_CHECKING:
    from hived.clients.master.client import MasterClient

log = logging.getLogger(__name__)

CONTACT_S = 15.0
STATE_S = 5.0
"""How old the newest state of a miner may be at the master while the link works."""
EVERYTHING_S = 300.0
"""So often the state of all miners is told, changed or not: it heals whatever got lost, and tells who was seen."""
SLICE_S = 4.5
"""How long history is carried at a stretch; then the state is due again."""
COUNT_S = 60.0
"""How often a backlog is counted: up to 100,000 rows take a moment."""
AT_ONCE = 200  # rows in one body, of what is sent again
GOODBYE_S = 0.8
"""For the last contact of a daemon that is being stopped, which must not delay the stop."""
KEY_DAYS = 90.0
"""A key that leaked unnoticed is worth nothing after a quarter of a year."""
SKEW_S = 300.0
"""From here on a person should put a clock right: the master's charts are as wrong as the node's time."""
TOLD_EVENTS = "events of before"
"""The sync point up to which events were told under an earlier epoch."""
NEW_EPOCH_S = 3600.0
"""A master whose numbers make no sense must not have us send everything again and again."""

Health = Callable[[], Awaitable[dict[str, Any]]]


class Upload:
    """Rounds of carrying. One at a time; what is due is asked of a monotonic clock."""

    def __init__(
        self, store: Store, own: Identity, orders: Orders, *, health: Health, clock: Callable[[], float],
        monotonic: Callable[[], float], progress: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        self._store, self._own, self._orders, self._health = store, own, orders, health
        self._clock, self._monotonic, self._progress = clock, monotonic, progress
        self._client: MasterClient | None = None
        self._delivery: Delivery | None = None
        self._way: tuple[object, ...] = ()
        self._cursor = (0, 0)
        self._models: dict[str, str] = {}
        self._due: dict[str, float] = {}
        self._more = False
        self._noted: dict[str, int] = {}
        self._epoch_due = float("-inf")
        self._skewed = False
        self.behind: dict[str, int] = dict.fromkeys(STREAMS, 0)
        """How many rows waited when they were last counted."""

    async def close(self) -> None:
        """Close the connection and forget where the streams are: the master will say."""
        client, self._client, self._delivery, self._way = self._client, None, None, ()
        self._due.clear()
        self._noted = {}
        if client is not None:
            await client.close()

    async def round(self, link: Uplink) -> None:
        """Do what is due. Raises what the client raises; a backlog that is not done is for the next round."""
        await self._connect(link)
        if self._delivery is None:
            self.contact_soon()
        if self._takes_turn("contact", CONTACT_S):
            link = await self._contact(link)
        delivery = self._delivery
        if delivery is None:  # another key or another epoch: both begin with a contact
            return
        delivery.begin_round()
        state_due = self._takes_turn("state", STATE_S)
        if state_due:
            await self._state(delivery)
        if state_due or self._more:
            await self._history(delivery)
            await self._note_held(str(link.master_id), delivery)
        if self._takes_turn("loan", ASK_S) and self._client is not None and link.key is not None:
            await borrow(self._store, self._client, link.key, str(link.master_id), delivery.limits, self._clock)
        if delivery.beyond:
            await self._begin_epoch(str(link.master_id))

    def contact_soon(self) -> None:
        """Have the next round begin with a contact: there is something to tell."""
        self._due.pop("contact", None)

    async def goodbye(self, link: Uplink) -> None:
        """Tell the master that this node is stopped on purpose, if that is quickly said."""
        if self._client is None or link.key is None or link.state != JOINED:
            return
        try:
            async with asyncio.timeout(GOODBYE_S):
                body, _ = await self._told(link, self._clock())
                await self._say(link, link.key, body | {"done": [], "leaving": True})
        except (TimeoutError, Transient, Refused) as err:
            log.debug("no goodbye: %s", err)

    async def count(self, link: Uplink) -> None:
        """Count what waits, from the rows and the numbers that the master last said to hold."""
        if link.master_id is not None and self._takes_turn("count", COUNT_S):
            held = await self._store.read(uplink.points, link.master_id)
            lags = await self._store.read(streams.lags, node_id=self._own.node_id, held=held, count=True)
            aside = await self._store.read(dead_letters.counts)
            self.behind = behind(lags, held, aside)

    async def _connect(self, link: Uplink) -> None:
        way = (link.url, link.pin, link.key)
        if self._client is not None and way == self._way:
            return
        await self.close()
        assert link.url is not None
        from hived.clients.master.client import MasterClient  # aiohttp: a box without a master does not pay for it

        self._client, self._way = MasterClient(link.url, pin=link.pin, version=self._own.version), way
        self._cursor = (0, 0)
        self._models.clear()

    # -- contact -----------------------------------------------------------------------------------------------

    async def _contact(self, link: Uplink) -> Uplink:
        assert link.key is not None
        assert self._client is not None
        began, wall = self._monotonic(), self._clock()
        body, reported = await self._told(link, wall)
        encodings = self._delivery.limits.encodings if self._delivery is not None else ()
        answer, proven = await self._say(link, link.key, body, encodings)
        self._progress()
        skew = answer.at - (wall + (self._monotonic() - began) / 2)
        self._look_at_clocks(skew, answer)
        now = self._clock()
        fields: dict[str, Any] = {
            "ok_at": now, "skew_s": skew, "master_id": answer.node_id, "master_name": answer.name, "last_error": None,
            "last_error_code": None, "last_error_at": None, **proven,
        }  # fmt: skip
        if link.keyed_at is None:
            fields["keyed_at"] = now
        entered = await self._store.write(uplink.enter, link.key, JOINED, now, **fields)
        if entered or link.ok_at is None:  # with a code, hivectl has entered it already
            log.warning("joined %s at %s: it gets what this node learns, and may give it orders", answer.name, link.url)
        link = replace(
            link, state=JOINED, master_id=answer.node_id, master_name=answer.name,
            keyed_at=now if link.keyed_at is None else link.keyed_at,
        )  # fmt: skip
        await self._orders.told(answer.node_id, reported)
        await self._orders.take(answer.node_id, answer.orders, pinned=link.tls and link.pin is not None)
        await self._agree(link, str(body["epoch"]), answer)
        return await self._change_key(link) if self._client is not None else link

    async def _say(
        self, link: Uplink, key: NodeKey, body: dict[str, Any], encodings: Sequence[str] = ()
    ) -> tuple[Contact, dict[str, Any]]:
        """Make contact, over a way without TLS once the master has proven itself; return what to note of that, too."""
        assert self._client is not None
        try:
            proven = not link.tls and await sees_master(self._client, self._own.node_id, link)
        except BaseException:
            await self.close()  # nothing more over this connection
            raise
        answer = await self._client.contact(key, body, encodings)
        return answer, {"proven_at": self._clock()} if proven else {}

    async def _told(self, link: Uplink, wall: float) -> tuple[dict[str, Any], list[int]]:
        incarnation = await self._store.read(epoch.epoch)
        newest = await self._store.read(streams.newest)
        held = await self._store.read(uplink.points, str(link.master_id))
        lags = await self._store.read(streams.lags, node_id=self._own.node_id, held=held, count=False)
        done = await self._orders.done(str(link.master_id))
        body = {
            "wire": WIRE, "version": self._own.version, "name": self._own.name, "site": self._own.site,
            "epoch": incarnation, "at": to_text(wall), "newest": newest,
            "oldest_unsent_at": {name: None if lag.oldest_at is None else to_text(lag.oldest_at)
                                 for name, lag in lags.items()},
            "health": await self._health(), "done": [{"id": number, "result": result} for number, result in done],
        }  # fmt: skip
        return body, [number for number, _ in done]

    async def _agree(self, link: Uplink, incarnation: str, answer: Contact) -> None:
        """Go on where the master says; when it holds what we never wrote, our database is an older copy."""
        newest = await self._store.read(streams.newest)
        known = await self._store.read(uplink.points, answer.node_id)
        if any(answer.held[name] > max(newest[name], known.get(name, 0)) for name in STREAMS):
            await self._begin_epoch(answer.node_id)
            return
        delivery = self._delivery
        if delivery is None or delivery.epoch != incarnation:
            assert link.key is not None
            assert self._client is not None
            delivery = self._delivery = Delivery(
                self._store, self._client, link.key, node_id=self._own.node_id, epoch=incarnation, clock=self._clock
            )
        delivery.held = dict(answer.held)
        delivery.known = {EVENTS: known.get(TOLD_EVENTS, 0)}
        delivery.limits = answer.limits
        await self._note_held(answer.node_id, delivery)

    async def _begin_epoch(self, master_id: str) -> None:
        if self._monotonic() < self._epoch_due:
            raise Transient("the master claims again to hold what this node never wrote")
        self._epoch_due = self._monotonic() + NEW_EPOCH_S
        log.warning(
            "the master holds more than this database ever sent: this is an older copy, perhaps restored from a backup."
            " Everything is sent again; the master keeps what it has once"
        )
        await self._store.write(begin_anew, master_id, self._clock())
        await self.close()

    async def _note_held(self, master_id: str, delivery: Delivery) -> None:
        held = {stream: seq for stream, seq in delivery.held.items() if delivery.limits.takes(stream)}
        if held != self._noted:
            self._noted = held
            await self._store.write(uplink.hold, master_id, self._noted, self._clock())

    async def _change_key(self, link: Uplink) -> Uplink:
        """Change the key when it is old, without a moment in which none opens.

        The new key is kept here before the master hears of it, and the old one until the new one was used: wherever
        this is cut off, it goes on from the row.
        """
        assert link.key is not None
        assert self._client is not None
        new = link.next_key
        if new is None:
            if link.keyed_at is not None and 0 <= self._clock() - link.keyed_at < KEY_DAYS * 86_400:
                return link
            new = new_key()
            if not await self._store.write(uplink.prepare_key, link.key, new):
                return link
        try:
            await self._client.register(link.key, new)
        except KeyTaken:
            await self._store.write(uplink.prepare_key, link.key, None)
            return link
        except NotWelcome:
            log.debug("the old key is no longer accepted: the new one may have been used already")
        return await self.use_next(replace(link, next_key=new))

    async def use_next(self, link: Uplink) -> Uplink:
        """Try the key that is to follow; when it opens it is the key from now on. NotWelcome: it does not."""
        assert link.key is not None
        assert link.next_key is not None
        await self._connect(replace(link, key=link.next_key))
        assert self._client is not None
        body, _ = await self._told(link, self._clock())
        await self._say(link, link.next_key, body | {"done": []})
        if not await self._store.write(uplink.promote_key, link.key, link.next_key, self._clock()):
            raise Transient("another key came in between")
        log.info("the key for %s was changed", link.master_name)
        link = replace(link, key=link.next_key, next_key=None, keyed_at=self._clock())
        await self._connect(link)
        return link

    def _look_at_clocks(self, skew: float, answer: Contact) -> None:
        if abs(skew) > SKEW_S and not self._skewed:
            log.warning("the clock of %s is %.0f s %s of this node's: one of them is wrong", answer.name, abs(skew),
                        "ahead" if skew > 0 else "behind")  # fmt: skip
            self._skewed = True
        elif abs(skew) < SKEW_S / 2 and self._skewed:
            log.info("the clocks of %s and this node agree again", answer.name)
            self._skewed = False

    # -- state and history -------------------------------------------------------------------------------------

    async def _state(self, delivery: Delivery) -> None:
        """Tell how the miners are now: rows and models that changed, then each one's latest status."""
        everything = self._takes_turn("everything", EVERYTHING_S)
        if everything and (others := await self._store.read(contested.waiting)):
            await self._store.write(streams.tell_again, others)
        while await delivery.batch(MINERS):
            self._progress()
        await self._what_waited(delivery)
        models = await self._store.read(streams.models)
        changed = [item for item in models if self._models.get(item.what) != item.text]
        for item in changed:  # one by one: a ladder with its topology has tens of KiB
            await delivery.loose(MINERS, "models", [item])
            self._models[item.what] = item.text
        if everything:
            self._cursor = (0, 0)
        more = True
        while more:
            page = await self._store.read(
                streams.latest, after=self._cursor, items=delivery.limits.items,
                size=delivery.limits.body_bytes - HEAD_BYTES, wire=delivery.limits.wire,
            )  # fmt: skip
            await delivery.loose(STATUS, "latest", page.items)
            self._cursor, more = page.cursor, page.more
            self._progress()

    async def _what_waited(self, delivery: Delivery) -> None:
        """Send, once, what the master did not take of miners that it had from another node and takes by now."""
        for num, rollup_at, event_id in await self._store.read(contested.settled):
            if rollup_at is not None:
                rollup_at = max(rollup_at, (self._clock() - contested.AGAIN_S) // ROLLUP_S * ROLLUP_S)
            missed = await self._store.read(
                streams.missed, num, rollup_at=rollup_at, event_id=event_id, held=delivery.held
            )
            for stream, items in missed.items():
                for start in range(0, len(items), AT_ONCE):
                    await delivery.loose(stream, "again", items[start : start + AT_ONCE])
                    self._progress()
            await self._store.write(contested.done, num)

    async def _history(self, delivery: Delivery) -> None:
        """Carry a batch of each stream in turn until nothing waits or the state is due again."""
        until = self._monotonic() + SLICE_S
        turns = deque((FACTS, CONTRIBUTIONS, STATUS, EVENTS, FLEET))
        while turns and self._monotonic() < until and not delivery.beyond:
            stream = turns.popleft()
            if await delivery.batch(stream):
                turns.append(stream)
            self._progress()
        self._more = bool(turns)

    def _takes_turn(self, what: str, every_s: float) -> bool:
        """Tell whether something is due; if so, it is again after `every_s`."""
        now = self._monotonic()
        is_due = now >= self._due.get(what, float("-inf"))
        if is_due:
            self._due[what] = now + every_s
        return is_due


def begin_anew(db: Database, master_id: str, at: float) -> None:
    """Begin another epoch. Rows of the other streams have keys of their own; an event that is told again is another
    event, so those that the master had when this copy was made are left out."""
    known = uplink.points(db, master_id)
    epoch.new_epoch(db)
    dead_letters.forget(db)
    contested.forget(db)
    events_known = max(known.get(EVENTS, 0), known.get(TOLD_EVENTS, 0))
    uplink.hold(db, master_id, {**dict.fromkeys(known, 0), TOLD_EVENTS: events_known}, at)
