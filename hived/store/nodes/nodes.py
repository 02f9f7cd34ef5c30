"""The registry of nodes: who asked to join, who was let in, with which keys. Only hashes of keys are here."""

from __future__ import annotations

import hmac
from collections import Counter
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records import net
from hived.records.access import By
from hived.records.enrolling import EnrollCode, as_phrase, opens
from hived.records.events import Event
from hived.records.joining import NodeKey, hash_of, new_key, phrase
from hived.records.logins import code_hash
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
from hived.store import audit, events
from hived.store.access import codes
from hived.store.collecting import lending
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners import ownership, replaced
from hived.store.schema import Artifact, Command, Miner, Model, Node, SyncPoint
from hived.store.schema import NodeKey as Key

MAX_PENDING = 64  # a site has tens of nodes; more that ask at once is somebody trying names
PENDING_OF_ONE = 16  # of one address: the boxes behind one router
PENDING_S = 86_400.0  # whoever still wants to join asks again
CODE_S = 900.0  # to walk to the node and type it in
ENROLL = "enroll"
MAX_CODES = 500  # that can be used at a time


def ask(db: Database, wish: Wish, *, own_id: str, pin: str | None, address: str | None, now: float) -> Asked:
    """Take a node's wish to join; the same wish again changes nothing and is answered as it stands by then.

    A good code lets it in at once. Without one a person has to compare the phrase, and likewise where the id was let in
    before: a code opens that only when it was made for that very node. Nothing that is already there changes before
    that, even if the wish names a node that exists.
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
    opened = False
    if wish.code is not None:
        opened = use_code(db, wish.code, wish.node_id, by=wish.key_id, now=now)
        if not opened and not codes.is_open(db, code_hash(opens(wish.code)), now):
            return Asked("refused", said, "this code is wrong, was used, or is older than a quarter of an hour")
    if not known:
        _forget_old_wishes(db, now)
        if not opened:
            _make_room(db, address)
        Node.insert(
            id=wish.node_id, name=wish.name, site=wish.site, role=NODE, status=PENDING, version=wish.version,
            address=address, asked_at=now, state=DEAD,
        ).on_conflict_ignore().execute(db)  # fmt: skip
        Key.insert(
            id=wish.key_id, node=wish.node_id, secret_hash=wish.key_hash, phrase=said, status=PENDING,
            scope=SCOPE_NODE, address=address, created_at=now,
        ).execute(db)  # fmt: skip
    shown = {"name": name_of(db, wish.node_id), "key_id": wish.key_id}
    by = By(at=now, who="code", via="node", address=address)
    if opened:
        _let_in(db, wish.node_id, wish.key_id, by="code", now=now)
        audit.note(db, **by, action="node.join", target=wish.node_id, after=shown)
        return Asked("approved", said)
    if wish.code is not None and not known:
        audit.note(db, **by, action="node.claim", target=wish.node_id, after=shown)
        detail = {"node_id": wish.node_id, "name": shown["name"], "address": address}
        events.add(db, [Event("node_claimed", now, detail)])
    return Asked("pending", said)


def approve(db: Database, node_id: str, shown: str | None, *, by: str, now: float) -> str:
    """Make a waiting key of a node valid and return its id. `shown`: the phrase, which is needed when several wait."""
    waiting = dicts(Key.select(Key.id, Key.phrase).where(Key.node == node_id, Key.status == PENDING), db)
    if not waiting:
        _must_exist(db, node_id)
        raise Conflict(f"no key of node {node_id} waits to be approved")
    if shown is not None:
        waiting = [key for key in waiting if key["phrase"] == as_phrase(shown)]
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
    lending.take_back(db, node_id)


def refuse(db: Database, node_id: str, shown: str | None, *, now: float) -> str:
    """Refuse the waiting key with this phrase (None: each that waits) and return its id; others stay as they are."""
    waiting = dicts(Key.select(Key.id, Key.phrase).where(Key.node == node_id, Key.status == PENDING), db)
    refused = [str(key["id"]) for key in waiting if shown is None or key["phrase"] == as_phrase(shown)]
    if not refused:
        _must_exist(db, node_id)
        which = "" if shown is None else " with this phrase"
        raise Conflict(f"no key of node {node_id}{which} waits to be approved")
    Key.update(status=REVOKED, ended_at=now).where(Key.id.in_(refused)).execute(db)
    if len(refused) == len(waiting):  # one that was never let in is not listed as waiting any more
        Node.update(status=REVOKED, decided_at=now).where(Node.id == node_id, Node.status == PENDING).execute(db)
    return refused[0]


def refuse_all(db: Database) -> int:
    """Forget every wish that waits, and the nodes that were never let in; return how many. They may ask again."""
    gone = Key.delete().where(Key.status == PENDING).execute(db)
    _forget_keyless(db)
    return int(gone)


def remove(db: Database, node_id: str) -> None:
    """Forget a node with its keys, open orders and the miners that it brought; bubbles and events that it told stay.

    Miners that nobody watches would be shown as silent for ever. Those that another node had before it, or the master
    itself, are that one's again, offline until it sees them.
    """
    if _must_exist(db, node_id)["role"] == MASTER:
        raise Conflict("this is the master itself")
    Command.delete().where(Command.node_id == node_id, Command.done_at.is_null()).execute(db)
    brought = ownership.give_back(db, node_id, own_id(db))
    replaced.remove(db, brought)
    used = Miner.select(Miner.model_alias).where(Miner.model_alias.is_null(False))
    told = Model.told_by == node_id
    Model.delete().where(told, Model.short.not_in(used), Model.max_preset.is_null()).execute(db)
    for table in (Model, Artifact):  # whoever tells of it next is believed
        table.update(told_by="").where(table.told_by == node_id).execute(db)
    lending.take_back(db, node_id)
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


def make_code(
    db: Database, *, by: str, now: float, key: str | None = None, node_id: str | None = None
) -> tuple[str, float]:
    """Return a code that lets one node in, and until when it does.

    `key`: the SHA-256 of this master's public key in hex, which the code carries; `node_id`: it is for this node alone,
    also when that was let in before.
    """
    code = EnrollCode.new(key)
    kept = code_hash(code.opens) if node_id is None else _bound(code.opens, node_id)
    codes.add(db, kept, kind=ENROLL, at=now, expires_at=now + CODE_S, by=by, most=MAX_CODES)
    return code.text, now + CODE_S


def use_code(db: Database, code: str, node_id: str, *, by: str, now: float) -> bool:
    """Use a code up for a node; of two who try at once one gets it.

    False when it is wrong, used, too old or another node's. One that was made for nobody opens no node that was let in
    before, and is not used up by who tries.
    """
    if codes.use(db, _bound(opens(code), node_id), kind=ENROLL, at=now, by=by):
        return True
    if Node.select().where(Node.id == node_id, Node.status != PENDING).bind(db).exists():
        return False
    return codes.use(db, code_hash(opens(code)), kind=ENROLL, at=now, by=by)


def _bound(opener: str, node_id: str) -> str:
    return hash_of(f"{opener.lower()} {node_id}")


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


def _let_in(db: Database, node_id: str, key_id: str, *, by: str, now: float) -> None:
    Key.update(status=ACTIVE).where(Key.id == key_id, Key.status == PENDING).execute(db)
    new = Node.update(status=APPROVED, decided_at=now, decided_by=by).where(Node.id == node_id, Node.status != APPROVED)
    detail = {"node_id": node_id, "name": name_of(db, node_id)}
    joined = new.execute(db)
    events.add(db, [Event("node_joined", now, detail) if joined else Event("node_rekeyed", now, detail)])


def _forget_old_wishes(db: Database, now: float) -> None:
    Key.delete().where(Key.status == PENDING, Key.created_at < now - PENDING_S).execute(db)
    _forget_keyless(db)


def _make_room(db: Database, address: str | None) -> None:
    """Let the oldest wish leave where a list is full: that of this address or, of the whole one, of who has most in it.

    So nobody who asks for many keeps another one out.
    """
    waiting = dicts(Key.select(Key.id, Key.address).where(Key.status == PENDING).order_by(Key.created_at, Key.id), db)
    shares = Counter(net.network(key["address"]) for key in waiting)
    whose = net.network(address)
    if shares[whose] < PENDING_OF_ONE:
        if len(waiting) < MAX_PENDING:
            return
        ((whose, _),) = shares.most_common(1)
    oldest = next(key["id"] for key in waiting if net.network(key["address"]) == whose)
    Key.delete().where(Key.id == oldest).execute(db)
    _forget_keyless(db)


def _forget_keyless(db: Database) -> None:
    """Forget the nodes that were never let in and of which no key waits any more."""
    waiting = Key.select(Key.node).where(Key.status == PENDING)
    Node.delete().where(Node.status == PENDING, Node.id.not_in(waiting)).execute(db)


def _must_exist(db: Database, node_id: str) -> dict[str, Any]:
    found = dicts(Node.select(Node.id, Node.name, Node.role).where(Node.id == node_id), db)
    if not found:
        raise NotFound(f"there is no node {node_id[:40]!r}")
    return found[0]
