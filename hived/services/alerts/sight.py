"""One look at everything: what is wrong just now, by which rule, and what nobody can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal

from hived.errors import Severity
from hived.records import events as event_words
from hived.records.alerts import ALONE_S, Member, Rule, Window
from hived.records.condition import Condition, Moment, condition
from hived.records.daemon import APID, POLLD, alive
from hived.records.events import Event
from hived.records.miner_view import MinerView
from hived.records.plans import following
from hived.records.pools import GRACE_S, AllowedPool
from hived.records.signs import SIGNS, Sign, explains
from hived.services.alerts import boxes, judges
from hived.services.alerts.boxes import Facts
from hived.services.alerts.findings import Finding, at_once
from hived.store import Database, daemon_rows, node_rows
from hived.store.alerts import alerts, outlook, rules, windows
from hived.store.miners import allowed_pools, views

HOUR_S = 3600.0
Tells = Literal["all", "bad", "none"]
"""What this box tells: all; what is bad, while its master is away; nothing, since its master does."""


@dataclass(slots=True)
class Seen:
    """As much of a miner as is needed once it was judged."""

    mac: str
    name: str
    node_id: str | None
    node_name: str | None
    group: str | None
    view: MinerView
    """Without a status."""
    is_offline: bool
    is_known: bool
    rests: bool
    is_fresh: bool
    tunes: bool
    seen_at: float | None
    expected_hs: float
    rate_hs: float
    limited_hs: float

    @property
    def lost_hs(self) -> float:
        return max(0.0, self.expected_hs - self.rate_hs)


@dataclass(slots=True)
class Sight:
    """What one look found."""

    at: float
    rules: Mapping[str, Rule]
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)
    """By rule and subject."""
    unknown: set[tuple[str, str]] = field(default_factory=set)
    """What is not well, only because nobody can tell."""
    covers: dict[str, set[str]] = field(default_factory=dict)
    """The miners of a node, by "node:ID"."""
    resting: set[str] = field(default_factory=set)
    """Subjects of a rule-and-subject in maintenance, by subject."""
    quiet: Severity | None = None
    """Up to which severity nobody is told just now."""
    tells: Tells = "all"
    event_id: int = 0
    link: str | None = None
    """Where the dashboard is; None for a node alone."""

    def add(self, found: Iterable[Finding]) -> None:
        for one in found:
            self.findings[one.rule, one.subject] = one


def look(db: Database, facts: Facts, status_seconds: float, at: float, zone: tzinfo | None) -> Sight:
    """Return what is wrong now. Reads only."""
    every = {rule.name: rule for rule in rules.listing(db) if rule.enabled and rule.watched is not None}
    present = alerts.present(db)
    plan = windows.listing(db)
    master = outlook.master(db)
    sight = Sight(at, every, quiet=_quiet(plan, at, zone), tells=_tells(master, at))
    beats = {row.name: row.beat_at for row in daemon_rows.daemons(db)}
    if master is not None:
        sight.link = master.url
    elif alive(beats.get(APID), at):
        sight.link = facts.dashboard
    blind = {one.node_id: one.code for one in node_rows.blind(db)}
    moment = Moment(at, status_seconds, alive(beats.get(POLLD), at), blind, allowed_pools.listing(db))
    maintained = [one for one in plan if one.kind == "maintenance" and is_on(one, at, zone)]
    before = {(one.rule, one.subject) for one in present if one.is_told_of and one.well_at is None}
    seen = _miners(db, sight, moment, before, maintained)
    sight.add(_places(sight, seen, present))
    sight.add(_site(db, sight, seen, present))
    happened, sight.event_id = outlook.news(db)
    sight.add(_events(sight, happened, {one.view.num: one for one in seen}))
    sight.add(boxes.findings(db, every.values(), facts, at, before, _stakes(seen)))
    for one in maintained:
        of_boxes = [found for found in sight.findings.values() if found.mac is None]
        sight.resting |= {found.subject for found in of_boxes if one.scope.fits_node(found.node_id)}
    return sight


def is_on(window: Window, at: float, zone: tzinfo | None) -> bool:
    """Tell whether a window is open: what comes next is its end."""
    if window.schedule.begins is None:
        return (window.schedule.at or 0.0) <= at < (window.schedule.until or 0.0)
    coming = following(window.schedule, at, zone)
    return coming is not None and coming[1] == "back"


def _quiet(plan: Iterable[Window], at: float, zone: tzinfo | None) -> Severity | None:
    found = {one.severity for one in plan if one.kind == "quiet" and is_on(one, at, zone)}
    return "bad" if "bad" in found else "warn" if found else None


def _tells(master: outlook.Master | None, at: float) -> Tells:
    if master is None:
        return "all"
    return "none" if master.ok_at is not None and at - master.ok_at < ALONE_S else "bad"


def _miners(
    db: Database, sight: Sight, moment: Moment, before: Collection[tuple[str, str]], maintained: Iterable[Window]
) -> list[Seen]:
    """Judge each miner by each rule. `before`: what was wrong already."""
    ordered, unsteady = outlook.ordered(db, moment.now), outlook.unsteady(db, moment.now - HOUR_S)
    watched = [(rule, rule.watched) for rule in sight.rules.values()]
    by_miner = [(rule, sign) for rule, sign in watched if sign is not None and sign.of == "miner"]
    is_new_list = 0 <= moment.now - allowed_pools.stricter_at(db) < GRACE_S
    seen = []
    for view in views.one_by_one(db):
        how = condition(view, moment)
        one = _seen(view, how, ordered)
        if any(window.scope.fits(view) for window in maintained):
            sight.resting.add(view.mac)
        for rule, sign in by_miner:
            if not rule.scope.fits(view):
                continue
            if one.rests and judges.can_rest(sign, is_offline=one.is_offline):
                sight.unknown.add((rule.name, view.mac))
                continue
            told = judges.value(rule, sign, view, how)
            if sign.name == "miner.unsteady":
                told = float(unsteady.get(view.num, 0))
            already = (rule.name, view.mac) in before
            if told is None or (is_new_list and told is True and sign.name == "mark.foreign" and not already):
                sight.unknown.add((rule.name, view.mac))
            elif told is True or (sign.is_number and rule.is_wrong(told, already=already)):
                sight.add([_of_miner(rule, sign, one, told, view, how, moment.allowed)])
        seen.append(one)
        if view.node_id is not None:
            sight.covers.setdefault(f"node:{view.node_id}", set()).add(view.mac)
    return seen


def _seen(view: MinerView, how: Condition, ordered: outlook.Ordered) -> Seen:
    is_offline = "offline" in how.marks
    excused = ordered.silent if is_offline else ordered.changed  # a new preset takes no miner off the network
    return Seen(
        view.mac, view.name, view.node_id, view.node_name, view.rules.group, boxes.without_status(view),
        is_offline=is_offline, is_known=not how.unseen, rests=judges.rests(view, view.num in excused),
        is_fresh=how.fresh, tunes=view.state == "auto-tuning", seen_at=view.seen_at,
        expected_hs=how.expected_hs or 0.0,
        rate_hs=(view.status.hashrate_hs or 0.0) if view.status is not None and how.fresh else 0.0,
        limited_hs=judges.limited_hs(view) if how.fresh else 0.0,
    )  # fmt: skip


def _of_miner(
    rule: Rule, sign: Sign, one: Seen, told: judges.Value, view: MinerView, how: Condition,
    allowed: tuple[AllowedPool, ...],
) -> Finding:  # fmt: skip
    what = judges.words(sign, told, view, how)
    if sign.name == "mark.foreign":
        what = judges.foreign_words(view, allowed)
    return Finding(
        rule.name, one.mac, _key(rule, one), one.name, what, judges.lost_hs(sign, view, how, allowed), one.mac,
        one.node_id, one.node_name,
    )  # fmt: skip


def _key(rule: Rule, one: Seen) -> str:
    """Return with which others it is told: those of its group; where a rule wants many at once, with all."""
    return f"group:{one.group}" if one.group and rule.miners == 1 else ""


def _places(sight: Sight, seen: list[Seen], present: Iterable[Member]) -> Iterator[Finding]:
    """Yield the miners of every group and node that are all gone at once, each once."""
    for rule in sight.rules.values():
        if rule.sign != "place.offline":
            continue
        sight.unknown |= {(rule.name, one.mac) for one in seen if (one.rests and one.is_offline) or not one.is_known}
        open_keys = {str(one.detail.get("key")) for one in present if one.rule == rule.name and one.back_at is None}
        taken: set[str] = set()
        places: dict[str, list[Seen]] = defaultdict(list)
        for one in seen:
            if not (one.rests and one.is_offline) and one.is_known and rule.scope.fits(one.view):
                if one.group:
                    places[f"group:{one.group}"].append(one)
                places[f"node:{one.node_id or ''}"].append(one)
        for key, members in sorted(places.items(), key=lambda place: (place[0] not in open_keys, -len(place[1]))):
            gone = [one for one in members if one.is_offline]
            if key in open_keys or at_once([one.seen_at for one in gone], len(members)):
                yield from (
                    Finding(
                        rule.name, one.mac, key, one.name, "offline", one.lost_hs, one.mac, one.node_id, one.node_name
                    )
                    for one in gone
                    if one.mac not in taken
                )
                taken |= {one.mac for one in gone}


def _site(db: Database, sight: Sight, seen: list[Seen], present: Iterable[Member]) -> Iterator[Finding]:
    """Yield that the site gives too little, by the miners whose loss no open alert explains."""
    for rule in sight.rules.values():
        sign = rule.watched
        if sign is None or sign.of != "site":
            continue
        reasons = {one.id for one in alerts.open_ones(db) if explains(SIGNS.get(one.sign), sign)}
        explained = {one.subject for one in present if one.alert in reasons and one.back_at is None}
        explained |= {mac for subject in explained for mac in sight.covers.get(subject, ())}
        counted = [
            one
            for one in seen
            if one.is_known and not one.rests and not one.tunes and one.mac not in explained | sight.resting
            and rule.scope.fits(one.view) and (one.is_fresh or one.is_offline)
        ]  # fmt: skip
        sight.covers["site"] = {one.mac for one in counted if one.lost_hs > 0}
        rate, expected = sum(one.rate_hs for one in counted), sum(one.expected_hs - one.limited_hs for one in counted)
        told = judges.percent(rate, expected)
        already = any(one.rule == rule.name and one.is_told_of and one.well_at is None for one in present)
        if told is None:
            sight.unknown.add((rule.name, "site"))
        elif rule.is_wrong(told, already=already):
            yield Finding(rule.name, "site", "", "the site", judges.number(sign, told), max(0.0, expected - rate))


def _stakes(seen: Iterable[Seen]) -> dict[str | None, tuple[int, float]]:
    """Return the miners of each node, and what they should give."""
    found: dict[str | None, tuple[int, float]] = defaultdict(lambda: (0, 0.0))
    for one in seen:
        miners, expected = found[one.node_id]
        found[one.node_id] = (miners + 1, expected + one.expected_hs)
    return found


def _events(sight: Sight, happened: Iterable[Event], seen: Mapping[int, Seen]) -> Iterator[Finding]:
    """Yield what has happened since the last look."""
    by_kind = defaultdict(list)
    for rule in sight.rules.values():
        if rule.watched is not None and rule.watched.is_event:
            by_kind[rule.sign.removeprefix("event.")].append(rule)
    for event in happened:
        one = seen.get(event.num) if event.num is not None else None
        for rule in by_kind.get(event.kind, ()):
            if rule.scope.fits(one.view) if one else rule.scope.fits_node(event.node_id):
                name = one.name if one else event_words.who(event, None)
                yield Finding(
                    rule.name, event.mac or f"node:{event.node_id or ''}", _key(rule, one) if one else "", name,
                    event_words.sentence(event), 0.0, event.mac, event.node_id if one is None else one.node_id,
                    event.node_name if one is None else one.node_name, happened_at=min(event.at, sight.at),
                )  # fmt: skip
