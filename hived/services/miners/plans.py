"""Plans: kept by the operator, carried out by the node itself, by the clock of its site, without any master."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import tzinfo
from typing import Any

from hived.errors import BadRequest, Conflict, Forbidden, NotFound
from hived.records.access import LOCAL_USER, ROLES, By, Role, is_enough
from hived.records.condition import Moment
from hived.records.events import Event
from hived.records.order_request import read
from hived.records.orders import in_words
from hived.records.plans import FARTHEST_S, LATE_S, PROGRAM, Plan, following, read_body
from hived.services.miners import orders as giving
from hived.services.miners.orders import Giver, Rules
from hived.store import Database, Store, audit, events
from hived.store.miners import orders, plans

RoleOf = Callable[[Database, str, bool, float], Role | None]
"""What a user, or else a token, may by now, by name: `store.access.owners`; None: it may not steer any more."""

log = logging.getLogger(__name__)


def add(db: Database, body: Mapping[str, Any], giver: Giver, rules: Rules, moment: Moment, zone: tzinfo | None) -> int:
    """Keep a plan, after a look at what it would order by now; return its number. Raises as `draft` does; Conflict."""
    plan = draft(db, body, giver, rules, moment, zone)
    number = plans.add(db, plan)
    after = {"when": body.get("when"), "order": plan.body}
    audit.note(db, **giver.by, action="plan.add", target=plan.name, after=after)
    return number


def draft(
    db: Database, body: Mapping[str, Any], giver: Giver, rules: Rules, moment: Moment, zone: tzinfo | None
) -> Plan:
    """Return a plan as it would be kept.

    BadRequest, NotFound and Forbidden say what does not fit. A plan for pools is not kept: its order would be given
    without anybody who shows a password.
    """
    name, schedule, late, order = read_body(body, moment.now)
    request = read(order)
    if request.verb.sets_pools:
        raise BadRequest("order.verb: a plan sets no pools")
    coming = following(schedule, moment.now - (LATE_S if schedule.at is not None else 0.0), zone)
    if coming is not None and coming[1] == "back":  # it would be under way now: it begins with its next time
        coming = following(schedule, coming[0], zone)
    if coming is None:
        raise BadRequest("when: is over")
    if (schedule.ends or schedule.until) and request.verb.undo is None:
        raise BadRequest(f"when: {request.verb.name} has no way back, and takes no end")
    giving.preview(db, request, replace(giver, automatic=True), rules, moment)
    who = giver.by["who"]
    role: str | None = None if giver.by["via"] == "session" and who != LOCAL_USER else giver.role
    role = PROGRAM if giver.by["via"] == "token" else role
    return Plan(0, name, schedule, dict(order), who, role, True, late, moment.now, coming[0], coming[1])


def switch(db: Database, number: int, enabled: bool, giver: Giver, at: float, zone: tzinfo | None) -> None:
    """Let a plan rest, or let it go on with what comes next from now. A way back comes all the same. NotFound."""
    plan = plans.one(db, number)
    plans.change(db, number, enabled=enabled)
    if not plan.owes:
        coming = following(plan.schedule, at, zone)
        plans.change(db, number, next_at=coming and coming[0], next_what=coming[1] if coming else "do")
    audit.note(db, **giver.by, action="plan.switch", target=plan.name, after={"enabled": enabled})


def remove(db: Database, number: int, giver: Giver) -> None:
    """Forget a plan. What it has ordered goes on, and is not brought back. NotFound."""
    plan = plans.remove(db, number)
    audit.note(db, **giver.by, action="plan.remove", target=plan.name)


def storm(
    db: Database, body: Mapping[str, Any], giver: Giver, rules: Rules, moment: Moment, zone: tzinfo | None
) -> int:
    """Give an order now and plan its way back: {name, until, order}; return the number of the order.

    What does not fit is said as by `add` and `giving.give`, and then nothing is kept.
    """
    unknown = body.keys() - {"name", "until", "order"}
    if unknown:
        raise BadRequest(f"expected name, until, order: {min(unknown)[:40]!r} is none of them")
    until = body.get("until")
    if until is None:
        raise BadRequest("until: expected the time of the way back")
    number = add(
        db, {"name": body.get("name"), "when": {"until": until}, "order": body.get("order")}, giver, rules, moment, zone
    )
    plan = plans.one(db, number)
    order, _ = giving.give(db, read(plan.body), giver, rules, moment)
    _next(db, plan, moment.now, zone, last_order=order)
    return order


class Clockwork:
    """Carries out what is due. `status_s`: how often a miner is asked how it is; `zone` None: that of this box."""

    def __init__(
        self, store: Store, rules: Rules, role_of: RoleOf, *, status_s: float, clock: Callable[[], float],
        zone: tzinfo | None = None,
    ) -> None:  # fmt: skip
        self._store, self._rules, self._role_of = store, rules, role_of
        self._status_s, self._clock, self._zone = status_s, clock, zone

    async def tick(self) -> None:
        """Look what is due."""
        moment = Moment(self._clock(), self._status_s)
        if await self._store.read(_is_any_due, moment.now):
            for told in await self._store.write(carry_out, self._rules, self._role_of, moment, self._zone):
                log.info("%s", told)


def carry_out(db: Database, rules: Rules, role_of: RoleOf, moment: Moment, zone: tzinfo | None) -> list[str]:
    """Do what is due; return what to log.

    What the box missed while it was off is told, and done late only if asked and while its end is still to come:
    nothing would bring it back.
    """
    told = []
    for plan in plans.coming_after(db, moment.now + FARTHEST_S):
        if plan.schedule.begins is not None:
            _find_again(db, plan, moment.now, zone)
    for plan in plans.due(db, moment.now):
        assert plan.next_at is not None
        late_s = moment.now - plan.next_at
        after = following(plan.schedule, plan.next_at, zone)
        has_ended = after is not None and after[1] == "back" and after[0] <= moment.now
        if plan.next_what == "do" and (has_ended or (late_s > LATE_S and not plan.late)):
            events.add(db, [Event("plan_missed", moment.now, {"plan": plan.name, "seconds": round(late_s)})])
            _next(db, plan, moment.now, zone, missed_at=plan.next_at)
            told.append(f"plan {plan.name} was missed by {late_s:.0f} s, and is not carried out")
        else:
            told.append(_do(db, plan, rules, role_of, moment, zone))
    return told


def _is_any_due(db: Database, at: float) -> bool:
    return bool(plans.due(db, at) or plans.coming_after(db, at + FARTHEST_S))


def _find_again(db: Database, plan: Plan, at: float, zone: tzinfo | None) -> None:
    """Find the next time of a plan whose last one was carried out by a clock that ran ahead, and was set right."""
    coming = (at, "back") if plan.owes else following(plan.schedule, at, zone)
    if coming is not None:
        plans.change(db, plan.id, next_at=coming[0], next_what=coming[1])


def _do(db: Database, plan: Plan, rules: Rules, role_of: RoleOf, moment: Moment, zone: tzinfo | None) -> str:
    number = plan.order
    try:
        looked_up = plan.role in (None, PROGRAM)
        role = _role(plan, role_of(db, plan.by, plan.role == PROGRAM, moment.now) if looked_up else None)
        giver = Giver(By(at=moment.now, who=plan.by, via="plan", address=None), role, automatic=True)
        if plan.next_what == "do":
            number, _ = giving.give(db, read(plan.body), giver, rules, moment)
        elif number is not None:
            number = _back(db, plan, number, giver, rules, moment)
    except (BadRequest, Forbidden, NotFound, Conflict) as err:
        events.add(db, [Event("plan_failed", moment.now, {"plan": plan.name, "error": str(err)})])
        _next(db, plan, moment.now, zone, last_order=None)
        return f"plan {plan.name}: {err}"
    _next(db, plan, moment.now, zone, last_order=number if plan.next_what == "do" else None)
    return f"plan {plan.name}: order {number}"


def _back(db: Database, plan: Plan, number: int, giver: Giver, rules: Rules, moment: Moment) -> int | None:
    """Bring back what an order changed, and cancel what it has not begun; tell of miners that stay as they are."""
    order, _ = orders.one(db, number)
    if not order.can_undo:
        giving.cancel(db, number, giver, moment.now)
        return None
    back = giving.undo(db, number, giver, rules, moment)
    why = [one.reason for one in orders.one(db, back)[1] if one.state == "skipped" and one.reason != "same_already"]
    if why:
        words = "; ".join(str(in_words(one)) for one in dict.fromkeys(why))
        left = {"plan": plan.name, "order": back, "miners": len(why), "why": words}
        events.add(db, [Event("plan_left", moment.now, left)])
    return back


def _next(db: Database, plan: Plan, at: float, zone: tzinfo | None, **fields: Any) -> None:
    after = max(at, plan.next_at or at)
    if plan.next_what == "back" and plan.next_at is not None:
        after = plan.next_at  # what was missed since is told as well
    coming = following(plan.schedule, after, zone)
    plans.change(db, plan.id, next_at=coming and coming[0], next_what=coming[1] if coming else "do", **fields)


def _role(plan: Plan, of_user: Role | None) -> Role:
    """Return what a plan may now, where its owner is a user by their role. Forbidden for who may not steer any more."""
    if plan.role not in (None, PROGRAM):
        return next((one for one in ROLES if one == plan.role), "operator")
    if of_user is not None and is_enough(of_user, "operator"):
        return of_user
    if plan.next_what == "do":
        raise Forbidden("its owner may not steer any more")
    return "operator"  # what they had changed while they were allowed to does not stay so for ever
