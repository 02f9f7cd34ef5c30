"""Miners that other nodes watch: their rows, and what those nodes know of their models.

A miner belongs to the node that tells of it. Another one takes it over only by saying that it is online while the
present one says that it is offline, or has not seen it for TAKEN_OVER_S: so a box that was moved to another site is
found there, and two nodes on one network do not pull at the same row. What the master itself watches nobody takes over:
an event says that a node has it, and a person may remove it here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import peewee as pw

from hived.records.bounds import BOUNDS, MINERS, MODELS
from hived.records.events import Event
from hived.records.ingest import Rejected, SentMiner, SentModel
from hived.records.streams import OTHER_OWNER
from hived.store import events
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, tuples
from hived.store.miners import ownership, replaced
from hived.store.nodes import shares
from hived.store.schema import Event as EventRow
from hived.store.schema import Health, Miner, Model, Node

TAKEN_OVER_S = 600.0
CLAIM_S = 86_400.0

_TOLD = (
    "ip", "online", "managed", "model_alias", "model_name", "hostname", "firmware", "firmware_version", "features",
    "platform", "serial", "doubted_ip", "updated_at", "seq",
)  # fmt: skip


def take(db: Database, node_id: str, items: Sequence[SentMiner], now: float) -> list[Rejected]:
    """Store the newest row of each miner; return those that another node has, or the master itself, or too many."""
    newest = {one.mac: one for one in items}
    if not newest:
        return []
    rev = next_rev(db)
    replaced.follow(db, node_id, [(one.mac, one.former_mac) for one in newest.values() if one.former_mac], now)
    rows = [_row(newest[mac], node_id) for mac in sorted(newest)]
    known = dict(tuples(Miner.select(Miner.mac, Miner.num).where(Miner.mac.in_(sorted(newest))), db))
    fresh = [row for row in rows if row["mac"] not in known]
    changed: list[int] = []
    rejected: list[Rejected] = []
    if fresh or shares.is_full(db, node_id, MINERS):
        room = shares.room(db, node_id, MINERS)
        rejected = [Rejected(newest[row["mac"]].seq, BOUNDS[MINERS].code) for row in fresh[room:]]
        shares.note(db, node_id, MINERS, full=bool(rejected) or not room, now=now)
        fresh = fresh[:room]
    if fresh:
        made = Miner.insert_many(fresh).on_conflict_ignore().returning(Miner.num, Miner.mac)
        found = {mac: int(num) for num, mac in made.tuples().execute(db)}
        if found:
            born = [{"num": num, "rev": rev} for num in found.values()]
            Health.insert_many(born).on_conflict_ignore().execute(db)
            ownership.first_told(db, found.values(), node_id)
        met = [row["mac"] for row in fresh if row["mac"] not in found]
        if met:
            known |= dict(tuples(Miner.select(Miner.mac, Miner.num).where(Miner.mac.in_(met)), db))
    # The number is given with the row, so none is taken from the sequence.
    told = [{"num": known[row["mac"]], **row} for row in rows if row["mac"] in known]
    if told:
        changed = _replace(db, told, now)
    if changed:
        ownership.handed_over(db, changed, node_id, now)
        Health.update(rev=rev).where(Health.num.in_(changed)).execute(db)
    wanted = {row["num"]: newest[row["mac"]] for row in told if row["online"] and row["num"] not in changed}
    _note_claims(db, node_id, wanted, now)
    return [*rejected, *(Rejected(one.seq, OTHER_OWNER) for one in wanted.values())]


def _replace(db: Database, rows: list[dict[str, Any]], now: float) -> list[int]:
    new = pw.EXCLUDED
    seen_at = Health.select(Health.seen_at).where(Health.num == Miner.num)
    heard_before = now - TAKEN_OVER_S
    left = (~Miner.online) | ((pw.fn.COALESCE(seen_at, 0.0) < heard_before) & (Miner.updated_at < heard_before))
    change: dict[Any, Any] = {getattr(Miner, name): getattr(new, name) for name in (*_TOLD, "node_id", "node_has_key")}
    change[Miner.last_ip] = pw.fn.COALESCE(new.last_ip, Miner.last_ip)
    statement = Miner.insert_many(rows).on_conflict(
        conflict_target=[Miner.num], update=change,
        where=Miner.remote & ((Miner.node_id == new.node_id) | (new.online & left)),
    )  # fmt: skip
    return [int(num) for (num,) in statement.returning(Miner.num).tuples().execute(db)]


def _note_claims(db: Database, node_id: str, wanted: dict[int, SentMiner], now: float) -> None:
    """Say once a day of each of the master's own miners that is offline here that a node sees it."""
    gone = ~Miner.remote & ~Miner.online & Miner.num.in_(list(wanted))
    said = EventRow.select(EventRow.id).where(
        EventRow.num == Miner.num, EventRow.kind == "miner_elsewhere", EventRow.at > now - CLAIM_S
    )
    new = tuples(Miner.select(Miner.num).where(gone, ~pw.fn.EXISTS(said)), db) if wanted else []
    if new:
        name = Node.select(Node.name).where(Node.id == node_id).bind(db).scalar() or node_id
        events.add(
            db,
            [
                Event("miner_elsewhere", now, {"node_id": node_id, "node": name, "mac": wanted[num].mac}, num=num)
                for (num,) in new
            ],
        )


def _row(one: SentMiner, node_id: str) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in _TOLD}
    return told | {
        "mac": one.mac, "last_ip": one.ip or one.last_ip, "created_at": one.created_at, "node_id": node_id,
        "remote": True, "node_has_key": one.has_key,
        "hashrate_unit": "GH/s", "unlock_failures": 0, "unlock_position": 0, "unlock_not_before": 0.0,
    }  # fmt: skip


def take_models(db: Database, node_id: str, items: Sequence[SentModel], now: float) -> None:
    """Store what a node knows of models. It may change what it told itself; of what was read here, or what another node
    told first, it fills what is empty."""
    if not items:
        return
    newest = {one.alias: one for one in items}
    known = {short for (short,) in tuples(Model.select(Model.short).where(Model.short.in_(list(newest))), db)}
    fresh = sorted(newest.keys() - known)
    if fresh or shares.is_full(db, node_id, MODELS):
        room = shares.room(db, node_id, MODELS)
        shares.note(db, node_id, MODELS, full=len(fresh) > room or not room, now=now)
        fresh = fresh[:room]
    rows = [_model(newest[alias], node_id, now) for alias in sorted({*known, *fresh})]
    if not rows:
        return
    new = pw.EXCLUDED
    is_its_word = Model.told_by.in_((node_id, ""))

    def told(name: str) -> Any:
        ours, theirs = getattr(Model, name), getattr(new, name)
        return pw.Case(None, [(is_its_word, pw.fn.COALESCE(theirs, ours))], pw.fn.COALESCE(ours, theirs))

    change: dict[Any, Any] = {
        getattr(Model, name): told(name) for name in ("name", "chips_per_chain", "chains", "topology", "series")
    }
    counts = ((Model.presets == "[]") | is_its_word) & (new.presets != "[]")
    change |= {
        Model.presets: pw.Case(None, [(counts, new.presets)], Model.presets),
        Model.refreshed_at: pw.Case(None, [(is_its_word, new.refreshed_at)], Model.refreshed_at),
        Model.told_by: pw.Case(None, [(is_its_word, new.told_by)], Model.told_by),
    }
    Model.insert_many(rows).on_conflict(conflict_target=[Model.short], update=change).execute(db)


def _model(one: SentModel, node_id: str, now: float) -> dict[str, Any]:
    return {
        "short": one.alias, "name": one.name, "presets": json.dumps(list(one.presets), separators=(",", ":")),
        "chips_per_chain": one.chips_per_chain, "chains": one.chains,
        "topology": json.dumps(one.topology) if one.topology else None, "series": one.series,
        "firmware_versions": "[]", "created_at": now, "refreshed_at": now, "told_by": node_id,
    }  # fmt: skip
