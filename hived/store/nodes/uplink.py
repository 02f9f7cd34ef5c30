"""The one row that says who this node's master is, with its keys, and how far the master has what this node told.

The keys are sealed. What is noted about a key is noted only while that key is the present one: a person may join anew
while a daemon waits for an answer to the old key.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from hived.records.events import Event
from hived.records.joining import NodeKey
from hived.records.streams import STATUS, rollup_key
from hived.records.uplink import JOINED, LEFT, NONE, PIN_MISMATCH, REFUSED, WITH_MASTER, Uplink
from hived.store import events
from hived.store.engine.database import Database, dicts, tuples
from hived.store.engine.epoch import epoch
from hived.store.nodes import peers
from hived.store.schema import Contested, DeadLetter, SyncPoint
from hived.store.schema import Uplink as Row

_NAME = "master"
RETIRED_S = 600.0
"""Without its hive-apid; an upgrade takes less."""
_EVENTS = {JOINED: "master_joined", REFUSED: "master_refused", PIN_MISMATCH: "master_key_changed"}
"""What is worth an event, by the state that is entered."""


def get(db: Database) -> Uplink:
    """Return how this node stands to its master. A key that cannot be opened any more is none."""
    rows = dicts(Row.select().where(Row.name == _NAME), db)
    if not rows:
        return Uplink()
    row = rows[0]
    key = _opened(db, row.pop("key_id"), row.pop("secret"))
    next_key = _opened(db, row.pop("next_key_id"), row.pop("next_secret"))
    del row["name"]
    return Uplink(key=key, next_key=next_key, **row)


def is_master(db: Database, node_id: str, at: float, *, named: bool) -> bool:
    """Tell whether this box carries nothing because it is a master itself.

    One whose hive-apid has not run for RETIRED_S is a node again as soon as a person names another master: in the
    configuration (`named`) or by `hivectl join`.
    """
    if peers.is_master(db, node_id, fresh_after=at - RETIRED_S):
        return True
    wanted = named or get(db).key is not None
    return not wanted and peers.is_master(db, node_id, fresh_after=-math.inf)


def put(db: Database, link: Uplink) -> None:
    """Replace the whole row: another master, or another key. What the one before held does not count any more."""
    fields = asdict(link)
    del fields["key"], fields["next_key"]
    fields |= _sealed(db, link.key) | _sealed(db, link.next_key, "next_")
    Row.insert(name=_NAME, **fields).on_conflict(conflict_target=[Row.name], update=fields).execute(db)


def leave(db: Database, at: float) -> None:
    """Forget the master, its key and all that is known of what it holds."""
    put(db, Uplink(state=LEFT, since=at))
    DeadLetter.delete().execute(db)
    Contested.delete().execute(db)
    SyncPoint.delete().where(SyncPoint.epoch == epoch(db)).execute(db)


def note(db: Database, /, key: NodeKey | None, **fields: Any) -> bool:
    """Change columns of the row that hold no secret; False when `key` is not the present one any more."""
    if key is None:  # of a node that never had a master, there is no row to note it in
        Row.insert(name=_NAME, state=NONE).on_conflict_ignore().execute(db)
    key_is = Row.key_id.is_null() if key is None else Row.key_id == key.id
    return bool(Row.update(**fields).where(Row.name == _NAME, key_is).execute(db))


def enter(db: Database, /, key: NodeKey | None, state: str, at: float, **fields: Any) -> bool:
    """Come to a state; return whether it is another one than before. Joined, refused and a changed key are events."""
    before = Row.select(Row.state).where(Row.name == _NAME).bind(db).scalar()
    changed: bool = before != state
    if changed:
        fields["since"] = at
    if not note(db, key, state=state, **fields):
        return False
    if changed and state in _EVENTS:
        link = get(db)
        detail = {"master": link.master_name, "url": link.url, "error": fields.get("last_error")}
        told = {name: value for name, value in detail.items() if value is not None}
        events.add(db, [Event(_EVENTS[state], at, told)])
    return changed


def prepare_key(db: Database, key: NodeKey, new: NodeKey | None) -> bool:
    """Keep the key that is to follow, before the master hears of it; None: it is not to."""
    return note(db, key, **_sealed(db, new, "next_"))


def promote_key(db: Database, key: NodeKey, new: NodeKey, at: float) -> bool:
    """Make the key that followed the present one, once the master has taken it."""
    return note(db, key, keyed_at=at, **_sealed(db, new), **_sealed(db, None, "next_"))


def rotate_soon(db: Database) -> bool:
    """Have hive-syncd change the key at its next contact; False when there is no master."""
    return bool(Row.update(keyed_at=0.0).where(Row.name == _NAME, Row.state.in_(WITH_MASTER)).execute(db))


def points(db: Database, master_id: str) -> dict[str, int]:
    """Return the number that a master last said to hold of each stream of this database."""
    mine = (SyncPoint.peer == master_id) & (SyncPoint.epoch == epoch(db))
    return dict(tuples(SyncPoint.select(SyncPoint.stream, SyncPoint.seq).where(mine), db))


def hold(db: Database, master_id: str, held: Mapping[str, int], at: float) -> None:
    """Note what the master says to hold. What was given up before those numbers is forgotten."""
    incarnation = epoch(db)
    for stream, seq in held.items():
        SyncPoint.insert(peer=master_id, epoch=incarnation, stream=stream, seq=seq, at=at).on_conflict(
            conflict_target=[SyncPoint.peer, SyncPoint.epoch, SyncPoint.stream], update={"seq": seq, "at": at}
        ).execute(db)
        behind = (DeadLetter.stream == stream) & (DeadLetter.seq <= seq)
        DeadLetter.delete().where(behind, DeadLetter.dropped_at.is_null(False)).execute(db)


def rollups_wait_from(db: Database) -> float:
    """Return the time from which on rollups wait for the master; infinite when none do, or there is no master."""
    rows = tuples(Row.select(Row.master_id).where(Row.name == _NAME, Row.state.in_(WITH_MASTER)), db)
    if not rows or rows[0][0] is None:
        return math.inf
    return rollup_key(points(db, rows[0][0]).get(STATUS, 0))[0]


def _sealed(db: Database, key: NodeKey | None, prefix: str = "") -> dict[str, str | None]:
    names = f"{prefix}key_id", f"{prefix}secret"
    if key is None:
        return dict.fromkeys(names)
    return {names[0]: key.id, names[1]: db.box.seal(key.secret, f"uplink:{key.id}")}


def _opened(db: Database, key_id: str | None, secret: str | None) -> NodeKey | None:
    if key_id is None:
        return None
    opened = db.box.open_or_none(secret, f"uplink:{key_id}")
    return None if opened is None else NodeKey(key_id, opened)
