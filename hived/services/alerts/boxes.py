"""What is wrong with the boxes: this one, and on a master the nodes."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hived.errors import next_step
from hived.records.alerts import DAY_S, Rule
from hived.records.daemon import APID, alive
from hived.records.host import HostTrouble
from hived.records.miner_view import MinerView
from hived.records.signs import Sign
from hived.services.alerts import judges
from hived.services.alerts.amounts import rate
from hived.services.alerts.findings import Finding
from hived.services.appliance.host_troubles import model_state, stored_troubles
from hived.store import Database, daemon_rows
from hived.store.alerts import outlook
from hived.store.alerts.outlook import NodeRow
from hived.store.collecting import collector

FORGOTTEN_S = 7 * DAY_S
"""A daemon that has not run for so long is not missed any more."""
MOST_TROUBLES = 8
"""Of one node that are looked at."""
_DISK = ("disk_full", "disk_readonly", "not_writable")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database does not know of this box."""

    name: str
    node_id: str | None = None
    troubles: tuple[HostTrouble, ...] = ()
    disk_free_percent: float | None = None
    dashboard: str | None = None
    """Where its own dashboard is, if it has one."""
    has_database: bool = True
    """Whether the database is a file of this box."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What the rules for boxes are asked with."""

    db: Database
    facts: Facts
    nodes: list[NodeRow]
    at: float
    stakes: Mapping[str | None, tuple[int, float]]
    """The miners of each node, and what they should give."""


@dataclass(frozen=True, slots=True)
class _Told:
    """A value of one box, or of one part of it."""

    subject: str
    name: str
    value: float | bool
    what: str = ""
    node_id: str | None = None
    step: str | None = None


def findings(
    db: Database, rules: Iterable[Rule], facts: Facts, at: float, before: Collection[tuple[str, str]],
    stakes: Mapping[str | None, tuple[int, float]],
) -> Iterator[Finding]:  # fmt: skip
    """Yield what is wrong with this box and with the nodes.

    `before`: what was wrong already, by rule and subject. `stakes`: the miners of each node, and what they should give.
    """
    look = _Look(db, facts, outlook.nodes(db), at, stakes)
    for rule in rules:
        sign = rule.watched
        tell = _TELLS.get(rule.sign)
        if sign is None or tell is None:
            continue
        for one in tell(look):
            already = (rule.name, one.subject) in before
            is_wrong = one.value is True or (sign.is_number and rule.is_wrong(one.value, already=already))
            if is_wrong and rule.scope.fits_node(one.node_id or facts.node_id):
                yield _found(rule, sign, one)


def without_status(view: MinerView) -> MinerView:
    """Return a miner without what takes most of its memory."""
    return replace(view, status=None)


def _found(rule: Rule, sign: Sign, told: _Told) -> Finding:
    what = told.what or (judges.number(sign, told.value) if sign.is_number else sign.words)
    return Finding(rule.name, told.subject, "", told.name, what, node_id=told.node_id, step=told.step)


def _dead(look: _Look) -> Iterator[_Told]:
    for node in look.nodes:
        if node.is_dead:
            miners, expected_hs = look.stakes.get(node.node_id, (0, 0.0))
            unknown = f": nobody knows how its {miners} miners are, {rate(expected_hs)}" if miners else ""
            yield _of(node, True, f"silent{unknown}", step=next_step("node_dead", node=node.name))


def _full(look: _Look) -> Iterator[_Told]:
    for node in look.nodes:
        if node.is_full:
            yield _of(node, True, step=next_step("node_full", node=node.name))


def _daemons(look: _Look) -> Iterator[_Told]:
    for row in daemon_rows.daemons(look.db):
        if not alive(row.beat_at, look.at) and look.at - row.beat_at < FORGOTTEN_S:
            step = next_step("daemon_down", daemon=row.name)
            yield _Told(f"box:{row.name}", f"{row.name} on {look.facts.name}", True, "not running", step=step)
    for node in look.nodes:
        told = _health(node).get("daemons")
        if node.is_dead or not isinstance(told, Mapping):
            continue
        for name, how in told.items():
            if isinstance(how, Mapping) and how.get("alive") is False:
                step = f"on {node.name}: " + next_step("daemon_down", daemon=str(name)[:40])
                yield _Told(
                    f"node:{node.node_id}:{str(name)[:40]}", f"{str(name)[:40]} on {node.name}", True, "not running",
                    node.node_id, step,
                )  # fmt: skip


def _disks(look: _Look) -> Iterator[_Told]:
    if look.facts.disk_free_percent is not None:
        yield _own(look, "disk", look.facts.disk_free_percent)
    for node in look.nodes:
        health = _health(node)
        free, total = health.get("disk_free_bytes"), health.get("disk_total_bytes")
        if not node.is_dead and isinstance(free, int | float) and isinstance(total, int | float) and total > 0:
            yield _of(node, 100.0 * free / total)


def _clocks(look: _Look) -> Iterator[_Told]:
    master = outlook.master(look.db)
    if master is not None and master.skew_s is not None:
        yield _own(look, "clock", abs(master.skew_s))
    for node in look.nodes:
        if node.skew_s is not None and not node.is_dead:
            yield _of(node, abs(node.skew_s))


def _disk_troubles(look: _Look) -> Iterator[_Told]:
    return _troubles(look, look.facts.troubles, lambda kind: kind in _DISK)


def _database(look: _Look) -> Iterator[_Told]:
    own = (*look.facts.troubles, *stored_troubles(look.db))
    return _troubles(look, own, lambda kind: kind not in _DISK)


def _troubles(look: _Look, own: Iterable[HostTrouble], wanted: Callable[[str], bool]) -> Iterator[_Told]:
    """Yield what this box and the nodes say of themselves."""
    for one in own:
        if wanted(one.kind):
            yield _own(look, one.kind, True, one.text, one.step)
    for node in look.nodes:
        told = _health(node).get("troubles")
        for trouble in told[:MOST_TROUBLES] if isinstance(told, list) and not node.is_dead else ():
            if isinstance(trouble, Mapping) and wanted(kind := str(trouble.get("kind"))[:40]):
                yield replace(
                    _of(node, True, str(trouble.get("text")), f"on {node.name}: {trouble.get('step')}"),
                    subject=f"node:{node.node_id}:{kind}",
                )  # fmt: skip


def _certificate(look: _Look) -> Iterator[_Told]:
    """Only where hive-apid runs and serves with it."""
    until = daemon_rows.noted(look.db, daemon_rows.CERTIFICATE_UNTIL)
    serves = any(row.name == APID and alive(row.beat_at, look.at) for row in daemon_rows.daemons(look.db))
    if until is not None and serves:
        yield _own(look, "certificate", (until - look.at) / DAY_S)


def _backup(look: _Look) -> Iterator[_Told]:
    """A box that never had a backup is as old as its alerts; a server's database is backed up there.

    A node that never had one is no matter: its master has what it learnt.
    """
    made_at = daemon_rows.noted(look.db, daemon_rows.BACKUP_AT)
    since = made_at if made_at is not None else outlook.first_round(look.db)
    if since is not None and look.facts.has_database and outlook.master(look.db) is None:
        days = (look.at - since) / DAY_S
        yield _own(look, "backup", days, f"{days:.0f} d without a backup")
    for node in look.nodes:
        at = _health(node).get("backup_at")
        if isinstance(at, int | float) and not node.is_dead:
            days = (look.at - at) / DAY_S
            yield _of(node, days, f"{days:.0f} d without a backup")


def _model_server(look: _Look) -> Iterator[_Told]:
    lacks = model_state(collector.state(look.db), daemon_rows.daemons(look.db), look.at)
    if lacks is not None:
        yield _own(look, "model-server", True, lacks)
    for node in look.nodes:
        told = _health(node).get("model_state")
        if isinstance(told, str) and not node.is_dead:
            yield _of(node, True, told)


_TELLS: Mapping[str, Callable[[_Look], Iterator[_Told]]] = {
    "node.dead": _dead, "node.full": _full, "node.daemon_down": _daemons, "node.disk_free_percent": _disks,
    "node.clock_off_s": _clocks, "box.disk": _disk_troubles, "box.database": _database,
    "box.certificate_days": _certificate, "box.backup_days": _backup, "box.model_server": _model_server,
}  # fmt: skip


def _own(look: _Look, part: str, value: float | bool, what: str = "", step: str | None = None) -> _Told:
    return _Told(f"box:{part}", look.facts.name, value, what, step=step)


def _of(node: NodeRow, value: float | bool, what: str = "", step: str | None = None) -> _Told:
    return _Told(f"node:{node.node_id}", node.name, value, what, node.node_id, step)


def _health(node: NodeRow) -> Mapping[str, Any]:
    told = json.loads(node.health)
    return told if isinstance(told, Mapping) else {}
