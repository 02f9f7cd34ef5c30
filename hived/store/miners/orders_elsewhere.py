"""Orders that are carried out on other nodes, and those that came from a master."""

from __future__ import annotations

from collections.abc import Sequence

from hived.records.orders import Target
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners.orders import end, target_of, verb_of
from hived.store.schema import Miner, MinerOrder, OrderTarget

SILENT_S = 900.0
"""So long after an order has expired its nodes have to tell of what they had begun."""


def end_silent(db: Database, at: float) -> None:
    """End what nodes were asked for and tell nothing of."""
    query = (
        OrderTarget.select(OrderTarget)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(OrderTarget.command.is_null(False), OrderTarget.state == "running")
        .where(MinerOrder.expires_at <= at - SILENT_S)
    )
    for row in dicts(query, db):
        end(db, target_of(row, verb_of(db, row["order"])), "unconfirmed", at, reason="node_silent", elsewhere=True)


def nodes_of_miners(db: Database) -> dict[str, str]:
    """Return by MAC the nodes that watch the miners that are not ours."""
    return dict(tuples(Miner.select(Miner.mac, Miner.node_id).where(Miner.remote, Miner.node_id.is_null(False)), db))


def hand(db: Database, number: int, nums: Sequence[int], command: int, at: float) -> None:
    """Note that a node was asked, by a command, to carry an order out at these miners."""
    OrderTarget.update(state="running", step="sent", command=command, at=at, sent_at=at).where(
        OrderTarget.order == number, OrderTarget.num.in_(list(nums))
    ).execute(db)


def handed(db: Database, command: int) -> list[Target]:
    """Return the targets of a command whose end is not known."""
    query = OrderTarget.select().where(OrderTarget.command == command, OrderTarget.state == "running")
    return [target_of(row, verb_of(db, row["order"])) for row in dicts(query, db)]


def nodes_at_work(db: Database, number: int) -> list[str]:
    """Return the nodes that have a part of an order."""
    query = (
        Miner.select(Miner.node_id)
        .join(OrderTarget, on=(OrderTarget.num == Miner.num))
        .where(OrderTarget.order == number, OrderTarget.command.is_null(False), OrderTarget.state == "running")
        .distinct()
    )
    return [node_id for (node_id,) in tuples(query, db) if node_id is not None]


def stands(db: Database, number: int, at: float) -> bool:
    """Tell whether an order may still be begun at miners."""
    query = MinerOrder.select(MinerOrder.id).where(
        MinerOrder.id == number, MinerOrder.cancelled_at.is_null(), MinerOrder.stopped_at.is_null(),
        MinerOrder.expires_at > at,
    )  # fmt: skip
    return bool(tuples(query, db))


def by_key(db: Database, who: str, start: str) -> list[int]:
    """Return the orders of somebody whose key begins so."""
    query = MinerOrder.select(MinerOrder.id).where(MinerOrder.who == who, MinerOrder.key.startswith(start))
    return [number for (number,) in tuples(query, db)]


def open_of(db: Database, *vias: str) -> list[int]:
    """Return the orders that go on of those that came in these ways."""
    query = MinerOrder.select(MinerOrder.id).where(MinerOrder.via.in_(vias), MinerOrder.finished_at.is_null())
    return [number for (number,) in tuples(query, db)]
