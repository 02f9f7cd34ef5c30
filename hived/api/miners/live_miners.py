"""The whole fleet in memory, encoded: each miner is written as JSON once per change, a list is a join.

One beat a second asks whether the database changed and takes over only the miners that did, so a list of thousands
costs neither a query nor an encoder, and everybody on the stream gets the same bytes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

from hived.api.http.responses import Page, encode
from hived.api.miners import totals
from hived.api.miners.totals import News
from hived.documents import appliance
from hived.documents import miners as documents
from hived.documents.fleet import WholeFleetDocument, judged
from hived.documents.shared import rfc3339
from hived.records.condition import Condition, Moment, condition, essence
from hived.records.daemon import POLLD, alive
from hived.records.events import Event
from hived.records.miner_view import MinerView
from hived.records.totals import Judged
from hived.store import Database, Store, daemon_rows, node_rows
from hived.store.miners import allowed_pools, discovery, fleet, models, views

BEAT_S = 1.0
ROLL_S = 10.0  # how soon is shown what comes without a new rev: that a miner answered, a ladder, a dropped key
MAX_RELOADS = 200  # miners a roll loads again; the rest comes with the next one
KEEP_EVENTS = 500
KEEP_GONE = 1000
ROWS_AT_ONCE = 200  # rows in one piece of the stream: 100 KB, what a reader has to have room for
MAX_PAGES = 64  # both lists, for all and for each of some thirty nodes
SHARED_ROWS = 1000  # more than a change of one second; more are made anew for each reader, piece by piece
MAX_BATCHES = 8  # readers that lag behind whose pieces are kept until the next change


@dataclass(slots=True)
class Entry:
    """One miner: what is judged and summed up, and its JSON without the members that change without a new rev."""

    view: MinerView
    model: bytes
    """Its model as JSON while the catalogue does not have it."""
    miner: bytes
    row: bytes
    seen_at: bytes
    key: object
    """What of the moment its condition holds for."""
    how: Condition
    judged: bytes
    judged_rev: int = -1
    """The newest rev when its condition last changed by time alone."""
    serial: int = 0

    def seen(self, at: float | None) -> None:
        """Note when it answered last."""
        self.view, self.seen_at = replace(self.view, seen_at=at), encode(rfc3339(at))

    def at(self, moment: Moment) -> Condition:
        """Return how it is doing at a moment."""
        return self.how if moment.key(self.view) == self.key else condition(self.view, moment)

    def judge(self, moment: Moment) -> bool:
        """Judge it again when the moment is another one for it; tell whether that changed what is shown."""
        key = moment.key(self.view)
        if key == self.key:
            return False
        before, self.key, self.how = self.how, key, condition(self.view, moment)
        if self.how == before:
            return False
        self.judged = _judged(self.how)
        return True

    def as_row(self) -> bytes:
        return b'{"seen_at":%b,%b,%b' % (self.seen_at, self.judged, self.row)

    def as_miner(self, known: dict[str, _Model]) -> bytes:
        model = known.get(self.view.model_alias) if self.view.model_alias is not None else None
        body = model.body if model else self.model
        return b'{"last_seen_at":%b,"model":%b,%b,%b' % (self.seen_at, body, self.judged, self.miner)


@dataclass(frozen=True, slots=True)
class _Model:
    limits: tuple[str | None, str | None]
    body: bytes


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the database brought."""

    rev: int
    changed: list[Entry]
    events: list[Event]
    event_id: int
    news: News
    seen: dict[int, tuple[float | None, float]] | None = None
    """None: nobody is missing, and the next roll will see to the rest."""
    models: dict[str, _Model] | None = None
    """None: as they were."""


class LiveMiners:
    """The fleet as of a moment ago. `rev` is the database's mark, `serial` counts the changes of what is shown."""

    def __init__(self, store: Store, *, status_seconds: float, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.status_seconds = status_seconds
        self.clock = clock
        self.rev = 0
        self.serial = 0
        self.event_id = 0
        self.news = News()
        self.refreshed_at: float | None = None
        """When the view last was equal to the database; None before the first look."""
        self._boot = secrets.token_hex(4)  # two runs may count the same serials for different contents
        self._entries: dict[int, Entry] = {}
        self._by_mac: dict[str, Entry] = {}
        self._models: dict[str, _Model] = {}
        self._events: deque[tuple[int, bytes]] = deque(maxlen=KEEP_EVENTS)
        self._gone: deque[tuple[int, int, str]] = deque(maxlen=KEEP_GONE)
        self._first_rev = 0
        self._pages: dict[tuple[str, str | None], Page] = {}
        self._batches: dict[int, list[bytes]] = {}
        self._totals: tuple[int, float, WholeFleetDocument] | None = None
        self._pulse = asyncio.Event()
        self._lock = asyncio.Lock()
        self._blind: dict[str, str] = {}
        self._mark: int | None = None
        self._rolled: tuple[int, float] | None = None

    def __len__(self) -> int:
        return len(self._entries)

    async def beat(self) -> None:
        """Take over what changed in the database since the last call."""
        async with self._lock:
            mark, now = await self.store.changed(), self.clock()
            roll = self._rolled is None or (self._rolled[0] != mark and not 0 <= now - self._rolled[1] < ROLL_S)
            if mark != self._mark or roll:
                first = self.refreshed_at is None
                look = await self.store.read(self._look, None if first else self.rev, roll)
                if look.rev < self.rev:  # another database than before
                    first, look = True, await self.store.read(self._look, None, True)
                late = self._changed_without_rev(look)
                self._take(look, await self.store.read(_entries, late, self.moment()) if late else [], first=first)
            self._mark, self.refreshed_at = mark, now
            self._judge()
            if roll:
                self._rolled = (mark, now)

    def pulse(self) -> asyncio.Event:
        """Return the event that is set at the next change. Take it before looking, so that no change is missed."""
        return self._pulse

    def page(self, name: str, node_id: str | None = None) -> Page:
        """Return the reply "miners" or "rows" for the fleet as it is now, or for the miners of one node."""
        if (name, node_id) not in self._pages:
            entries = [e for e in self._entries.values() if node_id in (None, e.view.node_id)]
            if len(self._pages) >= MAX_PAGES:  # somebody asks for nodes that do not exist
                self._pages = {}
            if name == "miners":
                body = b"[%b]" % b",".join(e.as_miner(self._models) for e in entries)
            else:
                body = b'{"rev":%d,"rows":[%b]}' % (self.rev, b",".join(e.as_row() for e in entries))
            self._pages[name, node_id] = Page(body, f"{self._boot}-{self.serial}")
        return self._pages[name, node_id]

    def moment(self) -> Moment:
        """Return now, and who watches."""
        now = self.clock()
        return Moment(now, self.status_seconds, alive(self.news.beats.get(POLLD), now), self._blind, self.news.allowed)

    def judged(self) -> tuple[Moment, list[Judged]]:
        """Return now, and every miner with how it is doing."""
        moment = self.moment()
        return moment, [(entry.view, entry.at(moment)) for entry in self._entries.values()]

    def totals(self) -> WholeFleetDocument:
        """Return the sums over the fleet, worked out at most once a second while nothing changes."""
        moment = self.moment()
        if self._totals is None or self._totals[0] != self.serial or not 0 <= moment.now - self._totals[1] < 1:
            miners = [(e.view, e.at(moment)) for e in self._entries.values()]
            found = totals.fleet(miners, self.news, moment, rev=self.rev, refreshed_at=self.refreshed_at)
            self._totals = (self.serial, moment.now, found)
        return self._totals[2]

    def whereabouts(self, mac: str | None) -> tuple[str | None, str | None]:
        """Return the last address and the host name of a miner."""
        entry = self._by_mac.get(mac) if mac is not None else None
        return (entry.view.last_ip, entry.view.hostname) if entry else (None, None)

    def knows_since(self, rev: int) -> bool:
        """Tell whether everything that left the fleet after this rev is known here."""
        return self._first_rev <= rev <= self.rev and len(self._gone) < KEEP_GONE

    def since_rev(self, rev: int) -> Iterable[bytes]:
        """Return what changed after a rev as JSON for "miners", in pieces; all of it for a rev of another database."""
        rev = rev if rev <= self.rev else -1
        nums = [num for num, e in self._entries.items() if e.view.rev > rev or e.judged_rev >= rev]
        return self._pieces(self.rev, nums, [mac for _, at_rev, mac in self._gone if at_rev >= rev])

    def since(self, serial: int) -> Iterable[bytes]:
        """Return what changed after a serial as JSON for "miners", in pieces. Readers that keep up share the bytes."""
        if serial == self.serial:
            return []
        known = self._batches.get(serial)
        if known is not None:
            return known
        nums = [num for num, e in self._entries.items() if e.serial > serial]
        pieces = self._pieces(self.rev, nums, [mac for at, _, mac in self._gone if at > serial])
        if len(nums) > SHARED_ROWS or len(self._batches) >= MAX_BATCHES:
            return pieces
        return self._batches.setdefault(serial, list(pieces))

    def events_since(self, event_id: int) -> list[bytes]:
        """Return the events after an id, oldest first, each as JSON; of many the newest."""
        return [body for at, body in self._events if at > event_id]

    def _pieces(self, rev: int, nums: list[int], gone: list[str]) -> Iterator[bytes]:
        """Yield the rows as they are when each piece is asked for, as those of `rev`: a slow reader holds numbers.

        What changes meanwhile comes again, and who leaves is named, with what follows after `rev`.
        """
        gone = [mac for mac in gone if mac not in self._by_mac]  # found again since
        for start in range(0, len(nums) or len(gone[:1]), ROWS_AT_ONCE):
            found = (self._entries.get(num) for num in nums[start : start + ROWS_AT_ONCE])
            rows = b",".join(entry.as_row() for entry in found if entry is not None)
            yield b'{"rev":%d,"rows":[%b],"gone":%b}' % (rev, rows, encode(gone))
            gone = []

    def _look(self, db: Database, newer_than_rev: int | None, roll: bool) -> _Look:
        """Read and encode, in one snapshot. Runs on the database's thread while `beat` holds the lock."""
        moment = self.moment()
        changed = [_entry(view, moment) for view in views.miners(db, newer_than_rev=newer_than_rev)]
        forgotten = fleet.miner_count(db) != len(self._entries.keys() | {e.view.num for e in changed})
        # A new limit comes with a new rev of the model's miners, a new ladder may come without.
        other_models = any(
            e.view.model_alias is not None
            and (
                e.view.model_alias not in self._models
                or self._models[e.view.model_alias].limits != (e.view.min_preset, e.view.max_preset)
            )
            for e in changed
        )
        return _Look(
            rev=views.newest_rev(db), changed=changed,
            events=fleet.events_after(db, self.event_id, limit=KEEP_EVENTS) if newer_than_rev is not None else [],
            event_id=fleet.newest_event_id(db), news=_news(db),
            seen=fleet.seen(db) if roll or forgotten else None,
            models=_models(db) if roll or other_models else None,
        )  # fmt: skip

    def _changed_without_rev(self, look: _Look) -> list[str]:
        if look.seen is None:
            return []
        loaded = {e.view.num for e in look.changed}
        late = [
            entry.view.mac
            for num, entry in self._entries.items()
            if num not in loaded and num in look.seen and look.seen[num][1] != entry.view.updated_at
        ]
        return late[:MAX_RELOADS]

    def _take(self, look: _Look, late: Collection[Entry], *, first: bool) -> None:
        """Make one look at the database what is shown. Never awaits: readers see the old fleet or the new one."""
        serial = self.serial + 1
        changed = first or bool(look.changed) or bool(late) or look.rev != self.rev
        self.rev = look.rev
        if first:
            self._first_rev, self.event_id = look.rev, look.event_id
        for entry in (*look.changed, *late):
            entry.serial = serial
            before = self._entries.get(entry.view.num)
            if before is not None and before.view.mac != entry.view.mac:  # SQLite gives a free number again
                self._leave(before, serial)
            self._entries[entry.view.num] = self._by_mac[entry.view.mac] = entry
        if look.seen is not None:
            changed |= self._roll(look.seen, serial)
        if look.models is not None and look.models != self._models:
            self._models, changed = look.models, True
        for event in look.events:
            assert event.id is not None
            self._events.append((event.id, encode(appliance.event(event, *self.whereabouts(event.mac)))))
            self.event_id = event.id
        self.news = look.news
        self._blind = {one.node_id: one.code for one in look.news.blind}
        if changed:
            self.serial = serial
            self._pages, self._batches = {}, {}
        self._totals = None
        self._wake()

    def _judge(self) -> None:
        """Show whose condition changed by time alone, or because of who watches."""
        moment = self.moment()
        turned = [entry for entry in self._entries.values() if entry.judge(moment)]
        if not turned:
            return
        self.serial += 1
        for entry in turned:
            entry.serial, entry.judged_rev = self.serial, self.rev
        self._pages, self._batches, self._totals = {}, {}, None
        self._wake()

    def _wake(self) -> None:
        pulse, self._pulse = self._pulse, asyncio.Event()
        pulse.set()

    def _roll(self, seen: dict[int, tuple[float | None, float]], serial: int) -> bool:
        """Drop who is not in the database any more, note who answered; tell whether anything changed."""
        gone = [num for num in self._entries if num not in seen]
        for num in gone:
            self._leave(self._entries.pop(num), serial)
        moved = [e for n, e in self._entries.items() if n in seen and e.view.seen_at != seen[n][0]]
        for entry in moved:
            entry.seen(seen[entry.view.num][0])
            entry.serial = serial
        return bool(gone or moved)

    def _leave(self, entry: Entry, serial: int) -> None:
        mac = entry.view.mac
        if self._by_mac.get(mac) is entry:  # else it was forgotten and found again: a new row
            del self._by_mac[mac]
        self._gone.append((serial, self.rev, mac))


def _entries(db: Database, macs: list[str], moment: Moment) -> list[Entry]:
    return [_entry(view, moment) for mac in macs for view in views.miners(db, mac=mac)]


def _entry(view: MinerView, moment: Moment) -> Entry:
    how = condition(view, moment)
    whole, row = dict(documents.miner(view, None)), dict(documents.row(view))
    seen_at = encode(row.pop("seen_at"))
    del whole["model"], whole["last_seen_at"]
    return Entry(
        view=essence(view), model=encode(documents.unknown_model(view)), miner=encode(whole)[1:], row=encode(row)[1:],
        seen_at=seen_at, key=moment.key(view), how=how, judged=_judged(how),
    )  # fmt: skip


def _judged(how: Condition) -> bytes:
    return encode(judged(how))[1:-1]


def _models(db: Database) -> dict[str, _Model]:
    return {
        m.alias: _Model((m.min_preset, m.max_preset), encode(documents.model_in_miner(m))) for m in models.views(db)
    }


def _news(db: Database) -> News:
    sweeps = discovery.sweeps(db, limit=5)  # the newest may be under way, one before it cut off by a crash
    done = next((s for s in sweeps if s.finished_at is not None), sweeps[0] if sweeps else None)
    beats = {d.name: d.beat_at for d in daemon_rows.daemons(db)}
    return News(done, fleet.other_device_kinds(db), beats, node_rows.blind(db), allowed_pools.listing(db))
