"""Orders of the master to miners of this node: carried out under this node's own laws, and told of when they are over.

How long they last is counted from when they came, by a clock that nobody sets. What a process left when it ended is
not carried out from its rows: the master hears that, and asks again if it still wants it.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hived.errors import BadRequest
from hived.records.access import By
from hived.records.commands import Command, mac, switch
from hived.records.condition import Moment
from hived.records.daemon import CONTROLD
from hived.records.laws import Asking, History
from hived.records.order_request import LONGEST_S, packet_of
from hived.records.orders import FROM_MASTER, Order, Packet, Target
from hived.records.steering import Verb, verb_of
from hived.services.miners import orders as giving
from hived.services.miners import orders_elsewhere
from hived.services.miners.orders import Giver, Ladders, Rules
from hived.store import Database, Store, audit, commands
from hived.store.miners import allowed_pools, order_history, orders, views
from hived.store.miners import orders_elsewhere as rows

log = logging.getLogger(__name__)

MOST_MINERS = 64


@dataclass(frozen=True, slots=True)
class Letter:
    """What a master wants, read and bounded."""

    verb: Verb
    miners: Mapping[str, Mapping[str, Any]]
    packet: Packet | None
    seconds: float
    force: bool
    undo: int | None
    """The master's number of the order that is to be undone."""
    automatic: bool

    @classmethod
    def read(cls, text: str) -> Letter:
        """Return what a command holds. BadRequest for what makes no sense here."""
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            raise BadRequest("body: expected JSON") from None
        if not isinstance(told, dict) or not isinstance(told.get("miners"), dict):
            raise BadRequest("body: expected an object with miners")
        if not 1 <= len(told["miners"]) <= MOST_MINERS:
            raise BadRequest(f"miners: expected 1 to {MOST_MINERS}")
        verb, undo, seconds = verb_of(told.get("verb")), told.get("undo"), told.get("seconds")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_S:
            raise BadRequest("seconds: expected how long it may wait")
        if undo is not None and (not isinstance(undo, int) or isinstance(undo, bool)):
            raise BadRequest("undo: expected the number of an order")
        wanted = {
            mac("miners", name): {} if undo is not None else _args(verb, args) for name, args in told["miners"].items()
        }
        force, automatic = switch("force", told.get("force")), switch("automatic", told.get("automatic", False))
        return cls(verb, wanted, packet_of(told.get("packet")), seconds, force, undo, automatic)


def _args(verb: Verb, args: Any) -> Mapping[str, Any]:
    """Return arguments as this node reads them; what the master has found out about them is found out here anew."""
    if not isinstance(args, Mapping):
        raise BadRequest("miners: expected arguments for each")
    known = {argument.name for argument in verb.arguments}
    return verb.checked({name: value for name, value in args.items() if name in known})


class OrdersFromMaster:
    """Takes over what the master wants done to miners. `status_s`: how often a miner is asked how it is."""

    def __init__(
        self, store: Store, rules: Rules, *, status_s: float, clock: Callable[[], float], monotonic: Callable[[], float]
    ) -> None:
        self._store, self._rules, self._status_s = store, rules, status_s
        self._clock, self._monotonic = clock, monotonic
        self._until: dict[int, float] = {}
        """By the command: until when its miners may be asked."""

    async def tick(self) -> None:
        """Take what is new, end what lasted too long, tell of what is over."""
        for command in await self._store.read(commands.open_commands, CONTROLD, newer_than=-math.inf, limit=256):
            if command.id not in self._until:
                seconds = await self._store.write(take, command, self._rules, Moment(self._clock(), self._status_s))
                self._until[command.id] = self._monotonic() + seconds
            overdue = self._monotonic() > self._until[command.id]
            if await self._store.write(tell, command, self._clock(), overdue):
                del self._until[command.id]


def take(db: Database, command: Command, rules: Rules, moment: Moment) -> float:
    """Give the order of a command here, or cancel one; return how many seconds it has."""
    master, _, _ = (command.origin or "").rpartition(":")
    by = By(at=moment.now, who=_who(command), via=FROM_MASTER[False], address=None)
    if command.verb == "steer_cancel":
        for number in rows.by_key(db, by["who"], _key(command, "")):
            giving.cancel(db, number, Giver(by, "operator"), moment.now)
        commands.finish(db, command.id, {"ok": True}, moment.now)
        return 0.0
    if _given(db, command) is not None:
        return 0.0  # left by another process, which has cancelled what it had not begun
    try:
        letter = Letter.read(str(command.args.get("body")))
    except BadRequest as err:
        commands.finish(db, command.id, {"error": str(err)}, moment.now)
        return 0.0
    if commands.is_taken_back(db, master, command.args["order"]):
        ended = [Target(0, 0, address, "cancelled", letter.verb.name) for address in letter.miners]
        commands.finish(db, command.id, dict(orders_elsewhere.results(ended)), moment.now)
        return 0.0
    by["via"] = FROM_MASTER[letter.automatic]
    undone = rows.by_key(db, by["who"], f"{letter.undo}/") if letter.undo is not None else []
    targets = list(_targets(db, letter, undone, rules, moment))
    packet = letter.packet or rules.packet(letter.verb)
    order = Order(
        0, letter.verb.name, {}, by["who"], by["via"], moment.now, moment.now + letter.seconds, packet, letter.force,
        undo_of=next(iter(undone), None),
    )  # fmt: skip
    number = orders.add(db, order, targets, stop_after=rules.stop_after_refusals, key=_key(command), body_hash=None)
    after = {"verb": order.verb, "miners": [one.mac for one in targets], "order": command.args["order"]}
    audit.note(db, **by, action=f"order.{order.verb}", target=str(number), after=after)
    log.info("the master wants to %s %d miners: order %d", letter.verb.words, len(targets), number)
    return letter.seconds


def _who(command: Command) -> str:
    return f"master {(command.origin or '').rpartition(':')[0]}"[:200]


def _given(db: Database, command: Command) -> int | None:
    """Return the order that was given here for a command, None while there is none."""
    found = [orders.named(db, _who(command), via, _key(command)) for via in FROM_MASTER.values()]
    return next((one[0] for one in found if one is not None), None)


def _key(command: Command, end: str | None = None) -> str:
    """Return how an order is known here: by the master's number of it, and by that of the command."""
    return f"{command.args['order']}/{command.id if end is None else end}"


def _targets(db: Database, letter: Letter, undone: list[int], rules: Rules, moment: Moment) -> list[Target]:
    ladders, allowed = Ladders(db), allowed_pools.listing(db)
    known = order_history.histories(db, None, moment.now, settle_s=rules.settle_s)
    asking = Asking(moment.now, rules.reboots_per_hour, letter.force, letter.automatic, undoes=letter.undo is not None)
    back = giving.ways_back(db, undone, letter.verb)
    by_mac = {view.mac: view for view in views.miners(db) if view.mac in letter.miners}
    found = []
    for place, (address, args) in enumerate(letter.miners.items()):
        view = by_mac.get(address)
        if view is None or view.remote:
            # A row of its own all the same, so that the master hears of it; no miner has such a number.
            found.append(Target(0, -1 - place, address, "skipped", letter.verb.name, reason="gone", at=moment.now))
            continue
        if letter.undo is not None:
            if (way := back.get(view.num)) is None:
                found.append(
                    Target(0, view.num, address, "skipped", letter.verb.name, reason="nothing_kept", at=moment.now)
                )
                continue
            args = way
        history = known.get(view.num, History())
        found.append(giving.target(db, letter.verb, view, args, ladders.of(view), asking, history, moment, allowed))
    return found


def tell(db: Database, command: Command, at: float, overdue: bool) -> bool:
    """Write what became of a command's miners, once that is known of all; return whether it is over."""
    open_one = commands.command(db, command.id)
    if open_one is None or open_one.done_at is not None:
        return True
    number = _given(db, command)
    if number is None:
        return False
    if overdue:
        orders.end_pending(db, number, "expired", None, at)
    order, targets = orders.one(db, number)
    if order.finished_at is None:
        return False
    commands.finish(db, command.id, dict(orders_elsewhere.results(targets)), at)
    return True


def drop_left(db: Database, at: float) -> None:
    """Cancel what another process has taken from the master and not begun: it is asked for again, or not."""
    for number in rows.open_of(db, *FROM_MASTER.values()):
        orders.end_pending(db, number, "cancelled", "node_restarted", at)
