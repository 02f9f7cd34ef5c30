"""From what is wrong to alerts: what lasts opens one, what an open one explains goes under it, what is well ends it.

All that is remembered from round to round is in the rows of members and alerts, and a round is one transaction: an
engine that was killed goes on where the rows say.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import replace
from typing import Any

from hived.records.alerts import Alert, Member, Rule
from hived.records.signs import SIGNS, Sign, explains
from hived.services.alerts.findings import Finding
from hived.services.alerts.sight import Sight
from hived.store import Database
from hived.store.alerts import alerts

NOTEWORTHY = 0.1
"""A member's loss that changed by this share is written anew."""


class Round:
    """One round of the engine over the rows, inside one transaction."""

    def __init__(self, db: Database, sight: Sight, *, jumped: bool = False) -> None:
        self._db, self._sight, self._at = db, sight, sight.at
        self._jumped = jumped
        """Whether the clock was set since the last round: no duration can be told then."""
        self.open: dict[int, Alert] = {one.id: one for one in alerts.open_ones(db)}
        self.members: dict[tuple[str, str], Member] = {}
        self.back: dict[int, list[Member]] = defaultdict(list)
        """What came back in each open alert."""
        self.ended: list[Alert] = []
        self._size: Counter[int] = Counter()
        """So many are wrong in each open alert."""
        self._dirty: dict[int, Member] = {}
        self._changed: dict[int, dict[str, Any]] = defaultdict(dict)
        for one in alerts.present(db):
            if one.back_at is None:
                self.members[one.rule, one.subject] = one
            elif one.alert is not None:
                self.back[one.alert].append(one)
            self._size.update([one.alert] if one.alert is not None and one.back_at is None else [])

    def settle(self) -> None:
        """Take over what is wrong and what is well, explain, open and end."""
        if self._jumped:
            for number in self.open:
                self.change(number, lost_at=self._at)
        self._take()
        self._explain()
        self._open()
        self._end()

    def write(self) -> None:
        """Write what changed."""
        for member in self._dirty.values():
            alerts.save_member(self._db, member)
        for number, fields in self._changed.items():
            alerts.save(self._db, number, fields)
        self._dirty, self._changed = {}, defaultdict(dict)

    # -- what is wrong, and what is well again -------------------------------------------------------------------------

    def _take(self) -> None:
        fresh = []
        for key, found in self._sight.findings.items():
            member = self.members.get(key)
            if member is None:
                if found.subject not in self._sight.resting:
                    fresh.append(self._new(found))
            elif found.happened_at is not None:
                self._save(replace(member, well_at=max(member.well_at or 0.0, found.happened_at), detail=found.detail))
            else:
                self._still(member, found)
        for member in alerts.add_members(self._db, fresh):
            self.members[member.rule, member.subject] = member
        gone = [self._well(one) for key, one in list(self.members.items()) if key not in self._sight.findings]
        alerts.drop_members(self._db, [number for number in gone if number is not None])

    def _new(self, found: Finding) -> Member:
        since = self._at if found.happened_at is None else found.happened_at
        return Member(0, found.rule, found.subject, since, found.happened_at, detail=found.detail)

    def _still(self, member: Member, found: Finding) -> None:
        is_pending = not member.is_told_of
        since = self._at if is_pending and (self._jumped or member.since > self._at) else member.since
        detail = found.detail if _is_news(member, found) else member.detail
        self._save(replace(member, since=since, well_at=None, detail=detail))

    def _well(self, member: Member) -> int | None:
        """Take over that something is not wrong now; return its number when it is to be forgotten."""
        rule = self._sight.rules.get(member.rule)
        if rule is not None and member.is_told_of and self._is_unclear(member):
            return None
        if not member.is_told_of and not _happened(member):
            return self._drop(member)
        if rule is not None and member.well_at is None:
            self._save(replace(member, well_at=self._at))
        elif rule is None or not 0 <= self._at - (member.well_at or 0.0) < rule.clear_s:
            number = self._drop(member)
            if member.alert is None:
                return number
            came_back = replace(member, back_at=self._at, well_at=member.well_at or self._at)
            self._dirty[number] = came_back
            self.back[member.alert].append(came_back)
        return None

    def _drop(self, member: Member) -> int:
        """Count it as wrong no more, and return its number."""
        del self.members[member.rule, member.subject]
        self._dirty.pop(member.id, None)
        if member.alert is not None:
            self._size[member.alert] -= 1
        return member.id

    def _is_unclear(self, member: Member) -> bool:
        """Whether nobody can tell how it is, or nobody is to look at it just now."""
        return (member.rule, member.subject) in self._sight.unknown or member.subject in self._sight.resting

    # -- cause before consequence --------------------------------------------------------------------------------------

    def _explain(self) -> None:
        causes = self._causes()
        for member in list(self.members.values()):
            sign = SIGNS.get(self._sight.rules[member.rule].sign) if member.rule in self._sight.rules else None
            subject = member.subject
            found = [
                number for number, cause in causes.get(subject, ()) if number != member.alert and explains(cause, sign)
            ]
            if found and member.under not in found:
                self._go_under(member, min(found))
            elif not found and member.under is not None and member.well_at is not None:
                alerts.drop_members(self._db, [self._drop(member)])  # it happened, and was told with its cause
            elif not found and member.under is not None:
                self._save(replace(member, under=None, since=self._at))

    def _causes(self) -> dict[str, list[tuple[int, Sign]]]:
        """Return the open alerts that each miner is in, or its node is."""
        found: dict[str, list[tuple[int, Sign]]] = defaultdict(list)
        for member in self.members.values():
            alert = self.open.get(member.alert) if member.alert is not None else None
            sign = SIGNS.get(alert.sign) if alert is not None else None
            if alert is None or sign is None or sign.chain is None:
                continue
            for subject in (member.subject, *self._sight.covers.get(member.subject, ())):
                found[subject].append((alert.id, sign))
        return found

    def _go_under(self, member: Member, cause: int) -> None:
        left = member.alert
        self._save(replace(member, alert=None, under=cause))
        if left is not None and left in self.open and not self._size[left]:
            self._close(replace(self.open[left], under=cause))

    # -- opening -------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        waits = self._waits()
        for name in sorted({member.rule for member in self.members.values()}, key=self._rank):
            rule = self._sight.rules.get(name)
            if rule is not None and self._open_by(rule, waits):
                self._explain()  # before its consequences open alerts of their own

    def _open_by(self, rule: Rule, waits: dict[str, list[tuple[Sign, float]]]) -> bool:
        """Let what lasted long enough by one rule join its alert; tell whether one was opened."""
        members = [one for one in self.members.values() if one.rule == rule.name]
        ripe = [one for one in members if not one.is_told_of and self._is_ripe(one, rule, waits)]
        is_enough = len(ripe) + sum(one.alert is not None for one in members) >= rule.miners
        known = {alert.group: alert.id for alert in self.open.values() if alert.rule == rule.name}
        before = len(self.open)
        for member in ripe:
            number = known.get(member.key)
            if number is None and is_enough:
                number = known[member.key] = self._new_alert(rule, member)
            if number is not None:
                self._join(member, number)
        return len(self.open) > before

    def _rank(self, name: str) -> int:
        rule = self._sight.rules.get(name)
        return rule.watched.rank if rule is not None and rule.watched is not None else 0

    def _waits(self) -> dict[str, list[tuple[Sign, float]]]:
        """Return what is about to be a cause of each miner's troubles, and how long that takes."""
        found: dict[str, list[tuple[Sign, float]]] = defaultdict(list)
        for member in self.members.values():
            rule = self._sight.rules.get(member.rule)
            if rule is not None and rule.watched is not None and rule.watched.chain and not member.is_told_of:
                found[member.subject].append((rule.watched, rule.for_s))
        return found

    def _is_ripe(self, member: Member, rule: Rule, waits: dict[str, list[tuple[Sign, float]]]) -> bool:
        """Tell whether it lasted long enough; a little more where its cause is about to be told."""
        if member.subject in self._sight.resting:
            return False
        causes = [for_s for sign, for_s in waits.get(member.subject, ()) if explains(sign, rule.watched)]
        return self._at - member.since >= rule.for_s + max(causes, default=0.0) or _happened(member)

    def _new_alert(self, rule: Rule, member: Member) -> int:
        alert = Alert(
            0, rule.name, rule.sign, member.key, rule.severity, member.since, self._at, lost_at=self._at,
        )  # fmt: skip
        number = alerts.add(self._db, alert)
        self.open[number] = replace(alert, id=number)
        return number

    def _join(self, member: Member, number: int) -> None:
        self._save(replace(member, alert=number))
        alert = self.open[number]
        self.change(
            number, count=alert.count + 1, most=max(alert.most, self._size[number]),
            since=min(alert.since, member.since),
            lost_hss=alert.lost_hss + member.lost_hs * max(0.0, self._at - member.since),
        )  # fmt: skip

    # -- ending --------------------------------------------------------------------------------------------------------

    def _end(self) -> None:
        losing: dict[int, float] = dict.fromkeys(self.open, 0.0)
        there: set[int] = set()
        for key, member in self.members.items():
            if member.alert in losing:
                there.add(member.alert)
                found = self._sight.findings.get(key)
                losing[member.alert] += found.lost_hs if found else 0.0 if member.well_at else member.lost_hs
        for number, alert in list(self.open.items()):
            if abs(losing[number] - alert.lost_hs) > NOTEWORTHY * max(losing[number], alert.lost_hs):
                alert = self.change(
                    number, lost_hss=alert.lost_until(self._at), lost_at=self._at, lost_hs=losing[number]
                )  # fmt: skip
            if number not in there:
                self._close(alert)

    def _close(self, alert: Alert) -> None:
        over = self.change(
            alert.id, ended_at=self._at, under=alert.under, lost_hss=alert.lost_until(self._at), lost_at=self._at,
            lost_hs=0.0,
        )  # fmt: skip
        del self.open[alert.id]
        self.ended.append(over)

    # -- rows ----------------------------------------------------------------------------------------------------------

    def _save(self, member: Member) -> None:
        before = self.members[member.rule, member.subject]
        if before == member:
            return
        if before.alert != member.alert:
            self._size.update([member.alert] if member.alert is not None else [])
            self._size.subtract([before.alert] if before.alert is not None else [])
        self.members[member.rule, member.subject] = member
        self._dirty[member.id] = member

    def change(self, number: int, **fields: Any) -> Alert:
        """Change columns of an open alert."""
        self.open[number] = replace(self.open[number], **fields)
        self._changed[number] |= fields
        return self.open[number]

    def of(self, number: int) -> list[Member]:
        """Return what is wrong in an alert."""
        return [one for one in self.members.values() if one.alert == number]

    def under(self, number: int) -> list[Member]:
        """Return what an alert explains."""
        return [one for one in self.members.values() if one.under == number]


def _happened(member: Member) -> bool:
    """Whether it is an event: only those are over before they are of an alert."""
    return member.well_at is not None and not member.is_told_of


def _is_news(member: Member, found: Finding) -> bool:
    """Tell whether what is known of it changed by more than numbers that always change a little."""
    before, now = member.lost_hs, found.lost_hs
    text = str(member.detail.get("what", ""))
    return _bare(text) != _bare(found.what) or abs(now - before) > NOTEWORTHY * max(now, before)


def _bare(text: str) -> str:
    return re.sub(r"\d+([.,]\d+)?", "#", text)
