"""The registry of nodes: who asked to join, who was let in, with which keys. Only hashes of keys are here."""

from __future__ import annotations

import hmac
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.events import Event
from hived.records.joining import NodeKey, new_key, phrase
from hived.records.logins import code_hash, new_code
from hived.records.node import (
    ACTIVE,
    APPROVED,
    COLLECTOR,
    DEAD,
    MASTER,
    NODE,
    PENDING,
    REVOKED,
    SCOPE_INGEST,
    SCOPE_NODE,
    Asked,
    Wish,
)
from hived.store import events
from hived.store.access import codes
from hived.store.engine.database import Database, dicts, tuples
from hived.store.schema import Command, Miner, Node, SyncPoint
from hived.store.schema import NodeKey as Key

MAX_PENDING = 64  # a site has tens of nodes; more that ask at once is somebody trying names
PENDING_S = 86_400.0  # whoever still wants to join asks again
CODE_S = 900.0  # to walk to the node and type it in
ENROLL = "enroll"
MAX_CODES = 500  # that can be used at a time

# Without letters that are taken for each other, and without vowels, so that no word comes out of it.
_LETTERS = "BCDFGHJKMNPQRSTVWXYZ23456789"
_GROUPS, _GROUP = 2, 4  # 28^8 are 38 bits; a quarter of an hour and 60 tries a minute leave no chance


def ask(db: Database, wish: Wish, *, own_id: str, pin: str | None, address: str | None, now: float) -> Asked:
    """Take a node's wish to join; the same wish again changes nothing and is answered as it stands by then.

    A good code lets it in at once. Without one a person has to compare the phrase. Nothing that is already there
    changes before that, even if the wish names a node that exists.
    """
    said = phrase(wish.node_id, wish.key_hash, pin)
    known = dicts(Key.select(Key.node, Key.secret_hash, Key.status).where(Key.id == wish.key_id), db)
    if known:
        same = hmac.compare_digest(known[0]["secret_hash"], wish.key_hash)
        if not same or known[0]["node"] != wish.node_id:
            return Asked("taken", why="a key with this id is known already")
        if known[0]["status"] == REVOKED:
            return Asked("refused", said, "this key was revoked: make another one")
        if known[0]["status"] == ACTIVE:
            return Asked("approved", said)
    if wish.node_id == own_id:
        return Asked("refused", said, "this is the id of the master itself")
    if wish.code is not None and not use_code(db, wish.code, by=wish.key_id, now=now):
        return Asked("refused", said, "this code is wrong, was used, or is older than a quarter of an hour")
    if not known:
        _forget_old_wishes(db, now)
        if wish.code is None and Key.select().where(Key.status == PENDING).bind(db).count() >= MAX_PENDING:
            return Asked("full", why="too many nodes wait to be approved")
        Node.insert(
            id=wish.node_id, name=wish.name, site=wish.site, role=NODE, status=PENDING, version=wish.version,
            address=address, asked_at=now, state=DEAD,
        ).on_conflict_ignore().execute(db)  # fmt: skip
        Key.insert(
            id=wish.key_id, node=wish.node_id, secret_hash=wish.key_hash, phrase=said, status=PENDING,
            scope=SCOPE_NODE, address=address, created_at=now,
        ).execute(db)  # fmt: skip
    if wish.code is None:
        return Asked("pending", said)
    _let_in(db, wish.node_id, wish.key_id, by="code", now=now)
    return Asked("approved", said)


def approve(db: Database, node_id: str, shown: str | None, *, by: str, now: float) -> str:
    """Make a waiting key of a node valid and return its id. `shown`: the phrase, which is needed when several wait."""
    waiting = dicts(Key.select(Key.id, Key.phrase).where(Key.node == node_id, Key.status == PENDING), db)
    if not waiting:
        _must_exist(db, node_id)
        raise Conflict(f"no key of node {node_id} waits to be approved")
    if shown is not None:
        waiting = [key for key in waiting if key["phrase"] == _phrase(shown)]
        if not waiting:
            raise BadRequest("no waiting key of this node has this phrase: compare it with what the node logs")
    if len(waiting) > 1:
        raise BadRequest(f"{len(waiting)} keys wait for this node: give the phrase of the right one")
    _let_in(db, node_id, waiting[0]["id"], by=by, now=now)
    return str(waiting[0]["id"])


def revoke(db: Database, node_id: str, *, by: str, now: float) -> None:
    """End every key of a node: from now on nothing that it sends is taken. What it told stays."""
    if _must_exist(db, node_id)["role"] == MASTER:
        raise Conflict("this is the master itself")
    Key.update(status=REVOKED, ended_at=now).where(Key.node == node_id, Key.status != REVOKED).execute(db)
    Node.update(status=REVOKED, decided_at=now, decided_by=by).where(Node.id == node_id).execute(db)


def refuse(db: Database, node_id: str, shown: str, *, now: float) -> str:
    """Refuse the waiting key with this phrase and return its id; other keys of the node stay as they are."""
    waiting = dicts(Key.select(Key.id, Key.phrase).where(Key.node == node_id, Key.status == PENDING), db)
    refused = [str(key["id"]) for key in waiting if key["phrase"] == _phrase(shown)]
    if not refused:
        _must_exist(db, node_id)
        raise Conflict(f"no key of node {node_id} with this phrase waits to be approved")
    Key.update(status=REVOKED, ended_at=now).where(Key.id.in_(refused)).execute(db)
    if len(refused) == len(waiting):  # one that was never let in is not listed as waiting any more
        Node.update(status=REVOKED, decided_at=now).where(Node.id == node_id, Node.status == PENDING).execute(db)
    return refused[0]


def remove(db: Database, node_id: str) -> None:
    """Forget a node with its keys, open orders and miners; bubbles and events that it told stay.

    Miners that nobody watches would be shown as silent for ever.
    """
    if _must_exist(db, node_id)["role"] == MASTER:
        raise Conflict("this is the master itself")
    Command.delete().where(Command.node_id == node_id, Command.done_at.is_null()).execute(db)
    Miner.delete().where(Miner.remote, Miner.node_id == node_id).execute(db)
    SyncPoint.delete().where(SyncPoint.peer == node_id).execute(db)
    Key.delete().where(Key.node == node_id).execute(db)
    Node.delete().where(Node.id == node_id).execute(db)


def add(db: Database, node_id: str, name: str, *, by: str, now: float) -> NodeKey:
    """Let in a collector that is not ours and return its key, which is shown this once. Conflict: the id is taken."""
    if dicts(Node.select(Node.id).where(Node.id == node_id), db):
        raise Conflict(f"there is a node {node_id} already")
    key = new_key()
    Node.insert(
        id=node_id, name=name, role=COLLECTOR, status=APPROVED, decided_at=now, decided_by=by, state=DEAD, since=now
    ).execute(db)
    Key.insert(
        id=key.id, node=node_id, secret_hash=key.secret_hash, status=ACTIVE, scope=SCOPE_INGEST, created_at=now
    ).execute(db)
    return key


def add_key(db: Database, node_id: str, current: str, key_id: str, key_hash: str, now: float) -> None:
    """Give a node a second key beside `current`, the one it uses; whoever is first to use it ends the others.

    The same key again changes nothing. A second key that was never used gives way. Conflict: the id is taken.
    """
    known = dicts(Key.select(Key.node, Key.secret_hash, Key.status).where(Key.id == key_id), db)
    if known:
        same = known[0]["node"] == node_id and hmac.compare_digest(known[0]["secret_hash"], key_hash)
        if not same or known[0]["status"] != ACTIVE:
            raise Conflict("a key with this id is known already")
        return
    Key.update(status=REVOKED, ended_at=now).where(
        Key.node == node_id, Key.id != current, Key.status == ACTIVE, Key.scope == SCOPE_NODE, Key.used_at.is_null()
    ).execute(db)
    Key.insert(id=key_id, node=node_id, secret_hash=key_hash, status=ACTIVE, scope=SCOPE_NODE, created_at=now).execute(
        db
    )


def make_code(db: Database, *, by: str, now: float) -> tuple[str, float]:
    """Return a code that lets one node in, and until when it does."""
    code = new_code(_LETTERS, _GROUPS, _GROUP)
    codes.add(db, code_hash(code), kind=ENROLL, at=now, expires_at=now + CODE_S, by=by, most=MAX_CODES)
    return code, now + CODE_S


def use_code(db: Database, code: str, *, by: str, now: float) -> bool:
    """Use a code up; False when it is wrong, used or too old. Of two who try at once one gets it."""
    return codes.use(db, code_hash(code), kind=ENROLL, at=now, by=by)


def name_of(db: Database, node_id: str) -> str:
    """Return what a node is called; NotFound when there is none."""
    return str(_must_exist(db, node_id)["name"])


def find(db: Database, text: str) -> str:
    """Return the id of the node with this id or, if only one has it, this name; NotFound when there is none."""
    found = tuples(Node.select(Node.id, Node.role).where((Node.id == text) | (Node.name == text)), db)
    ids = [node_id for node_id, _ in found]
    if text in ids:
        return text
    if len(ids) != 1:
        raise NotFound(f"there is no node {text[:40]!r}" if not ids else f"several nodes are called {text[:40]!r}")
    return str(ids[0])


def own_id(db: Database) -> str | None:
    """Return the id of the master itself; None where no master has run."""
    rows = tuples(Node.select(Node.id).where(Node.role == MASTER), db)
    return str(rows[0][0]) if rows else None


def _phrase(typed: str) -> str:
    """Return a phrase as it is kept: people type it with blanks, too."""
    return "-".join(typed.lower().replace("-", " ").split())


def _let_in(db: Database, node_id: str, key_id: str, *, by: str, now: float) -> None:
    Key.update(status=ACTIVE).where(Key.id == key_id, Key.status == PENDING).execute(db)
    new = Node.update(status=APPROVED, decided_at=now, decided_by=by).where(Node.id == node_id, Node.status != APPROVED)
    if new.execute(db):
        detail = {"node_id": node_id, "name": name_of(db, node_id)}
        events.add(db, [Event("node_joined", now, detail)])


def _forget_old_wishes(db: Database, now: float) -> None:
    Key.delete().where(Key.status == PENDING, Key.created_at < now - PENDING_S).execute(db)
    waiting = Key.select(Key.node).where(Key.status == PENDING)
    Node.delete().where(Node.status == PENDING, Node.id.not_in(waiting)).execute(db)


def _must_exist(db: Database, node_id: str) -> dict[str, Any]:
    found = dicts(Node.select(Node.id, Node.name, Node.role).where(Node.id == node_id), db)
    if not found:
        raise NotFound(f"there is no node {node_id[:40]!r}")
    return found[0]
