"""Orders for daemons, of this node and of others: one way to give them, whoever asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hived.errors import Conflict, Forbidden
from hived.records.access import By
from hived.records.commands import OUTSIDE, Verb, verb_for
from hived.records.node import APPROVED
from hived.store import Database, audit, commands, node_rows


def ask(db: Database, name: str, args: Mapping[str, Any], by: By, *, node_id: str | None = None) -> int:
    """Leave an order for the verb's daemon, here or on another node, with its audit row; return its number.

    BadRequest for what the table of verbs does not know, Forbidden for what only who works on the box may ask of it.
    NotFound or Conflict when that node cannot be asked, or must not be told a secret.
    """
    verb = verb_for(name)
    wanted = verb.checked(args)
    reserved = verb.reserved(wanted)
    if reserved and (by["via"] != "command" or node_id is not None):
        raise Forbidden(f"{reserved[0]}: nobody looks outside of network.subnets from elsewhere. {OUTSIDE}")
    shown = {name: value for name, value in wanted.items() if name not in verb.secrets | {verb.about}}
    if node_id is None:
        number = commands.ask(db, verb.daemon, verb.name, wanted, by["at"])
    else:
        shown["asked"] = _reachable(db, node_id, verb)
        number = commands.give(db, node_id, verb.daemon, verb.name, wanted, by["at"])
    audit.note(db, **by, action=verb.action, target=wanted[verb.about] if verb.about else str(number), after=shown)
    return number


def _reachable(db: Database, node_id: str, verb: Verb) -> str:
    """Return the name of a node that may be asked to do something; Conflict says why it may not."""
    name, status, secure = node_rows.link(db, node_id)
    if status != APPROVED:
        raise Conflict(f"node {name} is {status}: it takes no orders from here")
    if verb.secrets and not secure:
        raise Conflict(
            f"node {name} was last heard over plain HTTP, where a password can be read on the way: hivectl secure there"
        )
    return name
