"""Miners: who they are, where they are, how to get in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hived.errors import NotFound
from hived.records import units
from hived.records.daemon import DISCOVERD
from hived.records.events import Event
from hived.records.miner import MinerIdentity
from hived.records.miner_view import KnownMiner
from hived.store import commands, events
from hived.store.engine.counters import next_number, next_rev
from hived.store.engine.database import Database, tuples
from hived.store.engine.sealing import about
from hived.store.miners import errors, ownership, replaced
from hived.store.miners.own_changes import not_ours
from hived.store.miners.rows import change, change_and_show
from hived.store.schema import Health, Miner

_KNOWN = (
    Miner.num, Miner.mac, Miner.ip, Miner.online, Miner.managed, Miner.model_alias, Miner.firmware,
    Miner.features, Miner.firmware_version, Miner.model_name, Miner.hostname, Miner.platform, Miner.serial,
    Miner.hashrate_unit, Miner.api_key, Miner.unlock_password, Miner.unlock_failures, Miner.unlock_position,
    Miner.unlock_not_before, Health.settings_due_at, Health.missed_scans, Health.uptime_s, Miner.last_ip,
    Miner.agreed_ip, Miner.doubted_ip,
)  # fmt: skip

POLL_LATE_S = 30.0  # a poll that is later does not come any more: hive-polld is away
POLL_OLD_S = 3600.0  # no pause between polls is longer

_FACTS = (
    "model_alias", "model_name", "hostname", "firmware", "firmware_version", "features", "platform", "serial",
    "hashrate_unit",
)  # fmt: skip
"""What a sighting may tell of the miner itself, by column."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A miner that identified itself at an address at a time."""

    identity: MinerIdentity
    ip: str
    at: float
    firmware: str | None = None
    """The name of the family that took it, and what that one offers (`firmware.listed`)."""
    features: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return what this tells of the miner itself, by column. A fact that is not told is no other fact."""
        one = self.identity
        told = {
            "model_alias": one.model_alias, "model_name": one.model_name, "hostname": one.hostname,
            "firmware": self.firmware, "firmware_version": one.firmware_version, "features": self.features,
            "platform": one.platform, "serial": one.serial, "hashrate_unit": units.hashrate_unit(one.hashrate_unit),
        }  # fmt: skip
        return {name: value for name, value in told.items() if value is not None}

    def has_news(self, before: KnownMiner) -> bool:
        """Tell whether this says anything that the miner's row does not say already."""
        return (
            not before.online
            or before.ip != self.ip
            or before.missed_scans != 0
            or any(getattr(before, name) != value for name, value in self.facts().items())
            or rebooted(before.uptime_s, self.identity.uptime_s)
        )


def known(db: Database, *, everywhere: bool = False) -> list[KnownMiner]:
    """Return every miner ever found; those of other nodes, which our daemons leave alone, only with `everywhere`."""
    query = Miner.select(*_KNOWN).join(Health, on=(Health.num == Miner.num))
    if not everywhere:
        query = query.where(~Miner.remote)
    return [_known(db, row) for row in tuples(query, db)]


def by_mac(db: Database, mac: str) -> KnownMiner | None:
    """Return one miner; `mac` in any case."""
    return _by_macs(db, [mac.lower()]).get(mac.lower())


def one(db: Database, mac: str) -> KnownMiner:
    """Return one miner; NotFound when nobody has this MAC."""
    if (found := by_mac(db, mac)) is None:
        raise NotFound(f"there is no miner {mac}")
    return found


def watched_by(db: Database, mac: str) -> str | None:
    """Return the node that watches a miner, None when it is one of our own or there is none with this MAC."""
    rows = tuples(Miner.select(Miner.node_id).where(Miner.mac == mac.lower(), Miner.remote), db)
    return str(rows[0][0]) if rows else None


def saw(db: Database, sighting: Sighting, *, node_id: str) -> KnownMiner:
    """Store that a miner answered at an address, and return its row."""
    return saw_all(db, [sighting], node_id=node_id)[0]


def saw_all(db: Database, sightings: Sequence[Sighting], *, node_id: str) -> list[KnownMiner]:
    """Store that miners, each of them once, answered at their addresses; return their rows.

    The MAC is the identity: an address that another row held is taken from that row and nothing else of it changes;
    so a move and a swap of two miners never mix histories. Where a machine has a new control board, its row goes on
    under the new MAC; where it only may have, an event says so.
    """
    before = _by_macs(db, (one.identity.mac for one in sightings))
    before |= _with_new_boards(db, [one for one in sightings if one.identity.mac not in before])
    rev = next_rev(db)
    for sighting in sightings:
        _release_address(db, sighting.ip, sighting.identity.mac, rev, sighting.at)
    happened = _add(db, [one for one in sightings if one.identity.mac not in before], node_id, rev)
    for sighting in sightings:
        known_before = before.get(sighting.identity.mac)
        if known_before is not None:
            happened += _saw_again(db, known_before, sighting, node_id, rev)
    events.add(db, not_ours(db, happened))
    after = _by_macs(db, (one.identity.mac for one in sightings))
    ownership.ours(db, [row.num for row in after.values()], max(one.at for one in sightings))
    return [after[one.identity.mac] for one in sightings]


def _by_macs(db: Database, macs: Iterable[str]) -> dict[str, KnownMiner]:
    query = Miner.select(*_KNOWN).join(Health, on=(Health.num == Miner.num)).where(Miner.mac.in_(list(macs)))
    return {row.mac: row for row in (_known(db, values) for values in tuples(query, db))}


def _add(db: Database, sightings: Sequence[Sighting], node_id: str, rev: int) -> list[Event]:
    """Add rows for miners that are new; return what that is to be told."""
    if not sightings:
        return []
    seq = next_number(db, "miners", len(sightings)) - len(sightings)
    Miner.insert_many([
        {
            "mac": one.identity.mac, "created_at": one.at, "updated_at": one.at, "seq": seq + index,
            **dict.fromkeys(_FACTS), **_place(one, node_id),
            "hashrate_unit": one.identity.hashrate_unit,  # also one that is not known: the column's default is one
        } for index, one in enumerate(sightings, 1)
    ]).execute(db)  # fmt: skip
    macs = [one.identity.mac for one in sightings]
    nums = dict(tuples(Miner.select(Miner.mac, Miner.num).where(Miner.mac.in_(macs)), db))
    Health.insert_many([
        {
            "num": nums[one.identity.mac], "settings_due_at": 0.0, "seen_at": one.at, "uptime_at": one.at, "rev": rev,
            "uptime_s": one.identity.uptime_s,
        } for one in sightings
    ]).execute(db)  # fmt: skip
    happened = [
        _event(nums[one.identity.mac], one.at, "miner_found", ip=one.ip, model=one.identity.model_name)
        for one in sightings
    ]
    alike = replaced.alike(db, [(one.identity, one.ip) for one in sightings])
    for one in sightings:
        mac = one.identity.mac
        if mac in alike:
            happened.append(_event(nums[mac], one.at, "maybe_replaced", before=alike[mac], after=mac, ip=one.ip))
    return happened


def _saw_again(db: Database, before: KnownMiner, sighting: Sighting, node_id: str, rev: int) -> list[Event]:
    identity, at = sighting.identity, sighting.at
    is_other_family = before.firmware not in (None, sighting.firmware)
    only_claims = is_other_family and bool(before.access) and before.agreed_ip != sighting.ip
    if only_claims:
        sighting = replace(sighting, firmware=before.firmware, features=before.features)
    fields = _place(sighting, node_id)
    if only_claims:
        fields["doubted_ip"] = sighting.ip
    elif before.ip != sighting.ip != before.doubted_ip:
        fields["doubted_ip"] = None
    if is_other_family and not only_claims:
        fields |= {"api_key": None, "unlock_failures": 0, "unlock_position": 0, "unlock_not_before": 0.0}
    change(db, before.num, at, **fields)
    Health.update(
        seen_at=at, missed_scans=0, uptime_s=identity.uptime_s, uptime_at=at, rev=rev, **_due_again(before, sighting)
    ).where(Health.num == before.num).execute(db)
    return _differences(before, sighting)


def _place(sighting: Sighting, node_id: str) -> dict[str, Any]:
    return {
        "ip": sighting.ip, "last_ip": sighting.ip, "online": True, "node_id": node_id, "remote": False,
        "node_has_key": None, **sighting.facts(),
    }  # fmt: skip


def _with_new_boards(db: Database, sightings: Sequence[Sighting]) -> dict[str, KnownMiner]:
    if not sightings:
        return {}
    machines = replaced.machines(db, [(one.identity, one.ip) for one in sightings], max(one.at for one in sightings))
    found = [one for one in sightings if one.identity.mac in machines]
    for one in found:
        replaced.rename(db, *machines[one.identity.mac], one.identity.mac, one.at)
    return _by_macs(db, (one.identity.mac for one in found)) if found else {}


def still_there(db: Database, nums: Iterable[tuple[int, float | None]], at: float) -> None:
    """Note that miners answered unchanged: [(num, control board uptime)]."""
    for num, uptime_s in nums:
        Health.update(seen_at=at, missed_scans=0, uptime_s=uptime_s, uptime_at=at).where(Health.num == num).execute(db)


def poll_soon(db: Database, num: int) -> None:
    """Let a miner that can be read again be polled at once, if its polls pause because they failed."""
    Health.update(next_status_at=0.0, next_chips_at=0.0).where(Health.num == num, Health.failures > 0).execute(db)


def missed(db: Database, nums: Iterable[int], at: float, *, offline_after: int) -> list[int]:
    """Count one more silent sweep for each miner; return those that are offline from now on (address null).

    A miner whose polls succeed meanwhile is not silent: its web server has one connection.
    """
    gone: list[int] = []
    nums = set(nums)
    if nums and offline_after:
        occupied = {num for (num,) in tuples(Health.select(Health.num).where(Health.num.in_(nums), _is_polled(at)), db)}
        if occupied:
            Health.update(occupied_at=at).where(Health.num.in_(occupied)).execute(db)
            nums -= occupied
    if not nums:
        return gone
    rev = next_rev(db)
    for num in nums:
        Health.update(missed_scans=Health.missed_scans + 1, rev=rev).where(Health.num == num).execute(db)
    query = (
        Miner.select(Miner.num, Miner.last_ip)
        .join(Health, on=(Health.num == Miner.num))
        .where(Miner.num.in_(nums), Miner.online, ~Miner.remote, Health.missed_scans >= offline_after)
    )
    for num, ip in tuples(query, db):
        change(db, num, at, online=False, ip=None)
        gone.append(num)
        events.add(db, [_event(num, at, "miner_offline", ip=ip, missed_scans=offline_after)])
        if offline_after:
            replaced.join(db, num, at)
    return gone


def keep_access(
    db: Database, num: int, access: str, at: float, *, password: str | None = None, ip: str | None = None
) -> None:
    """Store what opens a miner (and the password) at `ip`, None: where it is; that is agreed to by it. Pauses end."""
    rows = tuples(Miner.select(Miner.mac, Miner.ip, Miner.doubted_ip).where(Miner.num == num), db)
    if not rows:
        return  # it was removed meanwhile
    mac, here, doubted = rows[0]
    place = ip or here
    fields: dict[str, Any] = {
        "agreed_ip": place, "doubted_ip": None if doubted == place else doubted,
        "api_key": db.box.seal(access, about(mac, "api_key")), "unlock_failures": 0, "unlock_position": 0,
        "unlock_not_before": 0.0,
    }  # fmt: skip
    if password is not None:
        fields["unlock_password"] = db.box.seal(password, about(mac, "unlock_password"))
    change(db, num, at, **fields)
    # A miner that has been opened can be polled at once.
    Health.update(next_status_at=0.0, next_chips_at=0.0, rev=next_rev(db)).where(Health.num == num).execute(db)


def drop_access(db: Database, num: int, at: float) -> None:
    """Forget what the miner does not take any more."""
    change(db, num, at, api_key=None)


def unlock_failed(
    db: Database, num: int, at: float, code: str, reason: str, *, not_before: float, position: int
) -> None:
    """Record that the miner could not be opened: it has no key, and is not tried again before `not_before`."""
    failed(db, num, at, code, reason)
    change(
        db, num, at, api_key=None, unlock_failures=Miner.unlock_failures + 1, unlock_not_before=not_before,
        unlock_position=position,
    )  # fmt: skip


def failed(db: Database, num: int, at: float, code: str, reason: str) -> None:
    """Record an error on the miner, and one more in the count. The first sign of a trouble is an event."""
    errors.note(db, num, at, code, reason, is_trouble=True)
    Health.update(rev=next_rev(db)).where(Health.num == num).execute(db)


def unanswered(db: Database, num: int, at: float, code: str, reason: str) -> None:
    """Record that a miner let a sweep wait. No error while its polls succeed: its web server has one connection."""
    if not Health.update(occupied_at=at).where(Health.num == num, _is_polled(at)).execute(db):
        failed(db, num, at, code, reason)


def _is_polled(at: float) -> Any:
    """Return the condition that a miner's last poll succeeded and the next one is not late."""
    in_time = (Health.next_status_at > at - POLL_LATE_S) & (Health.status_at > at - POLL_OLD_S)
    return in_time & (Health.failures == 0)


def set_managed(db: Database, mac: str, managed: bool, at: float) -> bool:
    """Say whether hived steers this miner; False when there is no such miner."""
    row = by_mac(db, mac)
    if row is not None:
        change_and_show(db, row.num, at, managed=managed)
    return row is not None


def set_password(db: Database, mac: str, password: str, at: float) -> bool:
    """Give the miner's own password, for where it is; it is tried at once. False: no such miner."""
    row = by_mac(db, mac)
    if row is None:
        return False
    place = row.ip or row.last_ip
    sealed = db.box.seal(password, about(row.mac, "unlock_password"))
    change_and_show(
        db, row.num, at, unlock_password=sealed, unlock_failures=0, unlock_position=0, unlock_not_before=0.0,
        agreed_ip=place, doubted_ip=None if row.doubted_ip == place else row.doubted_ip,
    )  # fmt: skip
    if row.ip is not None:
        commands.ask(db, DISCOVERD, "scan", {"targets": [row.ip], "outside": True}, at)  # it was there before
    return True


def _known(db: Database, row: tuple[Any, ...]) -> KnownMiner:
    found = KnownMiner(*row)
    return replace(
        found,
        access=db.box.open_or_none(found.access, about(found.mac, "api_key")),
        unlock_password=db.box.open_or_none(found.unlock_password, about(found.mac, "unlock_password")),
    )


def _release_address(db: Database, ip: str, mac: str, rev: int, at: float) -> None:
    """Take the address from whoever else held it: that miner is looked for like any other silent one."""
    query = Miner.select(Miner.num).where(Miner.ip == ip, Miner.mac != mac, ~Miner.remote)  # sites share networks
    others = [n for (n,) in tuples(query, db)]
    for num in others:
        change(db, num, at, ip=None)
    if others:
        Health.update(rev=rev).where(Health.num.in_(others)).execute(db)


def _differences(before: KnownMiner, sighting: Sighting) -> list[Event]:
    identity, at, num = sighting.identity, sighting.at, before.num
    found: list[Event] = []
    left = before.ip or before.last_ip
    moved_from = left if left != sighting.ip else None
    if not before.online:
        found.append(_event(num, at, "miner_online", ip=sighting.ip, before=moved_from))
    elif moved_from is not None:
        found.append(_event(num, at, "address_changed", before=moved_from, after=sighting.ip))
    if before.firmware not in (None, sighting.firmware):
        families = {
            "before": f"{before.firmware} {before.firmware_version or ''}".strip(),
            "after": f"{sighting.firmware} {identity.firmware_version or ''}".strip(),
        }
        found.append(_event(num, at, "firmware_changed", **families))
    elif _is_other_version(before, identity):
        found.append(
            _event(num, at, "firmware_changed", before=before.firmware_version, after=identity.firmware_version)
        )
    if rebooted(before.uptime_s, identity.uptime_s):
        found.append(_event(num, at, "reboot", uptime_s=identity.uptime_s))
    return found


def _is_other_version(before: KnownMiner, identity: MinerIdentity) -> bool:
    return None not in (before.firmware_version, identity.firmware_version) and (
        before.firmware_version != identity.firmware_version
    )


UPTIME_SLACK_S = 60.0
"""The firmware tells its uptime in whole minutes."""


def rebooted(uptime_before: float | None, uptime_now: float | None) -> bool:
    """Return whether the control board was started anew between two tellings of its uptime: only then it falls.

    What the clock says meanwhile proves nothing: a box without one of its own sets it by years in the first minute.
    """
    return None not in (uptime_before, uptime_now) and uptime_now + UPTIME_SLACK_S <= uptime_before  # type: ignore[operator]


def _due_again(before: KnownMiner, sighting: Sighting) -> dict[str, Any]:
    """A new address is polled at once; settings are read again when they may have changed while it was away."""
    changes: dict[str, Any] = {}
    moved = not before.online or before.ip != sighting.ip
    if moved:
        changes |= {"next_status_at": 0.0, "next_chips_at": 0.0, "failures": 0}
    anew = rebooted(before.uptime_s, sighting.identity.uptime_s)
    if moved or anew or _is_other_version(before, sighting.identity):
        changes["settings_due_at"] = 0.0
    return changes


def _event(num: int, at: float, kind: str, **detail: Any) -> Event:
    return Event(kind=kind, at=at, num=num, detail={k: v for k, v in detail.items() if v is not None})
