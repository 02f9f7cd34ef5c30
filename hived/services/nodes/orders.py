"""Carry out what the master's operator wants of this node: checked, done once, reported until the master knows."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By
from hived.records.commands import Command
from hived.records.daemon import DISCOVERD, SYNCD
from hived.records.uplink import Order
from hived.services.commands import parse_targets
from hived.services.miners import steering
from hived.store import Database, Store
from hived.store.nodes import received_commands

log = logging.getLogger(__name__)

GIVE_UP_S = 1800.0
"""A scan of a /16 takes minutes; what is not done by then was not begun."""
MAX_TARGETS = 64
MAX_PASSWORD = 256  # as hive-apid takes it
MAX_NAME = 100
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")


class Orders:
    """The orders of one master at a time."""

    def __init__(self, store: Store, *, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock

    async def take(self, master_id: str, given: Sequence[Order]) -> None:
        """Keep the orders that are new; one that makes no sense is answered with the reason."""
        if given:
            await self._store.write(_take, master_id, given, self._clock())

    async def carry_out(self) -> bool:
        """Do what waits for this daemon, and end what another one never did; return whether there was anything."""
        now = self._clock()
        waiting, late = await self._store.read(received_commands.waiting, SYNCD, older_than=now - GIVE_UP_S)
        for command, origin in waiting:
            result = await self._store.write(_do, command, now, origin.rpartition(":")[0])
            log.info("done for the master: %s: %s", command.verb, result.get("error", "ok"))
        if late:
            reason = f"nobody did it within {GIVE_UP_S / 60:.0f} minutes: does {DISCOVERD} run?"
            await self._store.write(received_commands.give_up, now - GIVE_UP_S, now, reason)
        return bool(waiting) or late

    async def done(self, master_id: str) -> list[tuple[int, dict[str, Any]]]:
        """Return what the master does not know yet: (its number, what came of it)."""
        return await self._store.read(received_commands.untold, master_id)

    async def told(self, master_id: str, numbers: Sequence[int]) -> None:
        """Note that the master knows it now."""
        if numbers:
            await self._store.write(received_commands.told, master_id, list(numbers), self._clock())


def _take(db: Database, master_id: str, given: Sequence[Order], at: float) -> None:
    for order in given:
        refusal = None
        try:
            args = checked(order.daemon, order.verb, order.args)
        except BadRequest as err:
            args, refusal = {}, str(err)
        origin = received_commands.origin_of(master_id, order.id)
        if received_commands.take(db, origin, order.daemon, order.verb, args, at, refusal):
            log.info("the master wants %s of %s%s", order.verb, order.daemon, f": {refusal}" if refusal else "")


def checked(daemon: str, verb: str, args: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of an order that can be carried out. BadRequest says what is wrong with another one."""
    match daemon, verb:
        case ("hive-discoverd", "scan"):
            targets = args.get("targets", [])  # none: all networks of this node
            if not isinstance(targets, list) or len(targets) > MAX_TARGETS:
                raise BadRequest(f"targets: expected a list of at most {MAX_TARGETS} addresses or networks")
            try:
                return {"targets": [str(network) for network in parse_targets([str(one)[:64] for one in targets])]}
            except ValueError as err:
                raise BadRequest(str(err)) from None
        case ("hive-syncd", "set_managed"):
            if not isinstance(args.get("managed"), bool):
                raise BadRequest("managed: expected true or false")
            return {"mac": _mac(args), "managed": args["managed"]}
        case ("hive-syncd", "set_unlock_pass"):
            password = args.get("password")
            if not isinstance(password, str) or not 1 <= len(password) <= MAX_PASSWORD or not password.isprintable():
                raise BadRequest(f"password: expected 1 to {MAX_PASSWORD} characters that can be printed")
            return {"mac": _mac(args), "password": password}
        case ("hive-syncd", "set_max_preset"):
            name = args.get("name")
            if name is not None:
                name = _text("name", name)
            return {"alias": _text("alias", args.get("alias")), "name": name}
    raise BadRequest(f"this node does not know the order {verb!r} for {daemon}")


def _do(db: Database, command: Command, at: float, master: str) -> dict[str, Any]:
    """Carry an order out and say what came of it, in one transaction: it is done exactly once."""
    result: dict[str, Any] = {"ok": True}
    args, by = command.args, By(at=at, who=f"master {master}", via="daemon", address=None)
    try:
        match command.verb:
            case "set_managed":
                steering.set_miner(db, args["mac"], by, managed=args["managed"])
            case "set_unlock_pass" if args["password"] is None:
                result = {"error": "the password that waited cannot be opened any more: give it again"}
            case "set_unlock_pass":
                steering.set_miner(db, args["mac"], by, password=args["password"])
            case "set_max_preset" if steering.set_max_preset(db, args["alias"], args["name"], by) is None:
                result = {"error": f"there is no model {args['alias']}"}
    except (BadRequest, NotFound, Conflict) as err:
        result = {"error": str(err)}
    received_commands.finish(db, command.id, result, at)
    return result


def _mac(args: Mapping[str, Any]) -> str:
    mac = args.get("mac")
    if not isinstance(mac, str) or not _MAC.fullmatch(mac.lower()):
        raise BadRequest("mac: expected a MAC such as 02:00:00:00:00:01")
    return mac.lower()


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_NAME or not value.isprintable():
        raise BadRequest(f"{name}: expected 1 to {MAX_NAME} characters that can be printed")
    return value
