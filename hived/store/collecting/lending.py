"""Who is to describe what waits: an object is one node's until it is described, and no two have the same one.

On a master a node gets what its collectors do not describe, this box's own hive-minerd as any other. The lease is a
part of the artifact's row: one statement gives it, and it ends with the description, with its time, or with the node.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import peewee as pw

from hived.records.artifact import AWAITING, DESCRIBED
from hived.records.bubbles import FACTS
from hived.records.lending import AT_ONCE, LEASE_S, LONGEST_S, PATIENCE_S, Lent, readable
from hived.records.untrusted import BadValue
from hived.store import node_rows
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Artifact, Contribution

_LONGEST_PAUSE_S = 2 * 86_400.0  # of an object of which a model said nothing of use; more is a clock that was ahead


def is_free(row: Any, node_id: str, now: float) -> Any:
    """Return the condition under which a node may describe an artifact: no other node has it."""
    return (row.lent_to == node_id) | _is_nobodys(row, now)


def _is_nobodys(row: Any, now: float) -> Any:
    over = (row.lent_until < now) | (row.lent_until > now + LEASE_S)  # or given by a clock that was ahead
    return row.lent_to.is_null() | over


def hold(db: Database, artifact_id: int, node_id: str, now: float) -> bool:
    """Have an artifact for this box's own model; False when another node has it."""
    mine = Artifact.update(lent_to=node_id, lent_at=now, lent_until=now + LEASE_S)
    return bool(mine.where(Artifact.id == artifact_id, is_free(Artifact, node_id, now)).execute(db))


def waits(db: Database, node_id: str, *, by: str, now: float) -> bool:
    """Tell whether there is something to lend to a node whose model is `by`."""
    return bool(_waiting(db, node_id, by=by, now=now, most=1))


def lend(
    db: Database, node_id: str, *, by: str, room: int, holding: Collection[str], now: float
) -> list[tuple[int, Lent]]:
    """Lend up to `room` more objects to a node, newest first; return them with the artifacts' numbers.

    `holding`: URL keys of those that it is at, which stay its own; what it does not name any more is free again.
    """
    theirs = Artifact.lent_to == node_id
    Artifact.update(lent_to=None).where(theirs, Artifact.url_key.not_in(list(holding))).execute(db)
    Artifact.update(lent_until=now + LEASE_S).where(theirs, Artifact.lent_at > now - LONGEST_S).execute(db)
    room = min(room, AT_ONCE - Artifact.select().where(theirs, Artifact.lent_until > now).bind(db).count())
    wanted = _waiting(db, node_id, by=by, now=now, most=room) if room > 0 else []
    if not wanted:
        return []
    lent = Artifact.update(lent_to=node_id, lent_at=now, lent_until=now + LEASE_S).where(
        Artifact.id.in_(wanted), Artifact.state == AWAITING, _is_nobodys(Artifact, now)
    )
    lent.execute(db)
    rows = dicts(Artifact.select().where(Artifact.id.in_(wanted), theirs, Artifact.lent_at == now), db)
    return _readable(db, sorted(rows, key=lambda row: -row["id"]))


def described(db: Database, numbers: Collection[int], *, node_id: str, at: float) -> None:
    """Note that a node described artifacts: they wait no more, and nobody has them any more.

    Those that this box collected itself wait for its own description, if it makes any, unless the node had them lent.
    """
    ours = Artifact.told_by.is_null() & (Artifact.lent_to.is_null() | (Artifact.lent_to != node_id))
    these = Artifact.id.in_(list(numbers))
    if node_rows.own_describes(db):
        Artifact.update(changed_at=at).where(these, ours).execute(db)
        these &= ~ours
    Artifact.update(state=DESCRIBED, lent_to=None, changed_at=at).where(these).execute(db)


def take_back(db: Database, node_id: str) -> None:
    """Let nothing be a node's any more."""
    Artifact.update(lent_to=None).where(Artifact.lent_to == node_id).execute(db)


def _waiting(db: Database, node_id: str, *, by: str, now: float, most: int) -> list[int]:
    """Return what may be lent to a node: of nobody's, due, not given up by its model, and its collectors' own no more.

    What it had for its whole time and did not describe is lent to it again only after as long a while.
    """
    one = Artifact.alias()
    at_it = list(node_rows.describers(db, now))
    said = Contribution.select(Contribution.artifact).where(
        Contribution.artifact == one.id, Contribution.kind == FACTS, Contribution.node_id.in_(at_it)
    )
    own = one.told_by.is_null() if node_rows.own_describes(db) else pw.Value(False)
    again = one.lent_to.is_null() | (one.lent_to != node_id) | (one.lent_until < now - LONGEST_S)
    query = one.select(one.id).where(
        one.state == AWAITING, one.licence_uri != "", _is_nobodys(one, now), again,
        (one.describe_at <= now) | (one.describe_at > now + _LONGEST_PAUSE_S),
        one.given_up_by.is_null() | (one.given_up_by != by),
        (~pw.fn.EXISTS(said) & ~own) | (one.changed_at < now - PATIENCE_S),
    )  # fmt: skip
    return [number for (number,) in tuples(query.order_by(one.id.desc()).limit(most), db)]


def _readable(db: Database, rows: list[dict[str, Any]]) -> list[tuple[int, Lent]]:
    """Return what of the rows a model can be shown; another one waits for better facts."""
    found = []
    for row in rows:
        try:
            obj = readable(row["url"], row["title"], json.loads(row["facts"]))
        except BadValue:
            Artifact.update(lent_to=None, describe_at=row["lent_until"]).where(Artifact.id == row["id"]).execute(db)
            continue
        found.append((row["id"], Lent(row["url"], row["content_hash"], obj)))
    return found
