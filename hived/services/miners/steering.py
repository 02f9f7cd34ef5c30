"""What an operator changes about miners, by API or by command: rows that daemons obey, each with its audit row."""

from __future__ import annotations

from contextlib import suppress

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.firmware import Feature, offers
from hived.records.miner_view import ModelView
from hived.services.commands import ask
from hived.store import Database, audit, commands
from hived.store.miners import miners, models, replaced, trust


def set_miner(db: Database, mac: str, by: By, *, managed: bool | None = None, password: str | None = None) -> None:
    """Say whether hived steers a miner, and/or give its password. NotFound when there is none with this MAC.

    BadRequest for a password that its firmware has no use for.

    For a miner of another node that node is asked; Conflict when it cannot be, or must not be told a password.
    """
    known = miners.one(db, mac)
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


def agree(db: Database, mac: str, by: By, *, ip: str | None = None) -> str:
    """Take what answers at `ip` (None: where the miner is) for this miner, so that it gets its secrets; return where.

    NotFound when there is none with this MAC; Conflict when nobody knows where it is. A miner's node is asked.
    """
    known = miners.one(db, mac)
    place = ip or known.ip or known.last_ip
    if place is None:
        raise Conflict(f"nobody knows where {known.mac} is: name the address")
    node_id = miners.watched_by(db, known.mac)
    if node_id is not None:
        ask(db, "agree_to_address", {"mac": known.mac, "ip": place}, by, node_id=node_id)
        return place
    trust.agree(db, known, place, by["at"])
    before, after = {"ip": known.agreed_ip}, {"ip": place}
    audit.note(db, **by, action="miner.agree", target=known.mac, before=before, after=after)
    return place


def remove_miner(db: Database, mac: str, by: By) -> None:
    """Forget a miner that is gone. NotFound when there is none with this MAC; Conflict while it is there.

    One of another node goes here at once, and its node is asked to forget it as well.
    """
    known = miners.one(db, mac)
    if known.online:
        raise Conflict(f"{known.mac} is there, at {known.last_ip}: only a miner that is offline can be removed")
    node_id = miners.watched_by(db, known.mac)
    audit.note(
        db, **by, action="miner.remove", target=known.mac,
        before={"last_ip": known.last_ip, "model": known.model_alias, "hostname": known.hostname},
    )  # fmt: skip
    if node_id is not None:
        with suppress(NotFound, Conflict):  # a node that takes no orders tells nothing of it any more, either
            ask(db, "remove_miner", {"mac": known.mac}, by, node_id=node_id)
    replaced.remove(db, [known.num])


def merge_miners(db: Database, old: str, new: str, by: By) -> None:
    """Make one miner of two rows that are one machine, whose control board was replaced: history and all.

    NotFound, BadRequest and Conflict say why that cannot be. Of another node's miners the node is asked; its answer
    moves them here.
    """
    before, after = miners.one(db, old), miners.one(db, new)
    if before.num == after.num:
        raise BadRequest("these are the same miner")
    nodes = {miners.watched_by(db, before.mac), miners.watched_by(db, after.mac)}
    node_id = nodes.pop()
    if nodes:
        raise Conflict(f"{before.mac} and {after.mac} are watched by different nodes")
    if node_id is not None:
        ask(db, "merge_miners", {"mac": before.mac, "into": after.mac}, by, node_id=node_id)
        return
    replaced.merge(db, before.mac, after.mac, by["at"])
    audit.note(db, **by, action="miner.merge", target=after.mac, before={"mac": before.mac})


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
