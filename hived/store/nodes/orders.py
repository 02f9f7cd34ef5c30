"""What nodes are to do: rows that each contact hands out until the node says what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from hived.records.daemon import SYNCD
from hived.records.node import Order
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Command, Health, Miner

TOO_OLD_S = 86_400.0
"""A wish of yesterday may not be one any more: it ends with a result that says so."""
AT_ONCE = 64
_HIDDEN = "password"
SECRET_VERBS = frozenset({"set_unlock_pass"})


def give_to_all_with(db: Database, model: str, verb: str, args: dict[str, Any], at: float) -> None:
    """Leave an order for every node that watches a miner of this model."""
    query = Miner.select(Miner.node_id).where(Miner.model_alias == model, Miner.remote).distinct()
    for (node_id,) in tuples(query.order_by(Miner.node_id), db):
        give(db, node_id, SYNCD, verb, args, at)


def give(db: Database, node_id: str, daemon: str, verb: str, args: dict[str, Any], at: float) -> int:
    """Leave an order for a node and return its number; one for the same thing that still waits is taken back.

    A password among the args is sealed: it rests here only until the node says that it has it.
    """
    if "mac" in args or "alias" in args:
        key = "mac" if "mac" in args else "alias"
        for other in _open(db, node_id):
            if other["verb"] == verb and json.loads(other["args"]).get(key) == args[key]:
                _end(db, other, {"error": "another order took its place"}, at)
    if _HIDDEN in args:
        args = {**args, _HIDDEN: db.box.seal(args[_HIDDEN], _about(node_id, args))}
    _show(db, args)
    return int(
        Command.insert(daemon=daemon, verb=verb, args=json.dumps(args), created_at=at, node_id=node_id).execute(db)
    )


def waiting(db: Database, node_id: str, *, secure: bool, now: float) -> list[Order]:
    """Return what a node is to do, oldest first. What waited too long is ended; passwords need a `secure` contact."""
    found = []
    for row in _open(db, node_id):
        if not row["created_at"] > now - TOO_OLD_S:
            _end(db, row, {"error": "the node was not there for a day"}, now)
        elif secure or row["verb"] not in SECRET_VERBS:
            args = json.loads(row["args"])
            if _HIDDEN in args:
                args[_HIDDEN] = db.box.open_or_none(args[_HIDDEN], _about(node_id, args))
                if args[_HIDDEN] is None:
                    _end(db, row, {"error": "the password cannot be opened any more: give it again"}, now)
                    continue
            found.append(Order(row["id"], row["daemon"], row["verb"], args))
    return found[:AT_ONCE]


def done(db: Database, node_id: str, results: Iterable[tuple[int, dict[str, Any]]], now: float) -> None:
    """Note what came of orders; the same result again, or one for another node's order, changes nothing."""
    told = dict(results)
    if told:
        for row in _open(db, node_id):
            if row["id"] in told:
                _end(db, row, told[row["id"]], now)


def pending(db: Database) -> dict[str, list[str]]:
    """Return what waits for the miners of other nodes: {mac: ["managed", "unlock_pass"]}."""
    query = Command.select(Command.verb, Command.args).where(
        Command.node_id.is_null(False), Command.done_at.is_null(), Command.verb.in_(list(_NAMES))
    )
    found: dict[str, list[str]] = {}
    for verb, args in tuples(query.order_by(Command.id), db):
        mac = json.loads(args).get("mac")
        if isinstance(mac, str):
            found.setdefault(mac, []).append(_NAMES[verb])
    return found


_NAMES = {"set_managed": "managed", "set_unlock_pass": "unlock_pass"}


def _open(db: Database, node_id: str) -> list[dict[str, Any]]:
    query = Command.select().where(Command.node_id == node_id, Command.done_at.is_null())
    return dicts(query.order_by(Command.id), db)


def _end(db: Database, row: dict[str, Any], result: dict[str, Any], now: float) -> None:
    args = {name: value for name, value in json.loads(row["args"]).items() if name != _HIDDEN}
    Command.update(done_at=now, result=json.dumps(result), args=json.dumps(args)).where(
        Command.id == row["id"], Command.done_at.is_null()
    ).execute(db)
    _show(db, args)


def _show(db: Database, args: dict[str, Any]) -> None:
    """Let whoever looks at the miner see what waits for it."""
    if "mac" in args:
        nums = Miner.select(Miner.num).where(Miner.mac == args["mac"])
        Health.update(rev=next_rev(db)).where(Health.num.in_(nums)).execute(db)


def _about(node_id: str, args: dict[str, Any]) -> str:
    return f"order:{node_id}:{args.get('mac')}:{_HIDDEN}"
