"""Statuses: whose turn it is, what a poll said, and the way back from rows to records."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

import peewee as pw
from peewee import JOIN

from hived.errors import HivedError
from hived.records import expected, measures, pools, units
from hived.records.expected import Asked
from hived.records.miner import HASHING_STATES, FanReading, HashboardReading, PoolReading
from hived.records.miner_view import READ_WITHIN_S, PollOutcome, PollTarget, StoredStatus
from hived.store import events
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.engine.sealing import about
from hived.store.miners import errors, models, packing, telemetry
from hived.store.miners.own_changes import not_ours
from hived.store.schema import Baseline, Health, Ladder, Miner, Model, Status

_COLUMNS = ("at", "num", "state", "preset", *measures.COLUMNS)
_FIELDS = [*(getattr(Status, name) for name in _COLUMNS), Status.before, Status.partial, Status.detail]

FAR_S = 3600.0
"""No pause of ours is longer: a turn farther ahead was planned by a clock that has been set back since."""


def due(db: Database, now: float, *, limit: int, unmanaged: bool, skip: Iterable[int] = ()) -> list[PollTarget]:
    """Return the miners whose turn it is, longest waiting first: online, with an address and opened."""
    query = (
        Miner.select(
            Miner.num, Miner.mac, Miner.ip, Miner.api_key, Miner.hashrate_unit, Health.next_status_at,
            Health.next_chips_at, Health.failures, Health.state, Health.preset, Health.uptime_s, Health.uptime_at,
            Health.status_at, Health.chips_at, Health.active_pool, Health.boards_seen, Health.fans_seen,
            Miner.firmware, Health.asked_preset, Health.asked_clocks, Health.asked_at, Miner.firmware_version,
            pw.fn.COALESCE(Ladder.presets, Model.presets), Model.chains, Health.occupied_at, Health.pools,
            Miner.doubted_ip, Health.paused_at,
        )
        .join(Health, on=(Health.num == Miner.num))
        .switch(Miner)
        .join(Model, JOIN.LEFT_OUTER, on=(Model.short == Miner.model_alias))
        .switch(Miner)
        .join(Ladder, JOIN.LEFT_OUTER, on=models.ladder_of_miner())
        .where(
            Miner.online, ~Miner.remote, Miner.ip.is_null(False), Miner.api_key.is_null(False),
            (Health.next_status_at <= now) | (Health.next_chips_at <= now) | (Health.next_status_at > now + FAR_S),
        )
        .order_by(Health.next_status_at)
        # A miner whose key cannot be opened stays first in the queue: read past it.
        .limit(limit + len(busy := set(skip)) + len(db.box.lost))
    )  # fmt: skip
    if not unmanaged:
        query = query.where(Miner.managed)

    def turn(planned_at: float) -> bool:
        return not now < planned_at <= now + FAR_S

    return [
        PollTarget(
            num=row[0], mac=row[1], ip=row[2], access=None if row[26] == row[2] else key,
            hashrate_unit=row[4], status_due=turn(row[5]),
            chips_due=turn(row[6]), due_at=row[5], chips_due_at=row[6], failures=row[7], state=row[8], preset=row[9],
            uptime_s=row[10], uptime_at=row[11], status_at=row[12], chips_at=row[13], active_pool=row[14],
            boards_seen=_numbers(row[15]), fans_seen=_numbers(row[16]), firmware=row[17],
            asked=Asked(row[18], row[19], row[21], _ladder(row[22] or "[]"), row[23], row[20]), occupied_at=row[24],
            pools=pools.from_text(row[25]), paused=row[27] is not None,
        )
        for row in tuples(query, db)
        if row[0] not in busy and (key := db.box.open_or_none(row[3], about(row[1], "api_key"))) is not None
    ][:limit]  # fmt: skip


@lru_cache(maxsize=256)
def _ladder(presets: str) -> Mapping[str, float]:
    """Return {preset: H/s}; a fleet has few ladders, and each of its miners is polled every few seconds."""
    return {preset["name"]: preset["hashrate_hs"] for preset in json.loads(presets) if preset.get("hashrate_hs")}


def baselines(db: Database) -> dict[str, expected.Baseline]:
    """Return what is remembered of each miner, by its MAC."""
    query = Baseline.select(Miner.mac, Baseline.body).join(Miner, on=(Miner.num == Baseline.num))
    return {mac: expected.from_text(body) for mac, body in tuples(query, db)}


def save(db: Database, outcomes: Iterable[PollOutcome]) -> None:
    """Store what a batch of polls came to, in the transaction that the caller runs in."""
    outcomes = list(outcomes)
    if not outcomes:
        return
    rev = next_rev(db)
    rows: list[tuple[Any, ...]] = []
    standing = tuples(
        Health.select(Health.num, Health.status_at, Health.troubles.is_null(False)).where(
            Health.num.in_([o.num for o in outcomes])
        ),
        db,
    )
    heads: dict[int, float | None] = {num: status_at for num, status_at, _ in standing}
    troubled = {num for num, _, has_trouble in standing if has_trouble}
    for outcome in outcomes:
        if outcome.num not in heads:
            continue  # the miner was forgotten while it was polled
        if outcome.status is not None:
            rows.append(_row(outcome.status, heads[outcome.num]))
            heads[outcome.num] = outcome.status.at
        if outcome.boards:  # before the head moves: each row points at the one before it
            telemetry.save(db, outcome.num, outcome.at, outcome.boards)
        Health.update(**_health(outcome), rev=rev).where(Health.num == outcome.num).execute(db)
        events.add(db, not_ours(db, outcome.events))
        if outcome.error is not None:
            told = (outcome.at, outcome.error_code, outcome.error)
            errors.note(db, outcome.num, *told, is_trouble=outcome.failed)
        elif outcome.status is not None and outcome.num in troubled:
            errors.told_status(db, outcome.num, outcome.at)
        if outcome.baseline is not None:
            body = outcome.baseline.to_text()
            Baseline.insert(num=outcome.num, body=body).on_conflict(
                conflict_target=[Baseline.num], update={Baseline.body: body}
            ).execute(db)
    if rows:
        Status.insert_many(rows, fields=_FIELDS).on_conflict_ignore().execute(db)


def put_latest(db: Database, statuses: Iterable[StoredStatus]) -> None:
    """Store the one status that is kept of each miner of another node."""
    rows = [_row(status, None) for status in statuses]
    Status.insert_many(rows, fields=_FIELDS).on_conflict_ignore().execute(db)


def newest(db: Database, num: int, *, limit: int) -> list[StoredStatus]:
    """Return a miner's statuses, newest first, following each row's pointer to the one before."""
    found: list[StoredStatus] = []
    at = Health.select(Health.status_at).where(Health.num == num).bind(db).scalar()
    while at is not None and len(found) < limit:
        rows = dicts(Status.select().where(Status.at == at, Status.num == num), db)
        if not rows:
            break  # older ones were pruned
        found.append(from_row(rows[0]))
        at = rows[0]["before"]
    return found


def columns(db: Database, num: int, *, since: float, limit: int) -> list[dict[str, Any]]:
    """Return a miner's numbers since a time, oldest first, as rows by column name: `at` and what has a chart."""
    wanted = [Status.at, Status.before, *(getattr(Status, measure.name) for measure in measures.CHARTED)]
    found: list[dict[str, Any]] = []
    at = Health.select(Health.status_at).where(Health.num == num).bind(db).scalar()
    while at is not None and at >= since and len(found) < limit:
        rows = dicts(Status.select(*wanted).where(Status.at == at, Status.num == num), db)
        if not rows:
            break
        found += rows
        at = rows[0]["before"]
    return found[::-1]


def from_row(row: dict[str, Any]) -> StoredStatus:
    """Return the record of a `status` row."""
    try:
        detail, whole = packing.unpack_detail(row["detail"]), True
    except HivedError:
        detail, whole = {}, False  # the columns still say how the miner was: one bad record must not hide a fleet
    packed = {name: detail[name] for name in measures.PACKED if name in detail}
    parts: dict[str, Any] = {name: form.read(detail[name]) for name, form in _PARTS.items() if name in detail}
    return StoredStatus(
        **{name: row[name] for name in _COLUMNS},
        **{"reported_power_w": row["power_w"], **packed},
        partial=bool(row["partial"]) or not whole,
        **parts,
        extra=detail.get("extra", {}),
    )


def _row(status: StoredStatus, before: float | None) -> tuple[Any, ...]:
    detail: dict[str, Any] = {
        **{name: getattr(status, name) for name in measures.PACKED},
        **{name: form.write(getattr(status, name)) for name, form in _PARTS.items()},
        "extra": status.extra,
    }
    if status.reported_power_w == status.power_w:
        del detail["reported_power_w"]
    packed = packing.pack_detail({k: v for k, v in detail.items() if v not in (None, [], {})})
    return (*(getattr(status, name) for name in _COLUMNS), before, status.partial, packed)


def _health(outcome: PollOutcome) -> dict[str, Any]:
    """The columns of `health` that this outcome changes."""
    change: dict[str, Any] = {}
    if outcome.next_status_at is not None:
        change["next_status_at"] = outcome.next_status_at
    if outcome.next_chips_at is not None:
        change["next_chips_at"] = outcome.next_chips_at
    if outcome.failed:
        change["failures"] = Health.failures + 1
    elif outcome.status is not None:
        change["failures"] = 0
    if outcome.status is not None:
        change |= {"status_at": outcome.status.at, "seen_at": outcome.at}
        for name in ("state", "preset"):
            if getattr(outcome.status, name) is not None:
                change[name] = getattr(outcome.status, name)
        if outcome.status.state in HASHING_STATES:
            # Read before the pause was confirmed: it may still have hashed, and stands all the same.
            before = Health.paused_at < outcome.status.at - READ_WITHIN_S
            change["paused_at"] = pw.Case(None, [(before, None)], Health.paused_at)
    if outcome.boards:
        change["chips_at"] = outcome.at
    if outcome.uptime_s is not None:
        change |= {"uptime_s": outcome.uptime_s, "uptime_at": outcome.at}
    if outcome.active_pool is not None:
        change["active_pool"] = outcome.active_pool
    if outcome.pools is not None:
        change["pools"] = pools.to_text(outcome.pools)
    if outcome.boards_seen is not None:
        change["boards_seen"] = ",".join(map(str, outcome.boards_seen))
    if outcome.fans_seen is not None:
        change["fans_seen"] = ",".join(map(str, outcome.fans_seen))
    if outcome.settings_due:
        change["settings_due_at"] = 0.0
    return change


def _numbers(text: str | None) -> tuple[int, ...] | None:
    return None if text is None else tuple(int(part) for part in text.split(",") if part)


T = TypeVar("T")


class Form(Generic[T]):
    """Records of one kind as the names of what they tell, and a list of values for each: so it takes half the room."""

    def __init__(self, record: Callable[..., T]) -> None:
        self._record = record
        self._scales = {name: _scale(name, hint) for name, hint in get_type_hints(record).items()}
        self._values = attrgetter(*self._scales)

    def write(self, records: Sequence[T]) -> list[Any]:
        """Return the names in one text and the values, nothing for no record."""
        columns = zip(*map(self._values, records), strict=True)
        told = {
            name: column if scale is None else [_thin(value, scale) for value in column]
            for (name, scale), column in zip(self._scales.items(), columns, strict=False)
            if any(value is not None for value in column)
        }
        return [" ".join(told), *zip(*told.values(), strict=False)] if told else []

    def read(self, written: Sequence[Any]) -> tuple[T, ...]:
        """Return the records; values at the end of a list may be missing."""
        names, rows = written[0].split(), written[1:]
        columns = [
            column if scale is None else [value if value is None else value * scale for value in column]
            for scale, column in zip(map(self._scales.__getitem__, names), zip_longest(*rows), strict=False)
        ]
        return tuple(self._record(**dict(zip(names, values, strict=False))) for values in zip(*columns, strict=False))


def _scale(name: str, hint: Any) -> float | None:
    """Rates are kept in GH/s, which is shorter; None for what is no number with decimals."""
    return (units.GIGA if name.endswith("_hs") else 1.0) if hint == float | None else None


def _thin(value: float | None, scale: float) -> float | None:
    """Six digits are more than any sensor of a miner knows; the rest is noise that only takes room."""
    if value is None:
        return None
    told = value / scale
    if not told.is_integer():
        told = float(f"{told:.6g}")
    return int(told) if told.is_integer() else told


_PARTS: dict[str, Form[Any]] = {
    "fans": Form(FanReading), "hashboards": Form(HashboardReading), "pools": Form(PoolReading),
}  # fmt: skip
