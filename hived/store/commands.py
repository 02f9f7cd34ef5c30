"""Commands for daemons of this node and of others, as rows: left by whoever asks, kept until their outcome is known.

What is secret among the arguments is sealed: it rests here only until the command is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hived.records.commands import VERBS, Command, secrets_of
from hived.records.daemon import SYNCD
from hived.records.node import Order
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Command as Row
from hived.store.schema import Health, Miner, Ownership

KEEP_COMMANDS = 1000
TOO_OLD_S = 86_400.0
"""A wish of yesterday may not be one any more: another node that was not there ends it with a result that says so."""
AT_ONCE = 64


def ask(db: Database, daemon: str, verb: str, args: dict[str, Any], at: float) -> int:
    """Leave a command for a daemon of this node; return its id."""
    # An order whose end the master does not know is kept: it would be taken for a new one when it comes again.
    known = Row.origin.is_null() | Row.told_at.is_null(False)
    Row.delete().where(Row.id <= _newest_id(db) - KEEP_COMMANDS, known).execute(db)
    kept = json.dumps(sealed(db, verb, args, "here"))
    return int(Row.insert(daemon=daemon, verb=verb, args=kept, created_at=at).execute(db))


def open_commands(db: Database, daemon: str, *, newer_than: float, limit: int = 16) -> list[Command]:
    """Return what is still to be done here, oldest first. What waits since before `newer_than` is not wished any more.

    A secret that cannot be opened any more is None.
    """
    query = (
        Row.select()
        .where(Row.daemon == daemon, Row.node_id.is_null(), Row.done_at.is_null(), Row.created_at > newer_than)
        .order_by(Row.id)
        .limit(limit)
    )
    return [_command(row, opened(db, row)) for row in dicts(query, db)]


def command(db: Database, command_id: int) -> Command | None:
    """Return one command, without what is secret about it."""
    rows = dicts(Row.select().where(Row.id == command_id), db)
    return _command(rows[0], _shown(rows[0])) if rows else None


def finish(db: Database, command_id: int, result: dict[str, Any], at: float) -> None:
    """Mark a command as done and say what came of it; what was secret about it goes."""
    for row in dicts(Row.select().where(Row.id == command_id), db):
        _end(db, row, result, at)


# -- for other nodes: each contact hands them out until the node says what came of them ---------------------------


def give_to_all_with(db: Database, model: str, verb: str, args: dict[str, Any], at: float) -> None:
    """Leave an order for every node that watches a miner of this model."""
    query = Miner.select(Miner.node_id).where(Miner.model_alias == model, Miner.remote).distinct()
    for (node_id,) in tuples(query.order_by(Miner.node_id), db):
        give(db, node_id, SYNCD, verb, args, at)


def give(db: Database, node_id: str, daemon: str, verb: str, args: dict[str, Any], at: float) -> int:
    """Leave an order for a node and return its number; one for the same thing that still waits is taken back."""
    about = VERBS[verb].about if verb in VERBS else None
    if about is not None:
        for other in _open(db, node_id):
            if other["verb"] == verb and json.loads(other["args"]).get(about) == args[about]:
                _end(db, other, {"error": "another order took its place"}, at)
    _show(db, args)
    kept = json.dumps(sealed(db, verb, args, f"{node_id}:{args.get('mac')}"))
    return int(Row.insert(daemon=daemon, verb=verb, args=kept, created_at=at, node_id=node_id).execute(db))


def waiting(db: Database, node_id: str, *, secure: bool, now: float) -> list[Order]:
    """Return what a node is to do, oldest first. What waited too long is ended; secrets need a `secure` contact.

    Orders to miners may be many: that one of them is taken back is told before them, and so is all else.
    """
    found = []
    for row in _open(db, node_id):
        if not row["created_at"] > now - TOO_OLD_S:
            _end(db, row, {"error": "the node was not there for a day"}, now)
        elif secure or not secrets_of(row["verb"]):
            mac = json.loads(row["args"]).get("mac")
            if mac is not None and secrets_of(row["verb"]) and not _has(db, node_id, mac, row["created_at"]):
                _end(db, row, {"error": "the miner is not this node's any more: give it again"}, now)
                continue
            args = opened(db, row)
            if row["verb"] == "steer" and args.get("body") is not None and not _with_seconds(args, now):
                _end(db, row, {"error": "it expired before its node came"}, now)
                continue
            lost = [name for name in secrets_of(row["verb"]) if args.get(name) is None]
            if lost:
                _end(db, row, {"error": f"the {lost[0]} cannot be opened any more: give it again"}, now)
            else:
                found.append(Order(row["id"], row["daemon"], row["verb"], args))
    return sorted(found, key=_turn)[:AT_ONCE]


def _turn(order: Order) -> int:
    return {"steer_cancel": 0, "steer": 2}.get(order.verb, 1)


def is_taken_back(db: Database, master_id: str, order: int) -> bool:
    """Tell whether a master has cancelled an order to miners of this node, that has perhaps not come yet."""
    query = Row.select(Row.args).where(Row.verb == "steer_cancel", Row.origin.startswith(f"{master_id}:"))
    return any(json.loads(args).get("order") == order for (args,) in tuples(query, db))


def _with_seconds(args: dict[str, Any], now: float) -> bool:
    """Put in how many seconds an order to miners has left; False when it has none: clocks of two boxes differ."""
    body = json.loads(args["body"])
    seconds = float(body.pop("expires_at")) - now
    args["body"] = json.dumps({**body, "seconds": seconds}, separators=(",", ":"))
    return seconds > 0


def _has(db: Database, node_id: str, mac: str | None, since: float) -> bool:
    """Tell whether a node has a miner, and had it already when somebody gave a secret for it."""
    mine = Ownership.select(Ownership.id).join(Miner, on=(Miner.num == Ownership.num))
    wanted = (Miner.mac == mac) & Miner.remote & (Miner.node_id == node_id)
    held = (Ownership.node_id == node_id) & Ownership.until.is_null() & (Ownership.sure_from <= since)
    return bool(tuples(mine.where(wanted, held).limit(1), db))


def done(db: Database, node_id: str, results: Iterable[tuple[int, dict[str, Any]]], now: float) -> None:
    """Note what came of orders; the same result again, or one for another node's order, changes nothing."""
    told = dict(results)
    if told:
        for row in _open(db, node_id):
            if row["id"] in told:
                _end(db, row, told[row["id"]], now)


def pending(db: Database) -> dict[str, list[str]]:
    """Return what waits for the miners of other nodes: {mac: ["managed", "unlock_pass"]}."""
    names = {verb.name: verb.pending for verb in VERBS.values() if verb.pending is not None}
    query = Row.select(Row.verb, Row.args).where(
        Row.node_id.is_null(False), Row.done_at.is_null(), Row.verb.in_(list(names))
    )
    found: dict[str, list[str]] = {}
    for verb, args in tuples(query.order_by(Row.id), db):
        found.setdefault(json.loads(args)["mac"], []).append(names[verb])
    return found


# -- secrets --------------------------------------------------------------------------------------------------------


def sealed(db: Database, verb: str, args: dict[str, Any], whose: str) -> dict[str, Any]:
    """Return arguments with what is secret sealed."""
    return args | {name: db.box.seal(args[name], f"order:{whose}:{name}") for name in secrets_of(verb) if name in args}


def opened(db: Database, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row's arguments with what is secret opened, None where it cannot be."""
    args: dict[str, Any] = json.loads(row["args"])
    whose = row["origin"] or (f"{row['node_id']}:{args.get('mac')}" if row["node_id"] else "here")
    for name in secrets_of(row["verb"]) & args.keys():
        args[name] = db.box.open_or_none(args[name], f"order:{whose}:{name}")
    return args


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in json.loads(row["args"]).items() if name not in secrets_of(row["verb"])}


def _command(row: dict[str, Any], args: dict[str, Any]) -> Command:
    return Command(
        id=row["id"], daemon=row["daemon"], verb=row["verb"], args=args, created_at=row["created_at"],
        done_at=row["done_at"], result=json.loads(row["result"]) if row["result"] else None, node_id=row["node_id"],
        origin=row["origin"],
    )  # fmt: skip


def _open(db: Database, node_id: str) -> list[dict[str, Any]]:
    return dicts(Row.select().where(Row.node_id == node_id, Row.done_at.is_null()).order_by(Row.id), db)


def _end(db: Database, row: dict[str, Any], result: dict[str, Any], at: float) -> None:
    args = _shown(row)
    Row.update(done_at=at, result=json.dumps(result), args=json.dumps(args)).where(
        Row.id == row["id"], Row.done_at.is_null()
    ).execute(db)
    if row["node_id"] is not None:
        _show(db, args)


def _show(db: Database, args: dict[str, Any]) -> None:
    """Let whoever looks at the miner see what waits for it."""
    if "mac" in args:
        nums = Miner.select(Miner.num).where(Miner.mac == args["mac"])
        Health.update(rev=next_rev(db)).where(Health.num.in_(nums)).execute(db)


def _newest_id(db: Database) -> int:
    newest = Row.select(Row.id).order_by(Row.id.desc()).limit(1).bind(db).scalar()
    return int(newest or 0)
