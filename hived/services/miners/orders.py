"""Orders to miners, as the operator gives, previews, cancels and undoes them: rows that hive-controld obeys."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hived.errors import BadRequest, Conflict, Forbidden
from hived.records import laws
from hived.records.access import ROLES, By, Role
from hived.records.condition import Moment
from hived.records.events import Event
from hived.records.laws import Asking, History
from hived.records.miner_view import MinerView
from hived.records.order_request import EXPIRES_S, LONGEST_S, Request
from hived.records.orders import UNDOABLE, Order, Packet, Target
from hived.records.pools import AllowedPool
from hived.records.steering import VERBS, Seen, Verb
from hived.records.totals import sum_known
from hived.runtime.options import Controld
from hived.services.miners import choosing, orders_elsewhere
from hived.store import Database, audit, events
from hived.store.miners import allowed_pools, models, order_ends, order_history, orders, settings, views

Ladder = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Rules:
    """How orders are carried out at this site: the section `controld` of the config."""

    packet_size: int = 10
    packet_interval_s: float = 5.0
    power_on_interval_s: float = 10.0
    stop_after_refusals: int = 3
    reboots_per_hour: int = 2
    settle_s: float = 300.0

    @classmethod
    def of(cls, own: Controld) -> Rules:
        """Return what the configuration says."""
        return cls(
            own.packet_size, own.packet_interval_seconds, own.power_on_interval_seconds, own.stop_after_refusals,
            own.reboots_per_hour, own.settle_seconds,
        )  # fmt: skip

    def packet(self, verb: Verb) -> Packet:
        slow = verb.power in ("on", "either")
        return Packet(self.packet_size, max(self.packet_interval_s, self.power_on_interval_s if slow else 0.0))


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives an order. `confirmed`: has just shown the password again."""

    by: By
    role: Role
    confirmed: bool = False
    automatic: bool = False

    @property
    def is_admin(self) -> bool:
        return ROLES.index(self.role) >= ROLES.index("admin")


# -- what would happen -----------------------------------------------------------------------------------------------


def preview(db: Database, request: Request, giver: Giver, rules: Rules, moment: Moment) -> tuple[Order, list[Target]]:
    """Return the order as it would be: each miner with its effect, or with the reason why it is left out.

    Forbidden for who may not give it; NotFound for a miner, or a group, model or other name, that there is not.
    """
    _may(db, request, giver)
    chosen = choosing.chosen(db, request.miners, request.where)
    asking = Asking(moment.now, rules.reboots_per_hour, request.force, giver.automatic)
    targets = list(_targets(db, request.verb, [(view, request.args) for view in chosen], asking, rules, moment))
    return _order(request, giver, rules, moment.now, targets), targets


def _may(db: Database, request: Request, giver: Giver) -> None:
    if request.force and not giver.is_admin:
        raise Forbidden("force: takes an admin", code="not_admin")
    if not request.verb.sets_pools:
        return
    allowed = allowed_pools.listing(db)
    if allowed:
        foreign = laws.forbidden_pools(request.args, allowed)
        if foreign:
            raise Forbidden(
                f"{foreign[0]} is not among the allowed pools: an admin allows it first", code="pool_not_allowed"
            )
    elif not (giver.is_admin and giver.confirmed):
        raise Forbidden(
            "no pool is allowed yet (hivectl pools allow): until then it takes an admin, and the password again",
            code="confirm_password",
        )


def _targets(
    db: Database, verb: Verb, wanted: Sequence[tuple[MinerView, Mapping[str, Any]]], asking: Asking, rules: Rules,
    moment: Moment,
) -> Iterator[Target]:  # fmt: skip
    ladders = Ladders(db)
    nums = [view.num for view, _ in wanted] if len(wanted) <= choosing.FEW else None
    known = order_history.histories(db, nums, moment.now, settle_s=rules.settle_s)
    allowed = allowed_pools.listing(db)
    for view, args in wanted:
        yield target(db, verb, view, args, ladders.of(view), asking, known.get(view.num, History()), moment, allowed)


def target(
    db: Database, verb: Verb, view: MinerView, args: Mapping[str, Any], ladder: Ladder, asking: Asking,
    history: History, moment: Moment, allowed: Sequence[AllowedPool],
) -> Target:  # fmt: skip
    """Return what an order means for one miner, by all laws; its arguments are those of this miner."""
    found = Target(0, view.num, view.mac, "pending", verb.name, args, at=asking.at)
    lacks = None
    if verb.name == "restore" and "version" in args and not view.remote:  # its node knows the versions
        args, lacks = _of_version(db, view, int(args["version"]))
    why = laws.reason(view, verb.name, args, ladder, asking, history, seen=moment.blind_to(view) is None) or lacks
    if why == "settling" and asking.waits:
        why = None
    pools = args.get("pools", {}) if verb.name == "restore" else args
    if why is None and verb.sets_pools and allowed and laws.forbidden_pools(pools, allowed):
        why = "pool_not_allowed"
    if why is not None:
        return replace(found, state="skipped", reason=why)
    if verb.name in ("preset", "power") and not ("power" in (view.features or "").split() and verb.name == "power"):
        step = laws.chosen(view, verb.name, args, ladder)
        args = {**args, "name": step["name"] if step else args.get("name")}
    watts, rate = laws.effect(view, verb.name, args, ladder)
    return replace(found, args=args, effect_w=watts, effect_hs=rate)


def _of_version(db: Database, view: MinerView, number: int) -> tuple[dict[str, Any], str | None]:
    """Return what of a version of a miner's settings can be written back, as the arguments of the single verbs."""
    versions = settings.versions(db, view.num, limit=settings.KEEP_VERSIONS)
    version = next((one for one in versions if one.version == number), None)
    if version is None:
        return {}, "no_version"
    document = version.document
    wanted: dict[str, Any] = {}
    pools = document.get("pools")
    if isinstance(pools, list) and any(one.get("url") for one in pools):
        wanted["pools"] = {
            "pools": [
                {"slot": slot, "url": one.get("url") or "", "user": one.get("user") or ""}
                for slot, one in enumerate(pools)
            ]
        }
    if document.get("requested_preset"):
        wanted["preset"] = {"name": document["requested_preset"]}
    mode = (document.get("cooling") or {}).get("mode") or {}
    name = "immersion" if mode.get("name") == "immers" else mode.get("name")
    if name in ("auto", "manual", "immersion"):
        param = mode.get("param")
        wanted["cooling"] = {
            "mode": name,
            "percent": param if name == "manual" else None,
            "target_c": param if name == "auto" else None,
        }
    return wanted, None if wanted else "no_version"


class Ladders:
    """The presets of miners, by what they have in common: as the firmware of such a miner told them."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[models.Make, Ladder] = {}
        self._models: dict[str, Ladder] = {}

    def of(self, view: MinerView) -> Ladder:
        """Return a miner's ladder, lowest first; empty where nobody knows it."""
        if view.model_alias is None:
            return ()
        make = models.Make(view.model_alias, view.firmware_version or "?", view.model_name or "")
        if make not in self._known:
            self._known[make] = models.ladder(self._db, make) or self._of_model(view.model_alias)
        return self._known[make]

    def _of_model(self, alias: str) -> Ladder:
        if alias not in self._models:
            found = models.views(self._db, alias)
            self._models[alias] = found[0].presets if found else ()
        return self._models[alias]


def _order(
    request: Request, giver: Giver, rules: Rules, at: float, targets: Sequence[Target], undo_of: int | None = None
) -> Order:
    counts: dict[str, int] = {}
    for one in targets:
        counts[one.state] = counts.get(one.state, 0) + 1
    taken = [one for one in targets if one.state == "pending"]
    packet = request.packet or rules.packet(request.verb)
    return Order(
        id=0, verb=request.verb.name, args=_open_args(request), by=giver.by["who"], via=giver.by["via"],
        created_at=at, expires_at=at + (request.expires_s or _long_enough(len(taken), packet)), packet=packet,
        force=request.force, undo_of=undo_of, effect_w=sum_known(one.effect_w for one in taken),
        effect_hs=sum_known(one.effect_hs for one in taken), counts=counts,
    )  # fmt: skip


def _long_enough(miners: int, packet: Packet) -> float:
    """Return after how many seconds what is not begun never is: twice as long as its packets take, an hour at least."""
    return min(max(EXPIRES_S, 2 * math.ceil(miners / packet.size) * packet.interval_s), LONGEST_S)


def _open_args(request: Request) -> dict[str, Any]:
    """Return the arguments without what is secret: of pools the passwords."""
    if "pools" not in request.args:
        return request.args
    shown = [{k: v for k, v in one.items() if k != "password"} for one in request.args["pools"]]
    return {**request.args, "pools": shown}


# -- giving, cancelling, undoing ---------------------------------------------------------------------------------------


def give(db: Database, request: Request, giver: Giver, rules: Rules, moment: Moment) -> tuple[int, bool]:
    """Keep an order for hive-controld; return its number, and whether it is new: the same key again is the same order.

    Conflict for a key that was used with another body; else as `preview`.
    """
    if request.key is not None:
        before = orders.named(db, giver.by["who"], giver.by["via"], request.key)
        if before is not None:
            if before[1] != request.body_hash:
                raise Conflict(f"the key {request.key!r} was used for another order ({before[0]})", code="key_used")
            return before[0], False
    order, targets = preview(db, request, giver, rules, moment)
    if not targets:
        raise BadRequest("no miner fits")
    return _keep(db, request, order, targets, giver, rules), True


def _keep(db: Database, request: Request, order: Order, targets: Sequence[Target], giver: Giver, rules: Rules) -> int:
    number = orders.add(
        db, order, targets, stop_after=rules.stop_after_refusals, key=request.key, body_hash=request.body_hash
    )
    orders_elsewhere.hand_out(db, replace(order, id=number), [replace(one, order=number) for one in targets], giver.by)
    asked = sum(one.state == "pending" for one in targets)
    after = {
        "verb": order.verb, "args": order.args, "miners": asked, "left_out": len(targets) - asked,
        "force": order.force or None, "undo_of": order.undo_of, "first": [one.mac for one in targets[:20]],
    }  # fmt: skip
    audit.note(db, **giver.by, action=f"order.{order.verb}", target=str(number), after=after)
    events.add(
        db,
        [
            Event(
                "order_given",
                order.created_at,
                {"order": number, "verb": order.verb, "miners": len(targets), "by": order.by},
            )
        ],
    )
    return number


def cancel(db: Database, number: int, giver: Giver, at: float) -> None:
    """End what an order has not begun. What was asked already goes on to its end. NotFound."""
    ended = order_ends.cancel(db, number, giver.by["who"], at)
    orders_elsewhere.cancel(db, number, giver.by)
    if ended:
        audit.note(db, **giver.by, action="order.cancel", target=str(number), after={"miners": ended})
        events.add(db, [Event("order_cancelled", at, {"order": number, "miners": ended, "by": giver.by["who"]})])


def undo(db: Database, number: int, giver: Giver, rules: Rules, moment: Moment) -> int:
    """Give the order that brings back what another one changed, of each miner what it was; return its number.

    What that one has not begun is cancelled. Conflict when there is nothing to bring back.
    """
    request, order, targets = _undoing(db, number, giver, rules, moment)
    cancel(db, number, giver, moment.now)
    return _keep(db, request, order, targets, giver, rules)


def preview_undo(
    db: Database, number: int, giver: Giver, rules: Rules, moment: Moment
) -> tuple[Order, Sequence[Target]]:
    """Return the order that would bring back what another one changed, as `preview` does; raises as `undo`."""
    return _undoing(db, number, giver, rules, moment)[1:]


def _undoing(
    db: Database, number: int, giver: Giver, rules: Rules, moment: Moment
) -> tuple[Request, Order, list[Target]]:
    order, targets = orders.one(db, number)
    if not order.can_undo:
        raise Conflict(f"order {number} changed nothing that can be brought back")
    verb = VERBS[str(VERBS[order.verb].undo)]
    own = rules.packet(verb)
    pace = Packet(min(own.size, order.packet.size), max(own.interval_s, order.packet.interval_s))
    request = Request(verb, {}, (), {}, pace, None, None, False, False, "")
    _may(db, request, giver)
    back = ways_back(db, [number], verb)
    by_num = {view.num: view for view in views.miners(db)}
    asking = Asking(moment.now, rules.reboots_per_hour, automatic=giver.automatic, undoes=True)
    wanted, others = [], []
    for one in targets:
        view = by_num.get(one.num)
        if one.state not in UNDOABLE or view is None:
            continue
        if view.remote:  # its node has kept how it was, and judges by its own laws
            away = moment.blind_to(view) is not None
            back_w, back_hs = (None if told is None else -told for told in (one.effect_w, one.effect_hs))
            theirs = Target(
                0, one.num, one.mac, "pending", verb.name, at=moment.now, effect_w=back_w, effect_hs=back_hs
            )
            others.append(replace(theirs, state="skipped", reason="node_away") if away else theirs)
        elif one.num not in back:
            others.append(Target(0, one.num, one.mac, "skipped", verb.name, reason="nothing_kept", at=moment.now))
        else:
            wanted.append((view, back[one.num]))
    again = [*_targets(db, verb, wanted, asking, rules, moment), *others]
    return request, _order(request, giver, rules, moment.now, again, number), again


def ways_back(db: Database, numbers: Sequence[int], verb: Verb) -> dict[int, dict[str, Any]]:
    """Return by miner the arguments with which a verb brings back what these orders changed, where enough is kept.

    What another verb undoes has none: its arguments mean something else, or nothing.
    """
    found: dict[int, dict[str, Any]] = {}
    for number in numbers:
        order, targets = orders.one(db, number)
        if VERBS[order.verb].undo != verb.name:
            continue
        secrets = order_history.kept(db, number)
        for one in targets:
            before = Seen.from_json(one.before or {"at": 0.0})
            way = _way_back(order.verb, before, secrets.get(one.num, {})) if one.state in UNDOABLE else None
            if way is not None:
                found[one.num] = way
    return found


def _way_back(verb: str, before: Seen, secrets: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the arguments that bring a miner back to how it was before a verb; None: that is not known."""
    if verb in ("pause", "resume"):
        return {}
    if verb in ("preset", "power"):
        name = before.asked_preset or before.preset
        return {"name": name, "untuned": True} if name else None
    if verb == "dimmer":
        return _whole(verb, {"percent": round(100 if before.throttle_percent is None else before.throttle_percent)})
    pools = _pools_back(before, secrets)
    if verb == "pools":
        return pools
    if verb == "cooling":
        return _whole(verb, before.cooling) if before.cooling else None
    parts = {"pools": pools, "preset": _way_back("preset", before, {}), "cooling": _way_back("cooling", before, {})}
    return {name: part for name, part in parts.items() if part} or None


def _whole(verb: str, told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what a miner told of itself as a verb's arguments; None where it told what nobody can ask for."""
    try:
        return VERBS[verb].checked(told)
    except BadRequest:
        return None


def _pools_back(before: Seen, secrets: Mapping[str, Any]) -> dict[str, Any] | None:
    if not before.pools:
        return None
    passwords = secrets.get("pools", {})
    return {
        "pools": [
            {**one, **({"password": passwords[str(one["slot"])]} if str(one["slot"]) in passwords else {})}
            for one in before.pools
        ]
    }
