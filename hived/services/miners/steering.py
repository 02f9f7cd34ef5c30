"""What an operator changes about miners, by API or by command: rows that daemons obey, each with its audit row."""

from __future__ import annotations

from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.daemon import DISCOVERD, SYNCD
from hived.records.firmware import Feature, offers
from hived.records.miner_view import ModelView
from hived.records.node import APPROVED
from hived.store import Database, audit, commands
from hived.store.miners import miners, models
from hived.store.nodes import contacts, orders


def set_miner(db: Database, mac: str, by: By, *, managed: bool | None = None, password: str | None = None) -> None:
    """Say whether hived steers a miner, and/or give its password. NotFound when there is none with this MAC.

    BadRequest for a password that its firmware has no use for.

    For a miner of another node that node is asked; Conflict when it cannot be, or must not be told a password.
    """
    known = miners.by_mac(db, mac)
    if known is None:
        raise NotFound(f"there is no miner {mac}")
    if password is not None and not offers(known.features, Feature.PASSWORD):
        raise BadRequest(f"no password opens {mac}: its firmware asks for none")
    node_id = miners.watched_by(db, mac)
    if node_id is not None:
        _ask_node(db, node_id, known.mac, by, managed=managed, password=password)
        return
    if managed is not None:
        miners.set_managed(db, mac, managed, by["at"])
        if managed != known.managed:
            audit.note(
                db, **by, action="miner.managed", target=mac, before={"managed": known.managed},
                after={"managed": managed},
            )  # fmt: skip
    if password is not None:
        miners.set_password(db, mac, password, by["at"])
        audit.note(db, **by, action="miner.password", target=mac)


def _ask_node(db: Database, node_id: str, mac: str, by: By, *, managed: bool | None, password: str | None) -> None:
    name = _reachable(db, node_id, secret=password is not None)
    if managed is not None:
        orders.give(db, node_id, SYNCD, "set_managed", {"mac": mac, "managed": managed}, by["at"])
        after = {"managed": managed, "asked": name}
        audit.note(db, **by, action="miner.managed", target=mac, after=after)
    if password is not None:
        orders.give(db, node_id, SYNCD, "set_unlock_pass", {"mac": mac, "password": password}, by["at"])
        audit.note(db, **by, action="miner.password", target=mac, after={"asked": name})


def _reachable(db: Database, node_id: str, *, secret: bool = False) -> str:
    """Return the name of a node that may be asked to do something; Conflict says why it may not."""
    name, status, secure = contacts.link(db, node_id)
    if status != APPROVED:
        raise Conflict(f"node {name} is {status}: it takes no orders from here")
    if secret and not secure:
        raise Conflict(
            f"node {name} was last heard over plain HTTP, where a password can be read on the way: set http.tls here"
        )
    return name


def set_max_preset(db: Database, alias: str, name: str | None, by: By) -> ModelView | None:
    """Set the highest preset that hived may choose for a model; None when there is no such model."""
    before = models.views(db, alias)
    after = models.set_max_preset(db, alias, name)
    if after is not None and after.max_preset != before[0].max_preset:
        audit.note(
            db, **by, action="model.max_preset", target=alias, before={"max_preset": before[0].max_preset},
            after={"max_preset": after.max_preset},
        )  # fmt: skip
    if after is not None:
        told = {"alias": alias, "name": after.max_preset}
        orders.give_to_all_with(db, alias, "set_max_preset", told, by["at"])
    return after


def ask_scan(db: Database, args: dict[str, Any], by: By, *, node_id: str | None = None) -> int:
    """Ask hive-discoverd, here or on another node, to look now; return the number of the wish."""
    if node_id is None:
        wish = commands.ask(db, DISCOVERD, "scan", args, by["at"])
    else:
        name = _reachable(db, node_id)
        wish = orders.give(db, node_id, DISCOVERD, "scan", args, by["at"])
        args = {**args, "asked": name}
    audit.note(db, **by, action="scan", target=str(wish), after=args)
    return wish
