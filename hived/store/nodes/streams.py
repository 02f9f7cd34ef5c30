"""What this node has to tell its master, read straight from the rows: they are the outbox, nothing is copied.

Every read goes on from a number by an index and stops at the bounds given, so it costs the same at any backlog. Only
this node's own rows travel: what a master holds of other nodes is not ours to tell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

import peewee as pw
from peewee import JOIN

from hived.records import fleet_history, measures
from hived.records.bubbles import DESCRIPTION, KINDS
from hived.records.events import LOCAL
from hived.records.ingest import SentLatest
from hived.records.streams import (
    CONTRIBUTIONS,
    EVENTS,
    FACTS,
    FLEET,
    MINERS,
    ROLLUP_S,
    STATUS,
    STREAMS,
    WIRE,
    Batch,
    Item,
    Lag,
    Latest,
    rollup_key,
    rollup_seq,
)
from hived.records.times import to_text
from hived.records.wire import latest as latest_told
from hived.store.engine.counters import next_number
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners import readings
from hived.store.schema import Artifact, Contribution, Counter, Fleet5m, Health, Miner, Model, Rollup5m, Status
from hived.store.schema import Event as EventRow

_TIMES = 500  # values in one statement

MOST_COUNTED = 100_000
"""A backlog is counted up to here: beyond, "more than 100,000" says enough."""

_MINER = (
    "mac", "former_mac", "ip", "last_ip", "online", "managed", "model_alias", "model_name", "hostname", "firmware",
    "firmware_version", "doubted_ip",
    "features", "platform", "serial",
)  # fmt: skip
_WORDS = ("content_hash", "input_hash", "model", "model_digest", "prompt_version")
_HEALTH = (
    "mac", "state", "preset", "seen_at", "failures", "last_error", "last_error_code", "last_error_at", "error_count",
)  # fmt: skip


def batch(
    db: Database, stream: str, *, node_id: str, after: int, items: int, size: int, without: Collection[int] = ()
) -> Batch:
    """Return the rows of a stream that follow the number `after`: at most `items`, and `size` bytes of them.

    The first row is taken whatever its size. `without`: numbers that are left out.
    """
    query, item_of = _QUERIES[stream]
    found: list[Item] = []
    room, position = size, after
    while True:
        rows = dicts(query(node_id, position).limit(items), db)
        for row in rows:
            item = item_of(row)
            if item.seq not in without:
                room -= len(item.text) + 1
                if found and (room < 0 or len(found) == items):
                    return Batch(stream, after + 1, found[-1].seq, found, more=True)
                found.append(item)
            position = item.seq
        if len(rows) < items:
            return Batch(stream, after + 1, found[-1].seq if found else after, found)
        if len(found) >= items or room < 0:
            return Batch(stream, after + 1, found[-1].seq, found, more=True)


def latest(db: Database, *, after: tuple[int, int], items: int, size: int, wire: int = WIRE) -> Latest:
    """Return how the miners are that changed after a (rev, miner's number), oldest change first.

    `wire`: the form that the master understands.
    """
    found: list[Item] = []
    room, cursor = size, after
    rows = dicts(_latest(*after).limit(items), db)
    for row in rows:
        item = _latest_item(row, wire)
        room -= len(item.text) + 1
        if found and room < 0:
            return Latest(found, cursor, more=True)
        found.append(item)
        cursor = (row["rev"], row["num"])
    return Latest(found, cursor, more=len(rows) == items)


def models(db: Database) -> list[Item]:
    """Return what is known of the miners' models; there are tens of them, so all are read at once."""
    wanted = Model.select(
        Model.short, Model.name, Model.presets, Model.chips_per_chain, Model.chains, Model.topology, Model.series
    )
    found: list[Item] = []
    for row in dicts(wanted.order_by(Model.short), db):
        told = {"alias": row.pop("short"), **row}
        told["presets"] = json.loads(row["presets"])
        told["topology"] = json.loads(row["topology"]) if row["topology"] else None
        found.append(Item(0, _text(told), told["alias"]))
    return found


def tell_again(db: Database, nums: Collection[int]) -> None:
    """Have miners carried once more, for a master that has lost them: as if their rows had changed."""
    for num in sorted(nums):  # each with a number of its own: a batch may end between any two
        Miner.update(seq=next_number(db, MINERS)).where(Miner.num == num, ~Miner.remote).execute(db)


def missed(
    db: Database, num: int, *, rollup_at: float | None, event_id: int | None, held: Mapping[str, int]
) -> dict[str, list[Item]]:
    """Return what a miner did from a rollup and an event on, up to the numbers that the master has passed."""
    found: dict[str, list[Item]] = {STATUS: [], EVENTS: []}
    if rollup_at is not None:
        # Each time by itself: the key begins with it, and a range would read the whole site.
        last = int(rollup_key(held.get(STATUS, 0))[0])
        for start in range(int(rollup_at), last + 1, ROLLUP_S * _TIMES):
            times = [float(at) for at in range(start, min(start + ROLLUP_S * _TIMES, last + 1), ROLLUP_S)]
            query = Rollup5m.select(Rollup5m, Miner.mac).join(Miner, on=(Miner.num == Rollup5m.num))
            rows = dicts(query.where(Rollup5m.at.in_(times), Rollup5m.num == num).order_by(Rollup5m.at), db)
            found[STATUS] += [_rollup_item(row) for row in rows]
    if event_id is not None:
        query = _events("", event_id - 1).where(EventRow.num == num, EventRow.id <= held.get(EVENTS, 0))
        found[EVENTS] += [_event_item(row) for row in dicts(query.limit(_TIMES * 10), db)]
    return found


def newest(db: Database) -> dict[str, int]:
    """Return the highest number of each stream that this database has given."""
    counted = dict(tuples(Counter.select(Counter.name, Counter.value), db))
    last_event = EventRow.select(pw.fn.MAX(EventRow.id)).bind(db).scalar()
    order = (Rollup5m.at.desc(), Rollup5m.num.desc())
    rollups = tuples(Rollup5m.select(Rollup5m.at, Rollup5m.num).order_by(*order).limit(1), db)
    return {
        CONTRIBUTIONS: int(counted.get("contributions", 0)), MINERS: int(counted.get("miners", 0)),
        FLEET: int(counted.get("fleet", 0)), FACTS: int(counted.get("facts", 0)),
        STATUS: rollup_seq(*rollups[0]) if rollups else 0, EVENTS: int(last_event or 0),
    }  # fmt: skip


def lags(db: Database, *, node_id: str, held: Mapping[str, int], count: bool) -> dict[str, Lag]:
    """Return what waits in each stream behind the number that the master holds; `count` False: only since when."""
    found: dict[str, Lag] = {}
    for stream in STREAMS:
        query, _ = _QUERIES[stream]
        waiting = query(node_id, held.get(stream, 0))
        first = dicts(waiting.limit(1), db)
        behind = len(first)
        if count and first:
            some = waiting.limit(MOST_COUNTED).alias("some")
            behind = int(pw.Select([some], [pw.fn.COUNT(pw.SQL("1"))]).bind(db).scalar())
        found[stream] = Lag(behind, first[0][_AT[stream]] if first else None)
    return found


def _contributions(node_id: str, after: int, *, kind: str) -> Any:
    said = Contribution
    return (
        said.select(
            said.seq, said.id, said.kind, said.content, said.content_hash, said.input_hash, said.model,
            said.model_digest, said.prompt_version, said.collected_at, Artifact.url, Artifact.title, Artifact.provider,
            Artifact.object_id, Artifact.source_name, Artifact.licence_uri, Artifact.licence_field,
            Artifact.licence_scope, Artifact.licence_read_at, Artifact.facts, Artifact.image_url,
        )
        .join(Artifact, on=(Artifact.id == said.artifact))
        .where(said.node_id == node_id, said.kind == kind, said.seq > after)
        .order_by(said.seq)
    )  # fmt: skip


def _contribution_item(row: dict[str, Any]) -> Item:
    facts = json.loads(row["facts"])
    facts.pop("text", None)  # the page's own words: for our prompt alone
    licence = {
        "uri": row["licence_uri"], "field": row["licence_field"], "scope": row["licence_scope"],
        "read_at": to_text(row["licence_read_at"]),
    }  # fmt: skip
    artifact = {name: row[name] for name in ("title", "provider", "object_id", "source_name", "image_url")}
    told = {
        "seq": row["seq"], "id": row["id"], "kind": row["kind"], "url": row["url"],
        "collected_at": to_text(row["collected_at"]), "artifact": artifact | {"licence": licence, "facts": facts},
    }  # fmt: skip
    if row["kind"] == DESCRIPTION:
        told |= {"content": _content(row["content"])} | {name: row[name] for name in _WORDS}
    return Item(row["seq"], _text(told), row["url"])


def _content(stored: str) -> Any:
    """A document as such; a text that came as one stays one."""
    try:
        value = json.loads(stored)
    except ValueError:
        return stored
    return value if isinstance(value, dict | str) else stored


def _miners(_node_id: str, after: int) -> Any:
    return Miner.select().where(Miner.seq > after, ~Miner.remote).order_by(Miner.seq)


def _miner_item(row: dict[str, Any]) -> Item:
    told = {
        "seq": row["seq"], "has_key": row["api_key"] is not None, "created_at": to_text(row["created_at"]),
        "updated_at": to_text(row["updated_at"]),
    }  # fmt: skip
    told |= {name: row[name] for name in _MINER} | {name: bool(row[name]) for name in ("online", "managed")}
    return Item(row["seq"], _text(told), row["mac"])


def _rollups(_node_id: str, after: int) -> Any:
    at, num = rollup_key(after)
    return (
        Rollup5m.select(Rollup5m, Miner.mac)
        .join(Miner, on=(Miner.num == Rollup5m.num))
        .where(Rollup5m.at >= at, (Rollup5m.at > at) | (Rollup5m.num > num), ~Miner.remote)
        .order_by(Rollup5m.at, Rollup5m.num)
    )


def _rollup_item(row: dict[str, Any]) -> Item:
    seq = rollup_seq(row["at"], row["num"])
    told = {"seq": seq, "mac": row["mac"], "at": to_text(row["at"])} | {name: row[name] for name in measures.ROLLUP}
    return Item(seq, _text(told), f"{row['mac']} at {told['at']}")


def _events(_node_id: str, after: int) -> Any:
    # A function of the column, because its index would be chosen else, and the rows behind `after` sorted each time.
    own = pw.fn.COALESCE(EventRow.node_id, "") == ""
    return (
        EventRow.select(EventRow.id, EventRow.at, EventRow.kind, EventRow.detail, Miner.mac)
        .join(Miner, JOIN.LEFT_OUTER, on=(Miner.num == EventRow.num))
        .where(EventRow.id > after, own, EventRow.kind.not_in(LOCAL))
        .order_by(EventRow.id)
    )


def _event_item(row: dict[str, Any]) -> Item:
    told = {
        "seq": row["id"], "at": to_text(row["at"]), "mac": row["mac"], "kind": row["kind"],
        "detail": json.loads(row["detail"]),
    }  # fmt: skip
    return Item(row["id"], _text(told), f"{row['kind']} at {told['at']}")


def _fleet(_node_id: str, after: int) -> Any:
    return Fleet5m.select().where(Fleet5m.seq > after).order_by(Fleet5m.seq)


def _fleet_item(row: dict[str, Any]) -> Item:
    values = {name: row[name] for name in ("model", "n", *fleet_history.COLUMNS)}
    return Item(row["seq"], _text({"seq": row["seq"], "at": to_text(row["at"]), **values}), f"{row['model']} fleet")


def _latest(rev: int, num: int) -> Any:
    return (
        Health.select(
            Health.num, Health.rev, Health.state, Health.preset, Health.seen_at, Health.failures, Health.last_error,
            Health.last_error_code, Health.last_error_at, Health.error_count, Miner.mac, Status.at,
            Status.state.alias("status_state"), Status.preset.alias("status_preset"), Status.partial, Status.detail,
            *(getattr(Status, name) for name in measures.COLUMNS),
        )
        .join(Miner, on=(Miner.num == Health.num))
        .switch(Health)
        .join(Status, JOIN.LEFT_OUTER, on=((Status.num == Health.num) & (Status.at == Health.status_at)))
        .where(Health.rev >= rev, (Health.rev > rev) | (Health.num > num), ~Miner.remote)
        .order_by(Health.rev, Health.num)
    )  # fmt: skip


def _latest_item(row: dict[str, Any], wire: int) -> Item:
    status = None
    if row["at"] is not None:
        status = readings.from_row(row | {"state": row["status_state"], "preset": row["status_preset"]})
    told = SentLatest(**{name: row[name] for name in _HEALTH}, status=status)
    return Item(row["num"], _text(latest_told(told, wire)), row["mac"])


def _text(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))


_QUERIES: dict[str, tuple[Callable[[str, int], Any], Callable[[dict[str, Any]], Item]]] = {
    **{stream: (partial(_contributions, kind=kind), _contribution_item) for stream, kind in KINDS.items()},
    MINERS: (_miners, _miner_item),
    STATUS: (_rollups, _rollup_item),
    EVENTS: (_events, _event_item),
    FLEET: (_fleet, _fleet_item),
}
_AT = {**dict.fromkeys(KINDS, "collected_at"), MINERS: "updated_at", STATUS: "at", EVENTS: "at", FLEET: "at"}
