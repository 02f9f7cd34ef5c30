"""Orders to miners as rows: kept from the moment they are given, with each step of each miner as it happens.

A target's state only ever moves on: pending, running, and one of `orders.ENDS`. What moves it says from where, so that
two who try cannot both have it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import peewee as pw

from hived.errors import NotFound
from hived.records.events import Event
from hived.records.orders import (
    ENDS,
    MAX_REASON,
    OPEN,
    Order,
    Packet,
    State,
    Target,
    in_words,
)
from hived.records.steering import VERBS, Power, Seen
from hived.records.totals import sum_known
from hived.store import events
from hived.store.engine.counters import next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.miners.orders_kept import forget
from hived.store.schema import Health, MinerOrder, MinerRules, OrderTarget

SECRET = frozenset(name for name, verb in VERBS.items() if verb.sets_pools)


def named(db: Database, who: str, via: str, key: str) -> tuple[int, str | None] | None:
    """Return (order, hash of its body) of what somebody gave under a key; None: nothing."""
    mine = (MinerOrder.who == who) & (MinerOrder.via == via) & (MinerOrder.key == key)
    found = tuples(MinerOrder.select(MinerOrder.id, MinerOrder.body_hash).where(mine), db)
    return (int(found[0][0]), db.box.open_or_none(found[0][1], _about(who, key))) if found else None


def _about(who: str, key: str | None) -> str:
    return f"order:{who}:{key}"


def add(
    db: Database, order: Order, targets: Sequence[Target], *, stop_after: int, key: str | None, body_hash: str | None
) -> int:
    """Keep an order and its targets; return its number. The oldest that are over go beyond KEEP_ORDERS."""
    # The hash of a body with a password tells whoever can guess it.
    sealed = None if body_hash is None else db.box.seal(body_hash, _about(order.by, key))
    number = int(
        MinerOrder.insert(
            who=order.by, key=key, body_hash=sealed, verb=order.verb, args=_dump(order.args), via=order.via,
            created_at=order.created_at, expires_at=order.expires_at, packet_size=order.packet.size,
            packet_interval_s=order.packet.interval_s, stop_after=stop_after, force=order.force,
            undo_of=order.undo_of,
        ).execute(db)
    )  # fmt: skip
    rows = [
        {
            "order": number, "num": one.num, "mac": one.mac, "state": one.state, "reason": one.reason, "at": one.at,
            "args": _sealed(db, one.verb, one.mac, one.args if one.state in OPEN else {}), "effect_w": one.effect_w,
            "effect_hs": one.effect_hs,
        }
        for one in targets
    ]  # fmt: skip
    for batch in pw.chunked(rows, 500):
        OrderTarget.insert_many(batch).execute(db)
    _supersede(db, number, order.verb, [one.num for one in targets if one.state in OPEN], order.created_at)
    if not any(one.state in OPEN for one in targets):
        MinerOrder.update(finished_at=order.created_at).where(MinerOrder.id == number).execute(db)
    forget(db, number, order.created_at)
    return number


def _supersede(db: Database, number: int, verb: str, nums: Sequence[int], at: float) -> None:
    """End what older orders of the same kind have not begun at these miners: the newest word counts.

    What changes how much a miner draws is of one kind: to pause it takes the place of a preset that waits.
    """
    alike = [name for name, one in VERBS.items() if name == verb or (one.draws and VERBS[verb].draws)]
    older = MinerOrder.select(MinerOrder.id).where(
        MinerOrder.finished_at.is_null(), MinerOrder.id < number, MinerOrder.verb.in_(alike)
    )
    touched = set()
    for batch in pw.chunked(nums, 500):
        theirs = (OrderTarget.order.in_(older)) & (OrderTarget.state == "pending") & OrderTarget.num.in_(list(batch))
        touched |= {row[0] for row in tuples(OrderTarget.select(OrderTarget.order).where(theirs).distinct(), db)}
        OrderTarget.update(state="cancelled", reason="superseded", at=at).where(theirs).execute(db)
    for other in touched:
        _finish(db, other, at)


# -- for people ------------------------------------------------------------------------------------------------------


def head(db: Database, number: int) -> Order:
    """Return an order without its targets; NotFound."""
    found = _orders(db, MinerOrder.id == number)
    if not found:
        raise NotFound(f"there is no order {number}")
    return found[0]


def one(db: Database, number: int) -> tuple[Order, list[Target]]:
    """Return an order and its targets, in the order in which they are done; NotFound."""
    found = head(db, number)
    rows = dicts(OrderTarget.select().where(OrderTarget.order == number).order_by(OrderTarget.num), db)
    return found, [target_of(row, found.verb) for row in rows]


def listing(db: Database, *, limit: int, before: int | None = None) -> list[Order]:
    """Return orders newest first, without their targets; those below a number only where one is given."""
    return _orders(db, MinerOrder.id < before if before is not None else None, limit=limit)


def of_miner(db: Database, num: int, *, limit: int) -> list[tuple[Order, Target]]:
    """Return a miner's last orders, newest first, each with what became of it there."""
    query = OrderTarget.select().where(OrderTarget.num == num).order_by(OrderTarget.order.desc()).limit(limit)
    rows = dicts(query, db)
    known = {order.id: order for order in _orders(db, MinerOrder.id.in_([row["order"] for row in rows]))}
    return [(known[row["order"]], target_of(row, known[row["order"]].verb)) for row in rows]


def _orders(db: Database, where: Any = None, *, limit: int | None = None) -> list[Order]:
    query = MinerOrder.select().order_by(MinerOrder.id.desc())
    if where is not None:
        query = query.where(where)
    rows = dicts(query.limit(limit) if limit is not None else query, db)
    count = pw.fn.COUNT(OrderTarget.num)
    sums = OrderTarget.select(
        OrderTarget.order, OrderTarget.state, count, pw.fn.SUM(OrderTarget.effect_w), pw.fn.SUM(OrderTarget.effect_hs)
    ).where(OrderTarget.order.in_([row["id"] for row in rows if row["counts"] is None]))
    counted: dict[int, list[tuple[Any, ...]]] = {}
    for number, *rest in tuples(sums.group_by(OrderTarget.order, OrderTarget.state), db):
        counted.setdefault(number, []).append(tuple(rest))
    return [_order(row, counted.get(row["id"], [])) for row in rows]


def _order(row: Mapping[str, Any], counted: Iterable[tuple[Any, ...]]) -> Order:
    taken = [one for one in counted if one[0] != "skipped"]
    effect = sum_known(one[2] for one in taken), sum_known(one[3] for one in taken)
    counts = {state: int(n) for state, n, *_ in counted}
    if row["counts"] is not None:  # it is over
        counts, *effect = json.loads(row["counts"])
    return Order(
        id=row["id"], verb=row["verb"], args=json.loads(row["args"]), by=row["who"], via=row["via"],
        created_at=row["created_at"], expires_at=row["expires_at"],
        packet=Packet(row["packet_size"], row["packet_interval_s"]), force=bool(row["force"]), undo_of=row["undo_of"],
        cancelled_at=row["cancelled_at"], cancelled_by=row["cancelled_by"], stopped_at=row["stopped_at"],
        finished_at=row["finished_at"], counts=counts, effect_w=effect[0], effect_hs=effect[1],
    )  # fmt: skip


def target_of(row: Mapping[str, Any], verb: str, args: Mapping[str, Any] | None = None) -> Target:
    """Return a row as a record; `args` are sealed in it."""
    return Target(
        order=row["order"], num=row["num"], mac=row["mac"], state=row["state"], verb=verb, args=args or {},
        step=row["step"], reason=row["reason"], said=row["said"], before=_load(row["before"]),
        after=_load(row["after"]), at=row["at"], sent_at=row["sent_at"], ends_at=row["ends_at"],
        effect_w=row["effect_w"], effect_hs=row["effect_hs"],
    )  # fmt: skip


# -- for who carries them out ----------------------------------------------------------------------------------------


def is_anything_open(db: Database) -> bool:
    """Tell whether an order goes on."""
    return bool(tuples(MinerOrder.select(MinerOrder.id).where(MinerOrder.finished_at.is_null()).limit(1), db))


def open_by_state(db: Database) -> dict[str, int]:
    """Return how many miners of orders wait, and how many are being asked."""
    open_ones = OrderTarget.state.in_(OPEN)
    query = OrderTarget.select(OrderTarget.state, pw.fn.COUNT(OrderTarget.num)).where(open_ones)
    return {**dict.fromkeys(OPEN, 0), **dict(tuples(query.group_by(OrderTarget.state), db))}


def waiting(db: Database, busy: Sequence[int] = ()) -> list[tuple[str | None, Power, Order]]:
    """Return for each group and each kind of change the oldest order that has miners to be asked there.

    What switches off waits for nothing that switches on slowly; miners that are `busy` hold up no others.
    """
    query = (
        OrderTarget.select(MinerRules.group, MinerOrder.verb, pw.fn.MIN(OrderTarget.order))
        .join(MinerRules, pw.JOIN.LEFT_OUTER, on=(MinerRules.num == OrderTarget.num))
        .switch(OrderTarget)
        .join(MinerOrder, on=(MinerOrder.id == OrderTarget.order))
        .where(OrderTarget.state == "pending", OrderTarget.num.not_in(list(busy)))
        .group_by(MinerRules.group, MinerOrder.verb)
    )
    oldest: dict[tuple[str | None, Power], int] = {}
    for group, verb, number in tuples(query, db):
        power = VERBS[verb].power
        place: tuple[str | None, Power] = (group, "on" if power == "either" else power)
        oldest[place] = min(number, oldest.get(place, number))
    known = {order.id: order for order in _orders(db, MinerOrder.id.in_(list(set(oldest.values()))))} if oldest else {}
    return [(group, power, known[number]) for (group, power), number in oldest.items()]


def next_ones(db: Database, order: Order, group: str | None, *, busy: Iterable[int], limit: int) -> list[Target]:
    """Return the next targets of an order in a group, without those of miners that are busy. Arguments are opened."""
    of_group = MinerRules.group.is_null() if group is None else MinerRules.group == group
    query = (
        OrderTarget.select(OrderTarget)
        .join(MinerRules, pw.JOIN.LEFT_OUTER, on=(MinerRules.num == OrderTarget.num))
        .where(OrderTarget.order == order.id, OrderTarget.state == "pending", of_group)
        .where(OrderTarget.num.not_in(list(busy)))
        .order_by(OrderTarget.num)
        .limit(limit)
    )
    return [_with_args(db, row, order.verb) for row in dicts(query, db)]


def running(db: Database) -> list[tuple[Order, Target]]:
    """Return what was begun and has no end: after a start, what the one before left."""
    ours = (OrderTarget.state == "running") & OrderTarget.command.is_null()
    rows = dicts(OrderTarget.select().where(ours).order_by(OrderTarget.order), db)
    known = {order.id: order for order in _orders(db, MinerOrder.id.in_([row["order"] for row in rows]))}
    return [(known[row["order"]], _with_args(db, row, known[row["order"]].verb)) for row in rows]


def _with_args(db: Database, row: Mapping[str, Any], verb: str) -> Target:
    return target_of(row, verb, _opened(db, verb, row["mac"], row["args"]))


def begin(
    db: Database, target: Target, before: Seen, at: float, *, args: Mapping[str, Any], ends_at: float | None = None
) -> bool:
    """Write that a miner is asked now, before it is. False when that may not be: nothing is sent then.

    It may not when its order ended, was cancelled or has expired meanwhile, or another order has the miner.
    """
    order = MinerOrder.select(MinerOrder.id).where(
        MinerOrder.id == target.order, MinerOrder.cancelled_at.is_null(), MinerOrder.stopped_at.is_null(),
        MinerOrder.expires_at > at,
    )  # fmt: skip
    if not tuples(order, db):
        return False
    taken = OrderTarget.select(OrderTarget.order).where(OrderTarget.num == target.num, OrderTarget.state == "running")
    if tuples(taken.limit(1), db):
        return False
    secret = before.kept if target.verb in SECRET else None
    kept = db.box.seal(_dump(secret), f"kept:{target.order}:{target.mac}") if secret else None
    if ends_at is not None:  # the end of its lights is that of this order now
        OrderTarget.update(ends_at=None).where(OrderTarget.num == target.num).execute(db)
    changed = (
        OrderTarget.update(
            state="running", step="sending", before=_dump(before.to_json()), kept=kept, at=at, sent_at=at,
            args=_sealed(db, target.verb, target.mac, args), ends_at=ends_at,
        ).where(_is(target), OrderTarget.state == "pending").execute(db)
    )  # fmt: skip
    if changed and before.tuned is not None:
        Health.update(tuned=_dump(before.tuned)).where(Health.num == target.num).execute(db)
    return bool(changed)


def restarting(db: Database, target: Target) -> None:
    """Write that mining is restarted now for a change that waits for it, before it is."""
    OrderTarget.update(step="restarting").where(_is(target), OrderTarget.state == "running").execute(db)


def answered(db: Database, target: Target, said: str | None, at: float) -> None:
    """Write that the miner has answered: what it does now is looked at."""
    OrderTarget.update(step="sent", said=_cut(said), at=at).where(_is(target), OrderTarget.state == "running").execute(
        db
    )


def end(
    db: Database, target: Target, state: State, at: float, *, reason: str | None = None, said: str | None = None,
    after: Seen | None = None, before: Seen | None = None, elsewhere: bool = False,
) -> bool:  # fmt: skip
    """Write what became of a target; False when it had its end already. What is secret of it goes.

    Of a miner that was asked it is an event of that miner; `elsewhere`: of a miner whose node tells of it by itself.
    """
    if state not in ENDS:
        raise ValueError(state)
    change: dict[str, Any] = {"state": state, "reason": reason, "at": at, "step": None}
    if target.verb in SECRET:
        change["args"] = "{}"
    if said is not None:
        change["said"] = _cut(said)
    change |= {name: _dump(seen.to_json()) for name, seen in (("before", before), ("after", after)) if seen is not None}
    changed = OrderTarget.update(**change).where(_is(target), OrderTarget.state.in_(OPEN)).execute(db)
    if changed:
        # It is polled at once: whoever looks sees what it does now.
        soon: dict[str, Any] = {}
        if target.sent_at is not None:
            soon = {"next_status_at": 0.0} | ({"settings_due_at": 0.0} if VERBS[target.verb].settings else {})
        if target.sent_at is not None and not elsewhere:
            soon |= _stands(target.verb, state, at)
            detail = {"order": target.order, "verb": target.verb, "state": state, "why": in_words(reason, _cut(said))}
            told = {name: value for name, value in detail.items() if value is not None}
            events.add(db, [Event("order_outcome", at, told, num=target.num)])
        Health.update(**soon, rev=next_rev(db)).where(Health.num == target.num).execute(db)
        _finish(db, target.order, at)
    return bool(changed)


def _stands(verb: str, state: State, at: float) -> dict[str, Any]:
    """Return what is noted of a miner that an order paused, or let go on: its loss is planned meanwhile."""
    if verb == "pause" and state in ("confirmed", "unconfirmed"):
        return {"paused_at": at}
    return {"paused_at": None} if VERBS[verb].power == "on" and state == "confirmed" else {}


def end_pending(db: Database, number: int, state: State, reason: str | None, at: float) -> int:
    """End what an order has not begun; return how many miners that are."""
    change: dict[str, Any] = {"state": state, "reason": reason, "at": at}
    if verb_of(db, number) in SECRET:
        change["args"] = "{}"
    waiting = (OrderTarget.order == number) & (OrderTarget.state == "pending")
    ended = OrderTarget.update(**change).where(waiting).execute(db)
    _finish(db, number, at)
    return int(ended)


def _finish(db: Database, number: int, at: float) -> None:
    """Close an order whose last target has its end, and tell of it."""
    still = OrderTarget.select().where(OrderTarget.order == number, OrderTarget.state.in_(OPEN))
    if tuples(still.limit(1), db):
        return
    closed = MinerOrder.update(finished_at=at).where(MinerOrder.id == number, MinerOrder.finished_at.is_null())
    if closed.execute(db):
        order = head(db, number)
        told = _dump([order.counts, order.effect_w, order.effect_hs])
        MinerOrder.update(counts=told).where(MinerOrder.id == number).execute(db)
        others = sum(order.counts.get(state, 0) for state in ("refused", "unconfirmed"))
        late = order.counts.get("expired", 0)
        missed = {"others": others or None, "late": late or None, "missed": bool(others or late) or None}
        detail = {"order": number, "verb": order.verb, "confirmed": order.counts.get("confirmed", 0), **missed}
        events.add(db, [Event("order_finished", at, {name: one for name, one in detail.items() if one is not None})])


def verb_of(db: Database, number: int) -> str:
    """Return what an order asks for."""
    return str(tuples(MinerOrder.select(MinerOrder.verb).where(MinerOrder.id == number), db)[0][0])


def _is(target: Target) -> Any:
    return (OrderTarget.order == target.order) & (OrderTarget.num == target.num)


def _sealed(db: Database, verb: str, mac: str, args: Mapping[str, Any]) -> str:
    text = _dump(args)
    return db.box.seal(text, f"order:{mac}") if verb in SECRET and args else text


def _opened(db: Database, verb: str, mac: str, text: str) -> dict[str, Any] | None:
    if verb in SECRET and text != "{}":
        opened = db.box.open_or_none(text, f"order:{mac}")
        return None if opened is None else dict(json.loads(opened))
    return dict(json.loads(text))


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _load(text: str | None) -> Any:
    return None if text is None else json.loads(text)


def _cut(text: str | None) -> str | None:
    return None if text is None else "".join(c if c.isprintable() else " " for c in text)[:MAX_REASON]
