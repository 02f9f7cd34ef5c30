"""What nodes tell of the miners that they were to steer: taken for those alone that were asked of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from hived.records.daemon import CONTROLD
from hived.records.orders import ENDS, OUTCOMES, REASONS, State, Target
from hived.records.steering import Seen
from hived.store import commands
from hived.store.engine.database import Database, tuples
from hived.store.miners import orders
from hived.store.miners import orders_elsewhere as rows
from hived.store.schema import Command

AGAIN = "node_restarted"
"""What its node did not do because it restarted is asked for again, as long as the order stands."""


def take(db: Database, node_id: str, results: Iterable[tuple[int, Mapping[str, Any]]], at: float) -> None:
    """Book what a node tells, before its commands are marked as done."""
    told = dict(results)
    query = Command.select(Command.id, Command.args).where(
        Command.id.in_(list(told)), Command.node_id == node_id, Command.verb == "steer", Command.done_at.is_null()
    )
    for number, _ in tuples(query, db) if told else ():
        _book(db, node_id, int(number), told[number], at)


def _book(db: Database, node_id: str, command: int, result: Mapping[str, Any], at: float) -> None:
    waiting = {target.mac: target for target in rows.handed(db, command)}
    again: list[Target] = []
    told = result.get("targets")
    for row in told if isinstance(told, list) else ():
        if not isinstance(row, list) or len(row) < 6:
            continue
        mac, state, reason = (value if isinstance(value, str) else None for value in row[:3])
        if mac not in waiting or state not in ENDS:
            continue
        target = waiting.pop(mac)
        reason = reason if reason in REASONS or reason in OUTCOMES else None
        if reason == AGAIN and rows.stands(db, target.order, at):
            again.append(target)
            continue
        before, after = (_seen(value, at) for value in row[4:6])
        said = row[3] if isinstance(row[3], str) else None
        orders.end(
            db, target, cast("State", state), at, reason=reason, said=said, after=after, before=before, elsewhere=True
        )
    error = result.get("error")
    for target in waiting.values():
        if isinstance(error, str):
            reason = "node_too_old" if "does not know" in error else "node_refuses"
            orders.end(db, target, "skipped", at, reason=reason, said=error, elsewhere=True)
        else:
            orders.end(db, target, "unconfirmed", at, reason="node_silent", elsewhere=True)
    if again:
        _ask_again(db, node_id, command, again, at)


def _ask_again(db: Database, node_id: str, command: int, targets: list[Target], at: float) -> None:
    row = {"id": command, **dict(zip(("args", "origin", "node_id", "verb"), _row(db, command), strict=True))}
    args = commands.opened(db, row)
    if args.get("body") is None:
        return
    body = json.loads(args["body"])
    body["miners"] = {one.mac: body["miners"][one.mac] for one in targets if one.mac in body["miners"]}
    anew = {"order": args["order"], "body": json.dumps(body, separators=(",", ":"))}
    rows.hand(
        db, targets[0].order, [one.num for one in targets], commands.give(db, node_id, CONTROLD, "steer", anew, at), at
    )


def _row(db: Database, command: int) -> tuple[Any, ...]:
    query = Command.select(Command.args, Command.origin, Command.node_id, Command.verb).where(Command.id == command)
    return tuple(tuples(query, db)[0])


def _seen(power: Any, at: float) -> Seen | None:
    if isinstance(power, bool) or not isinstance(power, int | float) or not 0 <= power < 1e6:
        return None
    return Seen(at, power_w=float(power))
