"""What a person decides about this node's way to its master: each decision with its audit row."""

from __future__ import annotations

from dataclasses import replace

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.enrolling import BY_PHRASE, as_phrase, same_place
from hived.records.uplink import ASKING, LEFT, NONE, REFUSED, FoundMaster, Uplink
from hived.store import Database, audit
from hived.store.nodes import dead_letters, uplink


def joined(db: Database, link: Uplink, by: By) -> None:
    """Note that this node was made to ask a master."""
    after = {"master": link.master_name, "url": link.url, "state": link.state, "consent": link.consent}
    audit.note(db, **by, action="master.join", target=link.master_id, after=after)


def confirm(db: Database, url: str, typed: str, by: By) -> Uplink:
    """Note that this node's operator saw its phrase at the master, and return how it stands.

    NotFound when this node asks no master there, BadRequest for another phrase.
    """
    link = uplink.get(db)
    if link.key is None or link.state not in (ASKING, REFUSED) or not same_place(url, link.url):
        raise NotFound(f"this node asks no master at {url}: hivectl join {url}")
    if as_phrase(typed) != link.phrase:
        raise BadRequest(
            f"this node's phrase is {link.phrase}, not {as_phrase(typed)}: either that is of another node, or somebody"
            " is in between. Nothing is sent"
        )
    uplink.note(db, link.key, consent=BY_PHRASE)
    after = {"master": link.master_name, "url": link.url, "phrase": link.phrase}
    audit.note(db, **by, action="master.confirm", target=link.master_id, after=after)
    return replace(link, consent=BY_PHRASE)


def leave(db: Database, by: By) -> Uplink:
    """Forget the master and return which it was. NotFound when there is none."""
    link = uplink.get(db)
    if link.state in (NONE, LEFT):
        raise NotFound("this node has no master")
    uplink.leave(db, by["at"])
    audit.note(db, **by, action="master.leave", target=link.master_id, before={"url": link.url, "state": link.state})
    return link


def rotate_key(db: Database, by: By) -> Uplink:
    """Have the key changed with the next contact. NotFound when there is no master that would take another."""
    link = uplink.get(db)
    if not uplink.rotate_soon(db):
        raise NotFound("this node has joined no master")
    audit.note(db, **by, action="master.key", target=link.master_id)
    return link


def secured(db: Database, link: Uplink, found: FoundMaster, by: By) -> None:
    """Go over to TLS with the same master, whose key is pinned. This node's own could be read: it changes at once."""
    fields = {"url": found.url, "pin": found.pin, "fingerprint": found.fingerprint, "keyed_at": 0.0}
    if not uplink.note(db, link.key, **fields):
        raise Conflict("this node got another key or master meanwhile: look at hivectl status")
    audit.note(db, **by, action="master.secure", target=link.master_id, before={"url": link.url},
               after={"url": found.url, "pin": found.pin})  # fmt: skip


def retry(db: Database, node_id: str, by: By, stream: str | None, seq: int | None) -> tuple[int, int]:
    """Send rows again that were set aside; return how many, and how many cannot be."""
    held = uplink.points(db, str(uplink.get(db).master_id))
    sent, stuck = dead_letters.retry(db, node_id=node_id, held=held, stream=stream, seq=seq)
    audit.note(db, **by, action="sync.retry", target=_meant(stream, seq), after={"rows": sent})
    return sent, stuck


def drop(db: Database, by: By, stream: str | None, seq: int | None) -> int:
    """Give up rows that were set aside; return how many."""
    count = dead_letters.drop(db, by["at"], stream, seq)
    audit.note(db, **by, action="sync.drop", target=_meant(stream, seq), after={"rows": count})
    return count


def _meant(stream: str | None, seq: int | None) -> str:
    return " ".join(map(str, filter(None, [stream, seq]))) or "all"
