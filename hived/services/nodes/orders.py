"""Carry out what the master's operator wants of this node: checked, done once, reported until the master knows.

A master is somebody else: what it wants stays inside this node's own networks, and a password is only taken over a
connection that nobody else can be at the end of.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.access import By, Role
from hived.records.commands import Command, Verb, networks, secrets_of, verb_for, words_of
from hived.records.daemon import DISCOVERD, SYNCD
from hived.records.node import Order
from hived.services.miners import steering
from hived.services.miners.sweep import Range
from hived.store import Database, Store, commands
from hived.store.miners import miners
from hived.store.nodes import received_commands

log = logging.getLogger(__name__)

THE_MASTERS: Role = "admin"
"""Who may ask for what was judged where it was asked for."""

GIVE_UP_S = 1800.0
"""A scan of a /16 takes minutes; what is not done by then was not begun."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a master may want. `ranges`: this node's networks; `pinned`: it is reached by TLS, and known by its key."""

    ranges: Range
    pinned: bool

    def check(self, db: Database, verb: Verb, args: dict[str, Any]) -> None:
        """Raise BadRequest for what this node does for nobody but its own operator."""
        secret = bool(verb.secrets) or verb.sends_secrets
        if secret and not self.pinned:
            raise BadRequest(
                "what has to do with passwords this node takes only over TLS, from a master whose key it knows: hivectl"
                " secure on it, or hivectl join https://... with a code"
            )
        if reserved := verb.reserved(args):
            raise BadRequest(f"{reserved[0]}: this node does that for its own operator alone")
        places = [*args.get("targets", ()), args.get("ip")]
        if secret and "mac" in args:
            known = miners.by_mac(db, args["mac"])
            places += [known.ip or known.last_ip] if known is not None and "ip" not in args else []
        outside = self.ranges.outside(networks("targets", [one for one in places if one is not None]))
        if outside:
            raise BadRequest(f"{outside[0]} is outside of this node's network.subnets: nothing was tried")


class Orders:
    """The orders of one master at a time. `ranges`: the networks of this node, as they are now."""

    def __init__(self, store: Store, *, ranges: Callable[[], Range], clock: Callable[[], float]) -> None:
        self._store, self._ranges, self._clock = store, ranges, clock

    async def take(self, master_id: str, given: Sequence[Order], *, pinned: bool) -> None:
        """Keep the orders that are new; one that makes no sense, or goes too far, is answered with the reason."""
        if given:
            await self._store.write(_take, master_id, given, Bounds(self._ranges(), pinned), self._clock())

    async def carry_out(self) -> bool:
        """Do what waits for this daemon, and end what another one never did; return whether there was anything."""
        now = self._clock()
        waiting, late = await self._store.read(_waiting, now - GIVE_UP_S)
        for command in waiting:
            result = await self._store.write(_do, command, now)
            asker = " for the master" if command.origin else ""
            log.info("done%s: %s: %s", asker, words_of(command.verb), result.get("error", "ok"))
        if late:
            reason = f"not done within {GIVE_UP_S / 60:.0f} minutes: is {DISCOVERD} running?"
            await self._store.write(received_commands.give_up, now - GIVE_UP_S, now, reason)
        return bool(waiting) or late

    async def done(self, master_id: str) -> list[tuple[int, dict[str, Any]]]:
        """Return what the master does not know yet: (its number, what came of it)."""
        return await self._store.read(received_commands.untold, master_id)

    async def told(self, master_id: str, numbers: Sequence[int]) -> None:
        """Note that the master knows it now."""
        if numbers:
            await self._store.write(received_commands.told, master_id, list(numbers), self._clock())


def _waiting(db: Database, late_at: float) -> tuple[list[Command], bool]:
    return commands.open_commands(db, SYNCD, newer_than=-math.inf), received_commands.late(db, late_at)


def _take(db: Database, master_id: str, given: Sequence[Order], bounds: Bounds, at: float) -> None:
    for order in given:
        refusal = None
        try:
            verb = verb_for(order.verb, order.daemon)
            args = verb.checked(order.args)
            bounds.check(db, verb, args)
        except BadRequest as err:
            args, refusal = {}, str(err)
        origin = received_commands.origin_of(master_id, order.id)
        if received_commands.take(db, origin, order.daemon, order.verb, args, at, refusal):
            log.info(
                "the master wants %s to %s%s", order.daemon, words_of(order.verb), f": {refusal}" if refusal else ""
            )


def _do(db: Database, command: Command, at: float) -> dict[str, Any]:
    """Carry an order out and say what came of it, in one transaction: it is done exactly once."""
    result: dict[str, Any] = {"ok": True}
    who = SYNCD if command.origin is None else f"master {command.origin.rpartition(':')[0]}"
    lost = [name for name in secrets_of(command.verb) if command.args.get(name) is None]
    try:
        if lost:
            raise BadRequest(f"the {lost[0]} that waited cannot be opened any more: give it again")
        DOES[verb_for(command.verb, SYNCD).name](db, command.args, By(at=at, who=who, via="daemon", address=None))
    except (BadRequest, NotFound, Conflict) as err:
        result = {"error": str(err)}
    commands.finish(db, command.id, result, at)
    return result


def _set_max_preset(db: Database, args: dict[str, Any], by: By) -> None:
    if steering.set_model(db, args["alias"], {"max_preset": args["name"]}, by, THE_MASTERS) is None:
        raise NotFound(f"there is no model {args['alias']}")


DOES: dict[str, Callable[[Database, dict[str, Any], By], object]] = {
    "set_managed": lambda db, args, by: steering.set_miner(
        db, args["mac"], {"managed": args["managed"]}, by, THE_MASTERS
    ),
    "set_unlock_pass": lambda db, args, by: steering.set_miner(
        db, args["mac"], {"unlock_pass": args["password"]}, by, THE_MASTERS
    ),
    "agree_to_address": lambda db, args, by: steering.agree(db, args["mac"], by, ip=args["ip"]),
    "remove_miner": lambda db, args, by: steering.remove_miner(db, args["mac"], by),
    "merge_miners": lambda db, args, by: steering.merge_miners(db, args["mac"], args["into"], by),
    "set_max_preset": _set_max_preset,
}
"""What carries out each verb of hive-syncd."""
