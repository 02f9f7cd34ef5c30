"""What is known of a miner right before it is asked, and what an order means for it by the laws of that moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hived.errors import AnotherDevice, BadCredentials, HivedError, NotSupported, Transient
from hived.records import readback
from hived.records.condition import Moment
from hived.records.firmware import Reach
from hived.records.laws import Asking, History
from hived.records.miner import ON_THE_WAY
from hived.records.miner_rules import is_held
from hived.records.miner_view import KnownMiner
from hived.records.orders import Order, Target
from hived.records.steering import VERBS, Seen, Wish
from hived.services.miners.orders import Ladder, Ladders, Rules, target
from hived.store import Database
from hived.store.miners import allowed_pools, miners, order_ends, order_history, orders, orders_elsewhere, views

NEEDS_SETTINGS = frozenset(verb.name for verb in VERBS.values() if verb.settings or verb.rests)
"""What is never done to a miner that is between two states: what it tells of its settings is incomplete then."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a target right before it is asked, and what its order means for it by the laws of now."""

    known: KnownMiner
    ladder: Ladder
    meant: Target

    @property
    def is_lost(self) -> bool:
        """Whether what was secret of the order cannot be opened any more."""
        return VERBS[self.meant.verb].sets_pools and not self.meant.args

    def step_w(self, one: Target, before: Seen) -> float | None:
        """Return what the preset takes that a miner is to run after an order, W."""
        name = before.preset if one.verb in ("resume", "restart") else preset_of(one)
        step = next((step for step in self.ladder if step["name"] == name), None)
        return step.get("power_w") if step else None


def tidy(db: Database, at: float) -> list[int]:
    """End what has expired, or what no node tells of; return the orders that too many miners refused."""
    order_ends.expire(db, at)
    orders_elsewhere.end_silent(db, at)
    return order_ends.stop_refused(db, at)


def reach(known: KnownMiner) -> Reach:
    """Return how to talk to a miner; Transient while it has no address."""
    if known.ip is None:
        raise Transient("it has no address at present", code="no_route")
    return known.reach()


def begin(
    db: Database, order: Order, one: Target, before: Seen, rules: Rules, clock: Callable[[], float]
) -> float | None:
    """Write that a miner is asked now, if the laws still let it be; return when. None: nothing may be sent."""
    at = clock()
    facts = of(db, order, one, rules, at)
    if facts is None or facts.meant.reason is not None:
        return None
    lit = one.verb == "locate" and one.args.get("on")
    ends_at = at + float(one.args["seconds"]) if lit else None
    return at if orders.begin(db, one, before, at, args=one.args, ends_at=ends_at) else None


def of(db: Database, order: Order, one: Target, rules: Rules, at: float) -> Facts | None:
    known = miners.by_mac(db, one.mac)
    found = views.miners(db, mac=one.mac)
    if known is None or not found or known.num != one.num:
        return None
    view = found[0]
    ladder = Ladders(db).of(view)
    asking = Asking(
        at, rules.reboots_per_hour, order.force, automatic=order.automatic, undoes=order.undo_of is not None,
        stored=False,
    )  # fmt: skip
    before = order_history.histories(db, [one.num], at, settle_s=rules.settle_s, but=order.id).get(one.num, History())
    allowed = allowed_pools.listing(db)
    moment = Moment(at, 1.0)
    meant = target(db, VERBS[one.verb], view, one.args, ladder, asking, before, moment, allowed)
    if view.remote:  # it was ours when the order was given: one writer a device
        meant = replace(meant, state="skipped", reason="node_away")
    return Facts(known, ladder, meant)


def may_go_on(db: Database, one: Target, at: float) -> str | None:
    """Return the address of a miner that was asked and may be asked for what that takes more; None: it may not."""
    found = views.miners(db, mac=one.mac)
    held = not found or not found[0].managed or is_held(found[0].rules.locked, at)
    return None if held or not orders_elsewhere.stands(db, one.order, at) else found[0].ip


def left_out(one: Target, before: Seen) -> str | None:
    """Return why a miner is not asked after all, by how it is right now."""
    if one.verb in NEEDS_SETTINGS and (before.state is None or before.state in ON_THE_WAY):
        return "not_up"
    name = preset_of(one)
    wants_untuned = one.args.get("untuned") or one.verb == "restore"
    if name is not None and not wants_untuned and before.tuned is not None and name not in before.tuned:
        return "not_tuned"
    if one.verb == "pools" and any(
        pool.get("password") not in (None, before.kept.get("pools", {}).get(pool["slot"])) for pool in one.args["pools"]
    ):
        return None  # another password of the same pool
    if one.verb == "locate" and one.args["on"]:
        return None  # so that it can be made longer
    if not VERBS[one.verb].repeatable:
        return None
    is_so = readback.judge(one.verb, one.args, before, before, sent_at=before.at) == "done"
    return "same_already" if is_so else None


def preset_of(one: Target) -> str | None:
    """Return the preset that a target is to run."""
    part = one.args.get("preset", {}) if one.verb == "restore" else one.args
    return part.get("name") if one.verb in ("preset", "power", "restore") else None


def wish_of(one: Target) -> Wish:
    if one.verb == "power" and "name" in one.args:  # a firmware that takes presets only
        return Wish("preset", {"name": one.args["name"]})
    return Wish(one.verb, one.args)


def why_unseen(err: HivedError) -> str:
    if isinstance(err, AnotherDevice):
        return "moved"
    if isinstance(err, BadCredentials):
        return "no_access"
    return "cannot" if isinstance(err, NotSupported) else "unseen"
