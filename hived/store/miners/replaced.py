"""A machine that got another control board, and so another MAC: its row and history go on under the new one.

The row keeps its number, which all history hangs on. Miners that are gone for good leave from here as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import peewee as pw

from hived.errors import Conflict
from hived.records.events import Event
from hived.records.miner import MinerIdentity
from hived.store import events
from hived.store.engine.counters import next_number, next_rev
from hived.store.engine.database import Database, dicts, tuples
from hived.store.engine.sealing import about
from hived.store.miners import fleet, telemetry
from hived.store.schema import Chips, Health, Miner, Rollup1h, Rollup5m, SettingsVersion, Status
from hived.store.schema import Event as EventRow

LEAST_SERIAL = 6
"""Characters of a serial number that may say which machine it is; "0000" and "none" are many machines'."""

Place = tuple[MinerIdentity, str]
"""A miner that said who it is, and the address where it did."""

_ROLLUPS = ((Rollup5m, 300), (Rollup1h, 3600))
KEPT_S = 12 * 3600.0
"""How long an address is that of a miner which left: no DHCP server gives it to another one within its lease."""

_CHUNK = 500  # values in one statement
_EVER = 10**9


def machines(db: Database, found: Sequence[Place], at: float) -> dict[str, tuple[int, str]]:
    """Return, by new MAC, (number, MAC) of the miner that has a new control board; nothing where that is not sure.

    Sure is: the same serial number and model, which no other miner has, of one that is gone or was at this address.
    Most firmware tells no serial number. Then it is the same address and model, of one that went offline lately.
    """
    return _at_its_address(db, found, at) | _by_serial(db, found)


def _at_its_address(db: Database, found: Sequence[Place], at: float) -> dict[str, tuple[int, str]]:
    gone = ~Miner.online & ~Miner.remote & (Health.seen_at > at - KEPT_S)
    rows = Miner.select(Miner.last_ip, Miner.model_alias, Miner.serial, Miner.num, Miner.mac)
    rows = rows.join(Health, on=(Health.num == Miner.num)).where(gone, Miner.last_ip.in_([ip for _, ip in found]))
    left: dict[tuple[str, str | None], list[tuple[str | None, int, str]]] = {}
    for ip, alias, serial, num, mac in tuples(rows, db):
        left.setdefault((ip, alias), []).append((serial, num, mac))
    return {
        one.mac: (machine[0][1], machine[0][2])
        for one, ip in found
        if one.model_alias is not None
        and len(machine := left.get((ip, one.model_alias), [])) == 1
        and _may_be_one(machine[0][0], one.serial)
    }


def join(db: Database, num: int, at: float) -> None:
    """Join a miner that just went offline with the new one of its model that has its address, where there is one.

    The new one must not have been there while this one was.
    """
    of = Miner.select(Miner.mac, Miner.last_ip, Miner.model_alias, Miner.serial, Health.seen_at)
    rows = tuples(of.join(Health, on=(Health.num == Miner.num)).where(Miner.num == num), db)
    mac, ip, alias, serial, seen_at = rows[0]
    if None in (ip, alias, seen_at):
        return
    there = (
        Miner.online & ~Miner.remote & (Miner.ip == ip) & (Miner.model_alias == alias) & (Miner.created_at > seen_at)
    )
    found = tuples(Miner.select(Miner.mac, Miner.serial).where(there), db)
    if len(found) == 1 and _may_be_one(serial, found[0][1]):
        with suppress(Conflict):
            merge(db, mac, found[0][0], at)


def _by_serial(db: Database, found: Sequence[Place]) -> dict[str, tuple[int, str]]:
    told = Counter(identity.serial for identity, _ in found)
    wanted = {
        one.serial: (one, ip)
        for one, ip in found
        if told[one.serial] == 1 and one.model_alias is not None and _tells_a_machine(one.serial)
    }
    if not wanted:
        return {}
    rows = Miner.select(Miner.serial, Miner.num, Miner.mac, Miner.ip, Miner.online, Miner.model_alias, Miner.remote)
    same: dict[str, list[tuple[Any, ...]]] = {}
    for serial, *row in tuples(rows.where(Miner.serial.in_(list(wanted))), db):
        same.setdefault(serial, []).append(tuple(row))
    sure: dict[str, tuple[int, str]] = {}
    for serial, (first, *others) in same.items():
        num, mac, at, online, alias, remote = first
        identity, ip = wanted[serial]
        gone = not online or at in (None, ip)
        if not others and gone and not remote and alias == identity.model_alias:
            sure[identity.mac] = (num, mac)
    return sure


def _tells_a_machine(serial: str | None) -> bool:
    return serial is not None and len(serial) >= LEAST_SERIAL and len(set(serial)) >= LEAST_SERIAL // 2


def _may_be_one(serial: str | None, other: str | None) -> bool:
    return serial == other or not (_tells_a_machine(serial) and _tells_a_machine(other))


def alike(db: Database, found: Sequence[Place]) -> dict[str, str]:
    """Return, by new MAC, the MAC of the one miner of the same model that was at this address and is not there now.

    It may be the same machine with a new control board, or another one that was given the address: a person knows.
    """
    rows = Miner.select(Miner.last_ip, Miner.model_alias, Miner.mac).where(
        Miner.last_ip.in_([ip for _, ip in found]), ~Miner.online | Miner.ip.is_null(), ~Miner.remote
    )
    left: dict[tuple[str, str | None], list[str]] = {}
    for ip, alias, mac in tuples(rows, db):
        left.setdefault((ip, alias), []).append(mac)
    candidates = {one.mac: left.get((ip, one.model_alias), []) for one, ip in found if one.model_alias is not None}
    return {mac: others[0] for mac, others in candidates.items() if len(others) == 1}


def rename(db: Database, num: int, old: str, new: str, at: float) -> None:
    """Let a miner go on under the MAC of its new control board, which has no key of ours yet."""
    sealed = Miner.select(Miner.unlock_password).where(Miner.num == num).bind(db).scalar()
    password = db.box.open_or_none(sealed, about(old, "unlock_password"))
    fields: dict[str, Any] = {
        "mac": new, "former_mac": old, "api_key": None, "unlock_failures": 0, "unlock_position": 0,
        "unlock_not_before": 0.0, "agreed_ip": None, "doubted_ip": None, "updated_at": at,
        "seq": next_number(db, "miners"),
        "unlock_password": None if password is None else db.box.seal(password, about(new, "unlock_password")),
    }  # fmt: skip
    Miner.update(fields).where(Miner.num == num).execute(db)
    Health.update(rev=next_rev(db)).where(Health.num == num).execute(db)
    events.add(db, [Event("board_replaced", at, {"before": old, "after": new}, num=num)])


def merge(db: Database, old: str, new: str, at: float) -> None:
    """Make one miner of two rows: it has the old one's history and decisions, and the new one's MAC, key and place.

    Conflict when the two cannot be one machine: the old one is there, or was when the new one was there already.
    """
    both = Miner.select(Miner, Health).join(Health, on=(Health.num == Miner.num)).where(Miner.mac.in_([old, new]))
    rows = {row["mac"]: row for row in dicts(both, db)}
    before, after = rows[old], rows[new]
    if before["online"] and before["ip"] is not None:
        raise Conflict(f"{old} is there, at {before['ip']}: it is another machine")
    told_at = max(before[name] or 0.0 for name in ("status_at", "seen_at", "created_at"))
    if told_at > after["created_at"]:
        raise Conflict(f"{old} was still there when {new} was there already: they are two machines")
    if before["remote"] != after["remote"] or (before["remote"] and before["node_id"] != after["node_id"]):
        raise Conflict(f"{old} and {new} are watched by different nodes")
    kept, left = before["num"], after["num"]
    _move_history(db, kept, left, before, after)
    EventRow.update(num=kept).where(EventRow.num == left).execute(db)
    taken = {name: after[name] for name in Miner._meta.fields if name not in _OF_THE_MACHINE}  # noqa: SLF001
    health = {name: after[name] for name in Health._meta.fields if name != "num"}  # noqa: SLF001
    Miner.delete().where(Miner.num == left).execute(db)
    Miner.update(
        taken | {"former_mac": old, "updated_at": at, "seq": next_number(db, "miners")}
    ).where(Miner.num == kept).execute(db)  # fmt: skip
    Health.update(health | {"rev": next_rev(db)}).where(Health.num == kept).execute(db)
    events.add(db, [Event("board_replaced", at, {"before": old, "after": new}, num=kept)])


_OF_THE_MACHINE = {"num", "created_at", "managed", "remote", "former_mac", "updated_at", "seq"}


def remove(db: Database, nums: Sequence[int]) -> None:
    """Forget miners with their history.

    Single readings are found from the miner's row alone, and leave with their age. Sums and events go with it: SQLite
    may give its number to another miner.
    """
    for some in (nums[i : i + _CHUNK] for i in range(0, len(nums), _CHUNK)):
        Miner.delete().where(Miner.num.in_(some)).execute(db)
        EventRow.delete().where(EventRow.num.in_(some)).execute(db)
        for rollup, width in _ROLLUPS:
            for chunk in _grid(db, rollup, width):
                rollup.delete().where(rollup.num.in_(some), rollup.at.in_(chunk)).execute(db)
    next_rev(db)


def follow(db: Database, node_id: str, formers: Iterable[tuple[str, str]], at: float) -> None:
    """Do on a master what a node did: [(MAC, the one before it)], of miners that this node watches."""
    for new, old in formers:
        mine = Miner.remote & (Miner.node_id == node_id) & Miner.mac.in_([old, new])
        known = dict(tuples(Miner.select(Miner.mac, Miner.num).where(mine), db))
        if old not in known:
            continue
        if new in known:
            Miner.update(online=False, ip=None).where(Miner.num == known[old]).execute(db)
            _move_in(db, old, new, at)
        elif not tuples(Miner.select(Miner.num).where(Miner.mac == new), db):
            Miner.update(mac=new).where(Miner.num == known[old]).execute(db)


def _move_in(db: Database, old: str, new: str, at: float) -> None:
    try:
        merge(db, old, new, at)
    except Conflict:  # its node knows better, and has no row of the old one any more
        Miner.delete().where(Miner.mac == old).execute(db)


def _move_history(db: Database, kept: int, left: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    for table, times, head in (
        (Status, fleet.status_times(db, left, back_to=0.0, limit=_EVER), "status_at"),
        (Chips, list(_chip_times(db, left, after["chips_at"])), "chips_at"),
    ):
        for chunk in _chunks(times):
            table.update(num=kept).where(table.num == left, table.at.in_(chunk)).execute(db)
        if times:
            first = (table.num == kept) & (table.at == times[-1])
            table.update(before=before[head]).where(first).execute(db)
        else:
            after[head] = before[head]
    for rollup, width in _ROLLUPS:
        for chunk in _grid(db, rollup, width):
            told = rollup.at.in_(chunk)
            taken = {at for (at,) in tuples(rollup.select(rollup.at).where(rollup.num == kept, told), db)}
            free = rollup.at.in_([at for at in chunk if at not in taken])
            rollup.update(num=kept).where(rollup.num == left, free).execute(db)
    version = SettingsVersion.version
    last = SettingsVersion.select(pw.fn.MAX(version)).where(SettingsVersion.num == kept).bind(db).scalar() or 0
    SettingsVersion.update(num=kept, version=version + last).where(SettingsVersion.num == left).execute(db)


def _chip_times(db: Database, num: int, at: float | None) -> Iterator[float]:
    """Yield when a miner's chips were read, newest first."""
    while at is not None:
        rows = tuples(Chips.select(Chips.before).where(Chips.at == at, Chips.num == num).limit(1), db)
        if rows:
            yield at
        at = rows[0][0] if rows else telemetry.kept_before(db, num, at)


def _grid(db: Database, rollup: Any, width: int) -> Iterator[list[float]]:
    """Yield all times that sums of this width can have: rows are found by time, a scan would read the whole fleet."""
    ((first, last),) = tuples(rollup.select(pw.fn.MIN(rollup.at), pw.fn.MAX(rollup.at)), db)
    return _chunks([] if first is None else [float(at) for at in range(int(first), int(last) + 1, width)])


def _chunks(values: list[float]) -> Iterator[list[float]]:
    return (values[i : i + _CHUNK] for i in range(0, len(values), _CHUNK))
