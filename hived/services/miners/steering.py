"""What an operator changes about miners, by API or by command: rows that daemons obey, each with its audit row."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By, Role
from hived.records.firmware import Feature, offers
from hived.records.miner_view import ModelView
from hived.services.commands import ask
from hived.services.miners import rules
from hived.store import Database, audit, commands
from hived.store.miners import miners, replaced, trust


def set_miner(db: Database, mac: str, wishes: Mapping[str, Any], by: By, role: Role) -> None:
    """Set what is asked for of a miner: `managed`, its `unlock_pass`, and what `rules.RULES` has; all or nothing.

    NotFound when there is none with this MAC, Forbidden for what this role may not, BadRequest for a password that its
    firmware has no use for, or a rule that makes no sense. For a miner of another node that node is asked; Conflict
    when it cannot be, must not be told a password, or has to be told there.
    """
    known = miners.one(db, mac)
    for name, value in wishes.items():
        rules.must_be_allowed(role, name, value)
    if laid := {name: value for name, value in wishes.items() if name in rules.RULES}:
        rules.set_rules(db, known.mac, laid, by)
    managed, password = wishes.get("managed"), wishes.get("unlock_pass")
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


def set_model(db: Database, alias: str, wishes: Mapping[str, str | None], by: By, role: Role) -> ModelView | None:
    """Set `max_preset` and/or `min_preset` of a model; None when there is no such model.

    Every node with such miners is told of the highest one; the lowest one holds here alone.
    """
    after = rules.set_limits(db, alias, wishes, by, role)
    if after is not None and "max_preset" in wishes:
        told = {"alias": alias, "name": after.max_preset}
        commands.give_to_all_with(db, alias, "set_max_preset", told, by["at"])
    return after
