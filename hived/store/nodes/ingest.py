"""What nodes send, stored so that a repeat changes nothing: one transaction for each batch, under `Store.merge`.

The row of the stream's sync point is locked first, so two deliveries of one node follow each other; deliveries of
different nodes run side by side and meet in the unique keys. Nothing here reads a row in order to write it back:
what wins is decided by the one statement that writes.
"""

from __future__ import annotations

import json
from typing import Any

import peewee as pw

from hived.records.bubbles import KINDS
from hived.records.ingest import Batch, Rejected, SentEvent, Taken
from hived.records.streams import EVENTS, FLEET, MINERS, NOT_ITS_TIME, OTHER_OWNER
from hived.store.engine import bulk
from hived.store.engine.counters import in_order
from hived.store.engine.database import Database, tuples
from hived.store.miners import fleet_history, ownership
from hived.store.nodes import ingest_artifacts, ingest_miners, ingest_status, shares
from hived.store.schema import Event, SyncPoint

MAX_EPOCHS = 8  # incarnations of one node's database that are remembered; older ones never come again


def take(db: Database, node_id: str, batch: Batch, now: float, *, is_ours: bool = True) -> Taken:
    """Store a batch and return how far the stream is held: what is held already changes nothing.

    `is_ours`: it comes from a node of ours, not from a collector that may send contributions alone.

    `gap`: nothing is stored, because numbers between what is held and this batch are missing. A batch whose last
    number is 0 carries state alone and moves nothing.
    """
    held = _hold(db, node_id, batch, now)
    if batch.last_seq and batch.first_seq > held + 1:
        return Taken(held, gap=True)
    fresh = [item for item in batch.items if item.seq > held]
    rejected = list(batch.rejected)
    results: tuple[Any, ...] = ()
    if batch.stream in KINDS:
        results = ingest_artifacts.take(db, node_id, batch.epoch, batch.items, now, held=held, is_ours=is_ours)
    elif batch.stream == MINERS:
        refused = ingest_miners.take(db, node_id, fresh, now)
        rejected += refused if batch.wire > 1 else []  # 0.1.0 would set them aside until its list is full
        ingest_miners.take_models(db, node_id, batch.models, now)
    elif batch.stream == EVENTS:
        refused = _events(db, node_id, batch.epoch, [*fresh, *batch.again])
        rejected += refused if batch.wire > 1 else []
    elif batch.stream == FLEET:
        rejected += fleet_history.take(db, node_id, fresh)
    else:
        rejected += ingest_status.take_rollups(db, node_id, [*fresh, *batch.again])
        ingest_status.take_latest(db, node_id, batch.latest, now)
    if batch.last_seq > held:
        held = batch.last_seq
        SyncPoint.update(seq=held).where(
            SyncPoint.peer == node_id, SyncPoint.epoch == batch.epoch, SyncPoint.stream == batch.stream,
            SyncPoint.seq < held,
        ).execute(db)  # fmt: skip
    return Taken(held, results=results, rejected=tuple(rejected), full=shares.codes(db, node_id))


def held(db: Database, node_id: str, epoch: str) -> dict[str, int]:
    """Return how far each stream of a node is held: {stream: seq}, without those of which nothing came."""
    query = SyncPoint.select(SyncPoint.stream, SyncPoint.seq)
    return dict(tuples(query.where(SyncPoint.peer == node_id, SyncPoint.epoch == epoch), db))


def _hold(db: Database, node_id: str, batch: Batch, now: float) -> int:
    """Lock the stream's sync point and return it."""
    point = SyncPoint.insert(peer=node_id, epoch=batch.epoch, stream=batch.stream, seq=0, at=now).on_conflict(
        conflict_target=[SyncPoint.peer, SyncPoint.epoch, SyncPoint.stream], update={SyncPoint.at: now}
    )
    ((held,),) = list(point.returning(SyncPoint.seq).tuples().execute(db))
    if not held:
        newest = (
            SyncPoint.select(SyncPoint.epoch)
            .where(SyncPoint.peer == node_id)
            .group_by(SyncPoint.epoch)
            .order_by(pw.fn.MAX(SyncPoint.at).desc())
            .limit(MAX_EPOCHS)
        )
        SyncPoint.delete().where(SyncPoint.peer == node_id, SyncPoint.epoch.not_in(newest)).execute(db)
    return int(held)


def _events(db: Database, node_id: str, epoch: str, items: list[SentEvent]) -> list[Rejected]:
    """Append what happened at a node; return what is not taken: it was not at a miner that was the node's by then.

    Of a miner that nobody knows here any more, the MAC is kept in the detail.
    """
    if not items:
        return []
    owners = ingest_status.owners_of(db, {one.mac for one in items if one.mac is not None})
    had = ownership.stretches(db, node_id, (num for num, _ in owners.values()))
    rows, rejected = [], []
    for one in items:
        num, owner = owners.get(one.mac, (None, None)) if one.mac is not None else (None, None)
        if num is not None and ownership.covering(had.get(num, ()), one.at) is None:
            rejected.append(Rejected(one.seq, NOT_ITS_TIME if owner == node_id else OTHER_OWNER))
            continue
        detail = one.detail if one.mac is None or num is not None else {**one.detail, "mac": one.mac}
        rows.append((one.at, num, one.kind, json.dumps(detail, separators=(",", ":")), node_id, epoch, one.seq))
    if rows:
        in_order(db, "events")
        fields = [Event.at, Event.num, Event.kind, Event.detail, Event.node_id, Event.node_epoch, Event.node_seq]
        bulk.upsert(db, Event.insert_many(rows[:1], fields=fields).on_conflict_ignore(), len(fields), rows)
    return rejected
