"""Orders for miners of other nodes: handed to these a few miners at a time, with the seconds that they have left."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hived.errors import Conflict, NotFound
from hived.records.access import By
from hived.records.orders import Order, Target
from hived.services.commands import ask
from hived.store import Database
from hived.store.miners import orders
from hived.store.miners import orders_elsewhere as rows

AT_ONCE = 8
"""Miners of one command: what became of them has to fit into what a master takes as a result (4 KiB)."""


def hand_out(db: Database, order: Order, targets: Sequence[Target], by: By) -> None:
    """Ask the nodes of miners that are not ours to carry an order out there; who cannot be asked is left out."""
    by_node: dict[str, list[Target]] = {}
    watched = rows.nodes_of_miners(db)
    for one in targets:
        if one.state == "pending" and one.mac in watched:
            by_node.setdefault(watched[one.mac], []).append(one)
    for node_id, theirs in by_node.items():
        for place in range(0, len(theirs), AT_ONCE):
            some = theirs[place : place + AT_ONCE]
            try:
                args = {"order": order.id, "body": letter(order, some)}
                command = ask(db, "steer", args, by, node_id=node_id)
            except (Conflict, NotFound) as err:
                for one in some:
                    orders.end(db, one, "skipped", by["at"], reason="node_refuses", said=str(err))
            else:
                rows.hand(db, order.id, [one.num for one in some], command, by["at"])


def letter(order: Order, targets: Sequence[Target]) -> str:
    """Return what a node is to do, as its `orders_from_master.Letter` reads it."""
    body: dict[str, Any] = {
        "verb": order.verb, "miners": {one.mac: one.args for one in targets}, "expires_at": order.expires_at,
        "packet": {"size": order.packet.size, "interval_seconds": order.packet.interval_s}, "force": order.force,
        "by": order.by, "undo": order.undo_of, "automatic": order.automatic,
    }  # fmt: skip
    return json.dumps(body, separators=(",", ":"))


def cancel(db: Database, number: int, by: By) -> None:
    """Ask the nodes that have a part of an order to ask no more miners."""
    for node_id in rows.nodes_at_work(db, number):
        try:
            ask(db, "steer_cancel", {"order": number}, by, node_id=node_id)
        except (Conflict, NotFound):
            continue  # it takes no orders any more: what it has expires


def results(targets: Sequence[Target]) -> Mapping[str, Any]:
    """Return what a node tells its master of the miners of one command."""
    return {
        "targets": [
            [one.mac, one.state, one.reason, (one.said or "")[:100] or None, _power(one.before), _power(one.after)]
            for one in targets
        ]
    }


def _power(seen: Mapping[str, Any] | None) -> float | None:
    return None if seen is None else seen.get("power_w")
