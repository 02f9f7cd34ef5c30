"""What hive-syncd does at each tick: see to it that there is a master, and carry what is due to it.

Whatever the master does, the rules are the same: the whole queue waits, longer each time, and a sign of life of the
master ends the wait. A key that is not taken any more, and a master with another key, are told loudly and tried again
now and then; nothing is lost meanwhile, for the rows stay where they are.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from hived.clients.master.errors import NotWelcome, OtherKey
from hived.errors import HivedError, Refused, Throttled, Transient
from hived.records.enrolling import AUTO, OFF
from hived.records.peers import Master
from hived.records.uplink import ASKING, JOINED, LEFT, NONE, PIN_MISMATCH, REFUSED, WITH_MASTER, Identity, Uplink
from hived.runtime.backoff import Backoff
from hived.services.miners.sweep import Range
from hived.services.nodes.join import Joiner, offers, warn_if_readable
from hived.services.nodes.orders import Orders
from hived.services.nodes.uplink_words import in_words
from hived.services.nodes.upload import Health, Upload
from hived.store import Database, Store
from hived.store.nodes import contacts, peers, uplink

log = logging.getLogger(__name__)

PROBE_S = 900.0
"""How often a master that refused is tried again: its operator may have changed their mind."""
OWN_HEALTH_S = 15.0
WARN_S = 86_400.0
"""How often it is said that what is carried can be read on its way."""
LOOK_S = 1.0
"""How soon a request is given up when zeroconf shows the master at another address."""


@dataclass(frozen=True, slots=True)
class View:
    """What a tick begins with."""

    link: Uplink
    is_master: bool
    masters: tuple[Master, ...]


class MasterLink:
    """One node's way to its master. `wanted` is `syncd.master`, `ranges` the networks of this node."""

    def __init__(
        self,
        store: Store,
        own: Identity,
        *,
        wanted: str,
        health: Health,
        ranges: Callable[[], Range],
        config_name: str = "syncd.master",
        progress: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._store, self._own, self._health, self._wanted = store, own, health, wanted
        self._clock, self._monotonic = clock, monotonic
        self._orders = Orders(store, ranges=ranges, clock=clock)
        self._join = Joiner(store, own, wanted=wanted, config_name=config_name, clock=clock, monotonic=monotonic)
        self._push = Upload(
            store, own, self._orders, health=health, clock=clock, monotonic=monotonic, progress=progress
        )  # fmt: skip
        self._backoff = Backoff(monotonic=monotonic, uniform=uniform)
        self._view = View(Uplink(), is_master=False, masters=())
        self._seen: frozenset[str] | None = None
        self._shown: str | None = None
        self._key: str | None = None
        self._warned: tuple[str | None, float] = (None, float("-inf"))
        self._own_due = float("-inf")

    async def __aenter__(self) -> MasterLink:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._push.close()

    async def tick(self) -> HivedError | None:
        """Do what is due; return what went wrong with the master, which is dealt with already."""
        view = await self._look()
        if await self._orders.carry_out():
            self._push.contact_soon()
        if view.is_master:
            await self._tell_own_health()
            return None
        self._notice(view)
        if not self._backoff.ready():
            await self._push.count(view.link)
            return None
        try:
            await self._carry(view.link)
        except (Transient, Refused) as err:
            await self._failed(err)
            return err
        finally:
            self._view = replace(self._view, link=await self._store.read(uplink.get))
        if self._backoff.failures:
            log.info("the upload works again after %d failures", self._backoff.failures)
        self._backoff.clear()
        await self._push.count(self._view.link)
        return None

    async def once(self) -> None:
        """Do one whole round; Transient when it did not work."""
        err = await self.tick()
        if err is not None:
            raise Transient(str(err))

    async def goodbye(self) -> None:
        """Say to the master that this node leaves, when it was there a moment ago; within a second."""
        if not self._view.is_master and not self._backoff.failures:
            await self._push.goodbye(self._view.link)

    def summary(self) -> str:
        """Return the line for `systemctl status`."""
        if self._view.is_master:
            return "this box is the master: its rows are there already"
        if self._wanted == OFF:
            return "off: syncd.master says so"
        return in_words(
            self._view.link, behind=sum(self._push.behind.values()), now=self._clock(),
            failing=self._backoff.failures > 0, offered=offers(self._wanted, self._own.node_id, self._view.masters),
        )  # fmt: skip

    async def _look(self) -> View:
        named = self._wanted not in (AUTO, OFF)
        self._view = await self._store.read(_view, self._own.node_id, self._clock(), named)
        return self._view

    async def _carry(self, link: Uplink) -> None:
        """Go on with the master, and do not wait at an address that zeroconf meanwhile shows to be an old one."""
        moved = self._master_moved()
        while True:
            if moved:
                link = await self._follow(link) or link
                moved = False
            work = asyncio.create_task(self._go_on(link), name="uplink")
            try:
                while not (moved or (await asyncio.wait({work}, timeout=LOOK_S))[0]):
                    await self._look()
                    moved = self._master_moved()
                if not moved:
                    return await work
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)

    def _master_moved(self) -> bool:
        """Tell whether zeroconf shows the master at another address than before, and not where we talk to it."""
        before, link = self._shown, self._view.link
        self._shown = next((master.url for master in self._view.masters if master.id == link.master_id), before)
        moved = before is not None and self._shown not in (before, link.url)
        return moved and self._wanted == AUTO and link.pin is not None

    async def _follow(self, link: Uplink) -> Uplink | None:
        try:
            return await self._join.follow(link, self._view.masters)
        except (Transient, Refused) as err:
            log.debug("looked for the master elsewhere: %s", err)
            return None

    async def _go_on(self, link: Uplink) -> None:
        link = await self._join.find_way(link, self._view.masters)
        if link.key is None or link.state in (NONE, LEFT) or self._wanted == OFF:
            return
        before, at = self._warned
        if before != link.url or self._monotonic() - at >= WARN_S:
            self._warned = link.url, self._monotonic()
            warn_if_readable(link)
        if link.consent is None:  # not even a contact: its answer has orders, and says how this node is
            await self._join.still_waiting(link)
        elif link.state != ASKING:
            try:
                await self._push.round(link)
            except NotWelcome:
                if link.next_key is None:
                    raise
                await self._push.round(await self._push.use_next(link))
        elif self._join.may_try(link):
            try:
                await self._push.round(link)
            except NotWelcome:
                await self._join.still_waiting(link)

    def _notice(self, view: View) -> None:
        """End the wait when there is a reason: another key, or a master that came alive."""
        alive = frozenset(master.id for master in view.masters)
        came = self._seen is not None and view.link.master_id in alive - self._seen
        self._seen = alive
        key = view.link.key.id if view.link.key is not None else None
        if came or key != self._key:
            self._key = key
            if not self._backoff.ready():
                log.debug("not waiting any longer: %s", "the master was seen" if came else "there is another key")
                self._backoff.rest(0.0)

    async def _failed(self, err: HivedError) -> None:
        link = await self._store.read(uplink.get)
        now = self._clock()
        text = str(err)[:500]
        state, pause = None, None
        if isinstance(err, OtherKey):
            state, pause = PIN_MISMATCH, PROBE_S
        elif isinstance(err, NotWelcome) and link.state in (*WITH_MASTER, ASKING):
            state, pause = REFUSED, PROBE_S
        fields = {"last_error": text, "last_error_code": err.code, "last_error_at": now}
        if state is not None and link.state != NONE:
            if await self._store.write(uplink.enter, link.key, state, now, **fields):
                _alarm(state, link, text)
            self._backoff.failures += 1
            self._backoff.rest(PROBE_S)
            return
        retry_after = err.retry_after_s if isinstance(err, Throttled) else pause
        wait = self._backoff.failed(retry_after)
        # The next round must meet the same trouble, if it is still there, or it would look like the end of it.
        self._push.contact_soon()
        with suppress(Transient):  # the database may be what failed, and that is said below
            await self._store.write(uplink.note, link.key, **fields)
        level = logging.WARNING if self._backoff.failures == 1 else logging.DEBUG
        log.log(level, "the upload pauses for %.0f s: %s", wait, text)
        if link.state in (JOINED, ASKING) and await self._follow(link) is not None:
            self._backoff.rest(0.0)

    async def _tell_own_health(self) -> None:
        if self._monotonic() >= self._own_due:
            await self._store.write(contacts.own_health, self._own.node_id, await self._health())
            self._own_due = self._monotonic() + OWN_HEALTH_S


def _alarm(state: str, link: Uplink, text: str) -> None:
    if state == PIN_MISMATCH:
        log.error(
            "%s: NOTHING IS SENT. Another machine answers in place of %s, or its key was replaced. If you replaced it:"
            " `hivectl join %s`", text, link.master_name, link.url,
        )  # fmt: skip
    else:
        log.warning(
            "%s no longer accepts this node's key (%s): nothing is sent, everything is kept. The next try is in"
            " %d minutes; to ask again now: `hivectl join %s`", link.master_name, text, PROBE_S // 60, link.url,
        )  # fmt: skip


def _view(db: Database, node_id: str, at: float, named: bool) -> View:
    return View(uplink.get(db), uplink.is_master(db, node_id, at, named=named), tuple(peers.masters(db)))
