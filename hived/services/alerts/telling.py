"""When people are told: once when it opens, sparingly while it lasts, once when it is over."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import tzinfo

from hived.records.alerts import CHANGED_S, DAY_S, REPEATED_S, SEVERITIES, Alert, Member, Notice, Told
from hived.records.signs import SIGNS
from hived.services.alerts import words
from hived.services.alerts.settle import Round
from hived.services.alerts.sight import Sight
from hived.services.alerts.words import Subject
from hived.store import Database
from hived.store.alerts import alerts, notices
from hived.store.engine.epoch import epoch

FEWER = 0.5
"""It is news when no more than this share of what was wrong still is."""
WORTH = 3
"""Where fewer come back, the end is soon enough."""


class Telling:
    """Writes the notices of one round."""

    def __init__(self, db: Database, sight: Sight, this: Round, *, zone: tzinfo | None = None) -> None:
        self._db, self._sight, self._round, self._zone = db, sight, this, zone
        self._at = sight.at
        self._told = notices.told_since(db, self._at - DAY_S)
        self._epoch = epoch(db)[:8]

    def tell(self) -> None:
        """Write what is to be told now."""
        for alert in list(self._round.open.values()):
            told = self._due(alert)
            if told is not None and self._may(alert):
                self._write(alert, told)
        for alert in self._round.ended:
            if alert.under is None:
                self._over(alert)
        for alert in alerts.owed(self._db, self._at - DAY_S):
            if not self._is_held(alert):
                self._write(alert, "ended")
                alerts.save(self._db, alert.id, {"owed": False})

    def _due(self, alert: Alert) -> Told | None:
        if alert.is_quiet(self._at) or self._rests(alert):
            return None
        if alert.told_at is None:
            return "opened"
        since = self._at - alert.told_at
        wrong = len(self._round.of(alert.id))
        is_less = wrong <= FEWER * alert.told_open and alert.told_open - wrong >= WORTH
        if (alert.count > alert.told_count or is_less) and since >= CHANGED_S:
            return "changed"
        return "repeated" if since >= REPEATED_S else None

    def _may(self, alert: Alert) -> bool:
        """Tell whether this box tells it, now, and has not told enough of this rule today."""
        rule = self._sight.rules.get(alert.rule)
        is_ours = self._sight.tells == "all" or (self._sight.tells == "bad" and alert.severity == "bad")
        return is_ours and not self._is_held(alert) and self._told.get(alert.rule, 0) < (rule.per_day if rule else 1)

    def _is_held(self, alert: Alert) -> bool:
        quiet = self._sight.quiet
        return quiet is not None and SEVERITIES.index(alert.severity) <= SEVERITIES.index(quiet)

    def _rests(self, alert: Alert) -> bool:
        wrong = self._round.of(alert.id)
        sight = self._sight
        return bool(wrong) and all(
            one.subject in sight.resting or (one.rule, one.subject) in sight.unknown for one in wrong
        )

    def _over(self, alert: Alert) -> None:
        """Tell the end of what was told; of what began and ended in quiet hours later, in one."""
        if _is_event(alert):
            return
        is_unheard = alert.told_at is None and self._sight.tells == "all" and self._is_held(alert)
        if is_unheard or (alert.told_at is not None and self._is_held(alert)):
            alerts.save(self._db, alert.id, {"owed": True})
        elif alert.told_at is not None:
            self._write(alert, "ended")

    def _write(self, alert: Alert, told: Told) -> None:
        subject = self._subject(alert, told)
        notices.add(
            self._db,
            Notice(
                0, f"{self._epoch}-{alert.id}-{alert.notices + 1}", alert.id, alert.rule, told, alert.severity,
                words.title(told, subject), words.body(told, subject), words.link(subject), self._at,
            ),
        )  # fmt: skip
        fields = {
            "told_at": self._at, "told_count": alert.count, "told_open": len(subject.wrong),
            "notices": alert.notices + 1,
        }  # fmt: skip
        if alert.id in self._round.open:
            self._round.change(alert.id, **fields)
        else:
            alerts.save(self._db, alert.id, fields)
        if told != "ended":
            self._told[alert.rule] = self._told.get(alert.rule, 0) + 1

    def _subject(self, alert: Alert, told: Told) -> Subject:
        rule = self._sight.rules.get(alert.rule)
        last = told != "ended" and rule is not None and self._told.get(alert.rule, 0) + 1 >= rule.per_day
        if alert.id in self._round.open:
            wrong, back = self._round.of(alert.id), self._round.back.get(alert.id, [])
        else:
            wrong, back = [], alerts.members(self._db, alert.id)
        explained = [] if told == "ended" else self._round.under(alert.id)
        titles = {name: one.watched.title.lower() for name, one in self._sight.rules.items() if one.watched}
        return Subject(
            alert, wrong, back, _once(explained, alert), alert.ended_at or self._at, self._zone, self._sight.link,
            titles, rule, last,
        )  # fmt: skip


def _once(explained: Iterable[Member], alert: Alert) -> list[Member]:
    """Leave out that a miner is offline where that is the trouble itself."""
    return [one for one in explained if not (alert.sign == "place.offline" and one.detail.get("what") == "offline")]


def _is_event(alert: Alert) -> bool:
    sign = SIGNS.get(alert.sign)
    return sign is not None and sign.is_event
