"""The auto-miner: visit each source in turn, store what is openly licensed, have it described, cool down, repeat.

What the operator wants is a row; `obey` looks at it twice a second and starts or cancels the work. All state that
matters is in the database: a lease for the object under way, a cursor for each list. Cancelling or killing the work at
any moment loses nothing and repeats at most one object.
"""

from __future__ import annotations

import asyncio
import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

from hived.clients.museums.adapters import Adapter
from hived.clients.ollama.parse import BadAnswer
from hived.errors import HivedError, NotYet, Refused, Throttled, Transient, Unreadable
from hived.records.artifact import (
    CollectedObject,
    CollectorState,
    Description,
    Lease,
    Listing,
    ObjectRef,
    Source,
)
from hived.runtime import backoff
from hived.services.collecting.describe.plan import NO_FACTS
from hived.services.collecting.for_others import ForOthers
from hived.store import Database, Store
from hived.store.collecting import artifacts, collecting, collector, facts, frontier, lending, sources, tries

log = logging.getLogger(__name__)

_NUMBERS = re.compile(r"\d+")

LOOK_EVERY_S = 0.5
"""How often the orders are read: start and stop take effect within two seconds, whatever is going on."""

TURN_S = 30.0
"""How long one source is worked on before the next has its turn."""

HOLD_S = 120.0
"""How long an object is leased: longer than the longest fetch (60 s and five redirects' turns)."""

LIST_AGAIN_S = 24 * 3600.0
LIST_RETRY_S, LIST_RETRY_LONGEST_S = 300.0, 3600.0
LIST_TRIES = 3
"""So often a page of a list is tried that is refused or cannot be read: then the list ends there."""
EMPTY = "its list names nothing that could be collected"
_HOPELESS = ("source_refuses", "source_unreadable", "source_flawed")
DESCRIBE_LOOK_S = 2.0
"""So often a model is asked about an object of which it says nothing of use."""


class Describer(Protocol):
    """What asks the model."""

    async def who(self) -> str: ...

    async def describe(self, obj: CollectedObject) -> Description: ...

    def rest_s(self) -> float: ...

    def state(self) -> str | None: ...


class Collector:
    """Runs the auto-miner inside its `async with` block; a bug in the work ends the block."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        describer: Describer,
        *,
        node_id: str,
        cooldown_s: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._store, self._adapters, self._describer = store, adapters, describer
        self._node_id, self._cooldown_s = node_id, cooldown_s
        self._clock, self._sleep = clock, sleep
        self._work: asyncio.Task[None] | None = None
        self._request = -1
        self._status = "Idle"
        self._source: str | None = None
        self._told: tuple[str, str | None, str, str | None] | None = None
        self._others = ForOthers(store, describer, node_id=node_id, clock=clock)
        self._by: str | None = None
        self.fetched = self.described = 0

    async def __aenter__(self) -> Collector:
        await self._store.write(frontier.free_all)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._end_work()

    async def obey(self) -> None:
        """Do what the operator wants: start, stop or go on. Transient: database busy. A bug of the work raises here."""
        wish = await self._store.read(collector.state)
        if self._work is not None and self._work.done():
            done, self._work = self._work, None
            done.result()
        if wish.request != self._request or (self._work and not _wants(wish)):
            await self._end_work()
            self._request = wish.request
        if self._work is None:
            if _wants(wish):
                self._work = asyncio.create_task(self._run(wish), name="auto-miner")
            else:
                self._status, self._source = "Idle", None
        await self._tell()

    async def round(self) -> None:
        """Give each source one turn and describe what waits: for one round and for tests."""
        for source in await self._sources(None):
            await self._turn(source)
        while await self._describe_next():
            pass

    async def tell_of_before(self) -> None:
        """Tell of a part of what was collected before facts travelled."""
        await self._store.write(facts.tell_of_before, node_id=self._node_id)

    def summary(self) -> str:
        """Return one line for `systemctl status`."""
        where = f" ({self._source})" if self._source else ""
        model = self._describer.state()
        return f"{self._status}{where}, {self.fetched} fetched, {self.described + self._others.described} described" + (
            f"; {model}" if model else ""
        )

    # -- the loop ----------------------------------------------------------------------------------------------

    async def _run(self, wish: CollectorState) -> None:
        describing = asyncio.create_task(self._describe_for_ever(), name="describe")
        collecting_ = asyncio.create_task(self._collect(wish), name="collect")
        try:
            done, _ = await asyncio.wait({describing, collecting_}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (describing, collecting_):
                task.cancel()
            await asyncio.gather(describing, collecting_, return_exceptions=True)

    async def _collect(self, wish: CollectorState) -> None:
        self._status, self._source = "Starting", "Initializing"
        while True:
            for source in await self._sources(wish.only_source):
                self._status, self._source = "Running", source.name
                await self._turn(source)
            self._source = None
            if wish.only_source is not None:
                while await self._describe_next(source_id=wish.only_source):
                    pass
                await self._store.write(collector.single_run_ended, self._clock(), wish.request)
                return
            self._status = "Cooling down..."
            await self._sleep(self._cooldown_s)

    async def _sources(self, only: int | None) -> list[Source]:
        """All sources, the one that waited longest first; read anew each time."""
        found = await self._store.read(sources.every)
        if only is not None:
            return [source for source in found if source.id == only]
        return sorted(found, key=lambda source: (source.last_run_at or 0.0, source.id))

    # -- one source --------------------------------------------------------------------------------------------

    async def _turn(self, source: Source) -> None:
        """List a little, fetch for a while. What is wrong with a source stays with that source."""
        adapter = self._adapters.get(source.kind)
        now = self._clock()
        await self._store.write(sources.began, source.id, now)
        if adapter is None:
            await self._blame(source, "source_refuses", f"no adapter for the kind {source.kind!r}")
            return
        until = now + TURN_S
        while self._clock() < until:
            if not 0 < source.next_list_at - self._clock() < 2 * LIST_AGAIN_S:  # or set by a clock that was ahead
                listed = await self._list(adapter, source)
                source = await self._again(source)
                if not listed:
                    break
            if not await self._fetch_until(adapter, source, until) and source.next_list_at > self._clock():
                break

    async def _list(self, adapter: Adapter, source: Source) -> bool:
        """Take one step of the list; the cursor in the row says where to go on. False: not now."""
        began = min(self._clock(), source.listing_since or math.inf)  # the clock may have been ahead
        listing, wait_s = await self._step(adapter, source)
        failures = source.list_failures + 1 if listing.is_stuck and listing.trouble else 0
        ended = is_done = listing.complete or listing.cursor is None
        if listing.is_stuck:
            wait_s = max(wait_s, backoff.pause(max(failures - 1, 0), LIST_RETRY_S, LIST_RETRY_LONGEST_S))
            ended = source.cursor is not None and failures >= LIST_TRIES and listing.code in _HOPELESS
            # What could not be read may be there the next time: then everything is listed, not only what changed.
            is_done = ended and listing.code == "source_refuses"
            if failures >= LIST_TRIES and listing.past is not None:
                failures, ended, is_done = 0, False, False
                listing = replace(listing, cursor=listing.past, is_stuck=False, code="source_flawed")
            elif ended:
                listing = replace(listing, trouble=f"its list ends early: {listing.trouble}", code="source_cut")
        now = self._clock()

        def keep(db: Database) -> int:
            new = frontier.add(db, source.id, listing.refs, now, changed=source.listed_at is not None)
            sources.listed(
                db,
                source.id,
                cursor=None if ended else listing.cursor,
                since=None if ended else began,
                listed_at=began if is_done else source.listed_at,
                next_at=now + LIST_AGAIN_S if ended else now + wait_s if listing.is_stuck else 0.0,
                failures=0 if ended else failures,
            )
            if source.cursor is None and not listing.is_stuck:
                sources.mended(db, source.id)
            if is_done and source.listed_at is None and not frontier.counts(db, source.id):
                sources.failed(db, source.id, "source_empty", EMPTY, now, if_none=True)
            return new

        new = await self._store.write(keep)
        if new:
            log.info("%s lists %d new objects", source.name, new)
        if listing.trouble is not None:
            await self._blame(source, listing.code, listing.trouble)
        return not listing.is_stuck

    async def _step(self, adapter: Adapter, source: Source) -> tuple[Listing, float]:
        """Return the next step of the list, and how long its host wants a pause."""
        since = None if source.listed_at is None else min(source.listed_at, self._clock())
        stuck = Listing((), source.cursor, is_stuck=True)
        try:
            return await adapter.list(source, source.cursor, since), 0.0
        except NotYet as err:
            return stuck, err.retry_after_s or 0.0
        except HivedError as err:
            wait_s = (err.retry_after_s or 0.0) if isinstance(err, Throttled) else 0.0
            return replace(stuck, trouble=f"its list: {err}", code=_code(err)), wait_s

    async def _fetch_until(self, adapter: Adapter, source: Source, until: float) -> bool:
        """Fetch what is due, one object after the other; False when nothing is left or the host wants a pause."""
        while self._clock() < until:
            held = await self._store.write(frontier.lease, source.id, self._clock(), hold_s=HOLD_S)
            if held is None or not await self._fetch(adapter, source, held):
                return False
        return True

    async def _fetch(self, adapter: Adapter, source: Source, held: Lease) -> bool:
        """Fetch one object and store what came of it; False when the host wants to be left alone."""
        ref = ObjectRef(held.object_id, held.url)
        try:
            fetched = await adapter.fetch(source, ref, held.validators)
        except asyncio.CancelledError:
            await asyncio.shield(self._store.write(frontier.give_back, held))
            raise
        except Throttled as err:
            await self._store.write(frontier.failed, held, self._clock(), str(err), retry_after_s=err.retry_after_s)
            if not isinstance(err, NotYet):
                await self._blame(source, _code(err), str(err))
            return False
        except Refused as err:
            await self._store.write(collecting.refuse, source, held, str(err), self._clock())
            return True
        except Transient as err:
            await self._store.write(frontier.failed, held, self._clock(), str(err))
            await self._blame(source, _code(err), str(err))
            return True
        self.fetched += 1
        await self._store.write(collecting.settle, source, held, fetched, self._clock(), node_id=self._node_id)
        return True

    async def _again(self, source: Source) -> Source:
        found = await self._store.read(sources.one, source.id)
        return source if found is None else found

    async def _blame(self, source: Source, code: str, reason: str) -> None:
        known = await self._again(source)
        log.log(logging.DEBUG if known.last_error == reason else logging.WARNING, "%s: %s", source.name, reason)
        await self._store.write(sources.failed, source.id, code, reason, self._clock())

    # -- describing --------------------------------------------------------------------------------------------

    async def _describe_for_ever(self) -> None:
        while True:
            if not (await self._describe_next() or await self._others.describe_next(self._by)):
                self._by = await self._model()
                await self._sleep(DESCRIBE_LOOK_S)

    async def _model(self) -> str | None:
        """Return which model works; None: none does."""
        try:
            by = await self._describer.who()
        except (Transient, Refused):
            return None
        return None if self._describer.state() else by

    async def _describe_next(self, source_id: int | None = None) -> bool:
        """Describe the artifact that is next; False when there is none or the model cannot be asked now."""
        if self._describer.rest_s() > 0:
            return False
        due = partial(artifacts.to_describe, now=self._clock(), node_id=self._node_id, source_id=source_id)
        if await self._store.read(due) is None:
            return False
        try:
            by = await self._describer.who()
            waiting = await self._store.read(due, by=by)
            if waiting is None:
                return False
            number, obj, input_hash = waiting
            if not await self._store.write(lending.hold, number, self._node_id, self._clock()):
                return True  # somebody else has it by now
            text = await self._describer.describe(obj)
        except BadAnswer as err:
            await self._not_described(number, err, by)
            return True
        except (Transient, Refused):
            # The model's trouble, not the artifact's: it keeps its place. The describer says when to ask again.
            return False
        kept = await self._store.write(
            artifacts.describe, number, text, node_id=self._node_id, input_hash=input_hash, at=self._clock()
        )
        self.described += kept
        return True

    async def _not_described(self, number: int, err: BadAnswer, by: str) -> None:
        is_hopeless = err.reason == NO_FACTS
        await self._store.write(tries.failed, number, str(err), by=by, is_hopeless=is_hopeless, now=self._clock())
        log.debug("artifact %d is not described: %s", number, err)

    # -- telling -----------------------------------------------------------------------------------------------

    async def _tell(self) -> None:
        """Store what the loop does. Only `obey` calls this, so that nothing older can be written after it."""
        model = self._describer.state()
        now = (self._status, self._source, _NUMBERS.sub("", model or ""), self._by)  # a countdown alone is no news
        if now != self._told:
            self._told = None  # until it is written for certain: the beat may be cancelled meanwhile
            await self._store.write(
                collector.tell, self._clock(), status=self._status, current_source=self._source, model_state=model,
                describer=self._by,
            )  # fmt: skip
            self._told = now

    async def _end_work(self) -> None:
        if self._work is not None:
            self._work.cancel()
            await asyncio.gather(self._work, return_exceptions=True)
            self._work = None
        self._status, self._source = "Idle", None


def _code(err: HivedError) -> str:
    """Return what an error of an adapter means of its source, as in errors.PROBLEMS."""
    kinds = (Throttled, "source_waits"), (Unreadable, "source_unreadable"), (Transient, "source_fails")
    return next((code for kind, code in kinds if isinstance(err, kind)), "source_refuses")


def _wants(wish: CollectorState) -> bool:
    return wish.wanted or wish.only_source is not None
