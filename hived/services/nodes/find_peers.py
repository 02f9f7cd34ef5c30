"""Find the other boxes of the fleet: what zeroconf shows becomes a row, and counts once the box itself answered."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType

from hived.clients.master.hello import HelloClient
from hived.clients.mdns import ask as mouth
from hived.clients.mdns import parse
from hived.clients.mdns.client import Heard
from hived.errors import Refused, Transient
from hived.records.events import Event
from hived.records.peers import ALIVE, HERE, MASTER, Peer, Sighting, announced
from hived.services.nodes import peer_rules as rules
from hived.services.nodes.announce import Announcer
from hived.services.nodes.shares import Shares
from hived.store import Database, Store
from hived.store.nodes import peers as stored

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
LOOK_LIMIT_S = 30.0
NEWS_GAP_S = 0.2
MOST_LOOK_UPS = 64  # names asked for, and new ones stored, in one round: a flood waits, the beat goes on
UNPROVEN_AT_ONCE, PROVEN_AT_ONCE = 16, 64  # questions on their way; who is known never waits for who may be invented
HURRIED_S = 1.0  # for one question while more wait than are asked at once: a door that is slow is asked again
SPREAD_S = 1.0  # after a new network everybody is asked within so many seconds
AFTER_GOODBYE_S = 3.0  # a box that still answers then never left
OWN_PROOF_S = 60.0  # what is heard delays a question of our own, but never for longer
SAVE_EVERY_S = 60.0  # how old `verified_at` in the database may be while nothing changes
MAX_EVENTS = 1000  # kept while the database is busy


@dataclass(slots=True)
class _Known:
    """A peer, what it announced last, and when it is asked next (by the monotonic clock)."""

    peer: Peer
    offer: Sighting
    due: float
    asked_at: float = -1e9
    proven_at: float = -1e9
    saved: Peer | None = None
    asking: asyncio.Task[None] | None = None


class PeerFinder:
    """Hears, asks and keeps the rows. `look` is its beat."""

    def __init__(
        self,
        store: Store,
        announcer: Announcer,
        *,
        node_id: str,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[float, float], float] = random.uniform,
        wake: Callable[[], None] = lambda: None,
        most: int = stored.MAX_PEERS,
    ) -> None:
        self._store, self._announcer, self._id = store, announcer, node_id
        self._clock, self._monotonic, self._chance, self._wake, self._most = clock, monotonic, chance, wake, most
        self._hello = HelloClient()
        self._shares = Shares()
        self._known: dict[tuple[str, str], _Known] | None = None
        self._names: dict[str, None] = {}
        self._gone: list[tuple[str, str]] = []
        self._events: list[Event] = []
        self._opened = 0
        self._twins: dict[str, asyncio.Task[None]] = {}
        self._said_twice: set[str] = set()
        self._looked_at = -1e9
        announcer.on_news = self._news

    async def __aenter__(self) -> PeerFinder:
        await self._hello.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        tasks = self._tasks()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._hello.__aexit__(kind, err, trace)

    def summary(self) -> str:
        """Return who is here, in words."""
        here = [entry.peer for entry in (self._known or {}).values() if entry.peer.state in HERE]
        masters = sum(peer.role == MASTER for peer in here)
        peers = f"{len(here)} peer{'' if len(here) == 1 else 's'}"
        return f"{peers} by zeroconf" + (f", {masters} of them master" if masters else "")

    async def look(self) -> None:
        """Process what was heard and answered, ask the peers that are due, store what changed."""
        known = await self._load()
        self._looked_at = self._monotonic()
        self._collect(known)
        await self._hear(known)
        self._ask_due(known)
        self._let_go(known)
        await self._save(known)

    def _news(self) -> None:
        # A flood must not turn the beat into a loop: what comes right after a look waits for the next one.
        if self._monotonic() - self._looked_at >= NEWS_GAP_S:
            self._wake()

    def _collect(self, known: dict[tuple[str, str], _Known]) -> None:
        """Let an unexpected error of a question fail the beat."""
        for entry in known.values():
            if entry.asking is not None and entry.asking.done():
                finished, entry.asking = entry.asking, None
                finished.result()
        for name, task in list(self._twins.items()):
            if task.done():
                del self._twins[name]
                task.result()

    async def _load(self) -> dict[tuple[str, str], _Known]:
        if self._known is None:
            now = self._monotonic()
            self._known = {
                peer.key: _Known(peer, _as_seen(peer), now + self._chance(0.0, SPREAD_S), saved=peer)
                for peer in await self._store.read(stored.rows)
            }
        if self._opened != self._announcer.opened:
            self._opened, now = self._announcer.opened, self._monotonic()
            for entry in self._known.values():
                entry.due = min(entry.due, now + self._chance(0.0, SPREAD_S))
        return self._known

    async def _hear(self, known: dict[tuple[str, str], _Known]) -> None:
        mdns = self._announcer.mdns
        if mdns is None:
            return
        for name, heard in mdns.take().items():
            if Heard.GOODBYE in heard:
                self._names.pop(name, None)
                self._goodbye(known, name)
            if Heard.WORD in heard:
                self._names[name] = None
        self._shares.networks = mdns.networks
        for name in list(self._names):
            try:
                seen = mdns.heard_of(name)
            except (Transient, Refused) as err:
                log.debug("%.80r is ignored: %s", name, err)
                del self._names[name]
                continue
            if seen is not None:
                del self._names[name]
                self._seen(known, seen)
        batch = list(self._names)[-MOST_LOOK_UPS:]
        for name, result in zip(
            batch, await asyncio.gather(*(mdns.look_up(name) for name in batch), return_exceptions=True), strict=True
        ):
            self._names.pop(name, None)
            if isinstance(result, Sighting):
                self._seen(known, result)
            elif isinstance(result, Transient | Refused):
                log.debug("%.80r is ignored: %s", name, result)
            elif isinstance(result, BaseException):
                raise result
        while len(self._names) > MOST_LOOK_UPS * 4:
            self._names.pop(next(iter(self._names)))

    def _goodbye(self, known: dict[tuple[str, str], _Known], full_name: str) -> None:
        suffix = f".{parse.SERVICE}"
        label = full_name[: -len(suffix)] if full_name.lower().endswith(suffix) else full_name
        for entry in known.values():
            if entry.peer.name == label and entry.peer.state in HERE:
                self._set(entry, *rules.left(entry.peer, self._clock()))
                entry.due = self._monotonic() + AFTER_GOODBYE_S

    def _seen(self, known: dict[tuple[str, str], _Known], seen: Sighting) -> None:
        if seen.id == self._id:
            self._own_id(seen)
            return
        now, at = self._monotonic(), self._clock()
        entry = known.get((seen.name, seen.id))
        if entry is None:
            peer = rules.sighted(None, seen, at)
            known[peer.key] = _Known(peer, seen, due=now)
            return
        same = _same(seen, entry.offer)
        entry.peer, entry.offer = rules.sighted(entry.peer, seen, at), seen
        if not (entry.peer.state == ALIVE and same):
            entry.due = min(entry.due, max(now, entry.asked_at + SPREAD_S))
        elif now - entry.proven_at < OWN_PROOF_S:
            # Another box asked it and all heard the answer: asking again so soon brings nothing new.
            entry.due = now + self._pause(entry, len(known))

    def _own_id(self, seen: Sighting) -> None:
        """Look into a sighting of our own id: mostly our own echo, else a box with a copy of our node-id file."""
        if self._announcer.is_echo(seen.name, seen.addresses):
            return
        if self._id in self._said_twice or len(self._twins) >= UNPROVEN_AT_ONCE or seen.name in self._twins:
            return
        self._twins[seen.name] = asyncio.create_task(self._ask_twin(seen), name="peer twin")

    async def _ask_twin(self, seen: Sighting) -> None:
        try:
            address = await mouth.ask(f"{seen.name}.{parse.SERVICE}", seen.id, seen.addresses)
        except Transient:
            return
        if not self._announcer.is_echo(seen.name, [address]):
            self._tell_twice(self._id, f"{seen.name} ({address})", "this node")

    def _ask_due(self, known: dict[tuple[str, str], _Known]) -> None:
        now = self._monotonic()
        waiting = [entry for entry in known.values() if entry.asking is None and entry.due <= now]
        for proven, most in ((True, PROVEN_AT_ONCE), (False, UNPROVEN_AT_ONCE)):
            busy = sum(
                entry.asking is not None and (entry.peer.verified_at is not None) is proven for entry in known.values()
            )
            group = [entry for entry in waiting if (entry.peer.verified_at is not None) is proven]
            group.sort(key=lambda entry: (entry.peer.state not in HERE, entry.due if proven else entry.peer.misses))
            if not proven:
                # Of one address the newest first; real boxes must not wait behind a flood of invented names.
                group.sort(key=lambda entry: (entry.peer.misses, -entry.due))
                group = self._shares.in_turn(((self._place(entry), entry) for entry in group), now)
            hurried = not proven and len(group) > most
            for entry in group[: max(0, most - busy)]:
                entry.asked_at = now
                if not proven:
                    self._shares.asked(self._place(entry), now)
                entry.asking = asyncio.create_task(self._ask(entry, hurried=hurried), name=f"ask {entry.peer.name}")

    async def _ask(self, entry: _Known, *, hurried: bool) -> None:
        """Ask a peer where it announced itself last, then where it was proven; note what came of it.

        `hurried`: so many others wait that each gets a moment only.
        """
        offers, place = [entry.offer], None if entry.peer.verified_at else self._place(entry)
        if entry.peer.verified_at is not None and not _same(_as_seen(entry.peer), entry.offer):
            offers.append(_as_seen(entry.peer))
        reason = ""
        for offer in offers:
            try:
                async with asyncio.timeout(HURRIED_S if hurried else None):
                    address = await self._prove(offer, hurried=hurried)
            except (Transient, Refused, TimeoutError) as err:
                reason = reason or str(err) or "no answer"
                continue
            self._set(entry, *rules.verified(entry.peer, offer, address, self._clock()))
            entry.proven_at = self._monotonic()
            break
        else:
            offer = entry.offer
            self._set(entry, *rules.missed(entry.peer, reason, self._clock()))
        if place is not None:
            truly = entry.peer.verified_at is not None
            self._shares.answered(place, truly=truly, now=self._monotonic(), uniform=self._chance)
        if entry.offer is offers[0]:
            entry.offer = offer
            entry.due = self._monotonic() + self._pause(entry, len(self._known or ()))
        else:  # it announced something else while it was asked
            entry.due = self._monotonic()
        self._news()

    async def _prove(self, offer: Sighting, *, hurried: bool) -> str:
        """Return the address from which a peer answered. Transient or Refused with the reason when it did not."""
        if offer.role != MASTER:
            return await mouth.ask(f"{offer.name}.{parse.SERVICE}", offer.id, offer.addresses, hurried=hurried)
        answers = await asyncio.gather(
            *(
                self._hello.check(address, offer.port, offer.id, fingerprint=offer.fingerprint)
                for address in offer.addresses
            ),
            return_exceptions=True,
        )
        for address, answer in zip(offer.addresses, answers, strict=True):
            if answer is None:
                return address
        failures = [answer for answer in answers if answer is not None]
        raise next((failure for failure in failures if not isinstance(failure, Transient | Refused)), failures[0])

    def _set(self, entry: _Known, peer: Peer, events: list[Event]) -> None:
        was, entry.peer = entry.peer.state, peer
        self._events += events
        for event in events:
            log.info("%s: %s %s at %s", event.kind, event.detail["role"], peer.name, event.detail["address"])
        if peer.state == ALIVE:
            self._compare(entry)
        elif was in HERE and peer.state not in HERE:
            log.info("%s is %s: %s", peer.name, peer.state, peer.reason)

    def _compare(self, entry: _Known) -> None:
        """See whether a peer that just answered shares our name, or another one's id."""
        if entry.peer.name == self._announcer.label and self._id > entry.peer.id:
            self._announcer.clash = True
        for other in (self._known or {}).values():
            if other is entry or other.peer.id != entry.peer.id or other.peer.state != ALIVE:
                continue
            since = max(entry.peer.since, other.peer.since)
            # Both answered after both were there: not one box that changed its name.
            if min(entry.peer.verified_at or 0.0, other.peer.verified_at or 0.0) > since:
                self._tell_twice(entry.peer.id, entry.peer.name, other.peer.name)

    def _tell_twice(self, node_id: str, name: str, other: str) -> None:
        if node_id in self._said_twice or len(self._said_twice) >= self._most:
            return
        self._said_twice.add(node_id)
        log.warning(
            "%s and %s have the same node id %s: one is a copy, delete its node-id file and restart it",
            name,
            other,
            node_id,
        )
        self._events.append(Event("peer_twice", self._clock(), {"id": node_id, "name": name, "other": other}))

    def _let_go(self, known: dict[tuple[str, str], _Known]) -> None:
        at = self._clock()
        leaving = [entry.peer for entry in known.values() if rules.forgotten(entry.peer, at)]
        everybody = [entry.peer for entry in known.values()]
        for peer in leaving + stored.surplus(everybody, self._most, place=self._shares.place):
            entry = known.pop(peer.key, None)
            if entry is not None:
                if entry.asking is not None:
                    entry.asking.cancel()
                self._gone.append(peer.key)

    async def _save(self, known: dict[tuple[str, str], _Known]) -> None:
        changed = [entry for entry in known.values() if _worth_saving(entry)]
        changed.sort(key=lambda entry: entry.peer.verified_at is None)
        proven = sum(entry.peer.verified_at is not None for entry in changed)
        del changed[proven + MOST_LOOK_UPS :]
        events, gone = self._events[:MAX_EVENTS], list(self._gone)
        if not (changed or events or gone):
            return
        rows = [entry.peer for entry in changed]
        await self._store.write(_write, rows, events, gone)
        for entry, row in zip(changed, rows, strict=True):
            entry.saved = row
        self._events = self._events[len(events) :]
        self._gone = self._gone[len(gone) :]

    def _place(self, entry: _Known) -> str:
        return self._shares.place(entry.offer.addresses)

    def _pause(self, entry: _Known, peers: int) -> float:
        return rules.pause_s(entry.peer, peers, self._chance)

    def _tasks(self) -> list[asyncio.Task[None]]:
        asked = [entry.asking for entry in (self._known or {}).values() if entry.asking is not None]
        return [*asked, *self._twins.values()]


def _write(db: Database, rows: list[Peer], events: list[Event], gone: list[tuple[str, str]]) -> None:
    stored.forget(db, gone)
    stored.save(db, rows, events)


def _as_seen(peer: Peer) -> Sighting:
    """Return what a row says as if it were announced now."""
    return Sighting(**announced(peer))


def _same(sighting: Sighting, other: Sighting) -> bool:
    """Tell whether two sightings say the same, in whatever order the addresses came."""
    return set(sighting.addresses) == set(other.addresses) and replace(sighting, addresses=other.addresses) == other


def _worth_saving(entry: _Known) -> bool:
    now, saved = entry.peer, entry.saved
    if saved is None:
        return True
    if replace(now, seen_at=saved.seen_at, verified_at=saved.verified_at, misses=saved.misses) != saved:
        return True
    return (now.verified_at or 0.0) - (saved.verified_at or 0.0) >= SAVE_EVERY_S
