"""What an operator changes about miners, by API or by command: rows that daemons obey, each with its audit row."""

from __future__ import annotations

from hived.errors import BadRequest, NotFound
from hived.records.access import By
from hived.records.firmware import Feature, offers
from hived.records.miner_view import ModelView
from hived.services.commands import ask
from hived.store import Database, audit, commands
from hived.store.miners import miners, models


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
        if managed is not None:
            ask(db, "set_managed", {"mac": known.mac, "managed": managed}, by, node_id=node_id)
        if password is not None:
            ask(db, "set_unlock_pass", {"mac": known.mac, "password": password}, by, node_id=node_id)
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
        commands.give_to_all_with(db, alias, "set_max_preset", told, by["at"])
    return after
