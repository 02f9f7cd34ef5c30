"""Alerts as people look at them: those that are open, each with what it explains, and those that are over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hived.documents import alerts as documents
from hived.documents.alerts import AlertDocument, AlertMemberDocument, WholeAlertDocument
from hived.records.alerts import Alert, Member, Rule
from hived.services.alerts import words
from hived.services.alerts.words import Subject
from hived.store import Database
from hived.store.alerts import alerts, notices, rules

SHOWN = 10
"""Members and explained ones of an alert in a list; that of the alert itself has up to `MOST`."""
MOST = 1000


def open_ones(db: Database, at: float) -> list[AlertDocument]:
    """Return the alerts that are not over: bad ones first, then the newest."""
    found = sorted(alerts.open_ones(db), key=lambda one: (one.severity != "bad", -one.id))
    return _documents(db, found, at)


def over(db: Database, at: float, *, limit: int, before: int | None = None) -> list[AlertDocument]:
    """Return alerts that are over, newest first, those below an id only where one is given."""
    return _documents(db, alerts.listing(db, limit=limit, before=before, is_open=False), at)


def one(db: Database, number: int, at: float) -> WholeAlertDocument:
    """Return an alert whole: with all that is or was in it, and what was told of it. NotFound."""
    alert = alerts.one(db, number)
    told = notices.listing(db, alert=number)
    brought = notices.deliveries(db, notices=[notice.id for notice in told], limit=MOST)
    return {
        **_document(db, alert, at, _rules(db), MOST),
        "told": [
            documents.notice(notice, [one for one in brought if one.notice.id == notice.id]) for notice in told
        ],
    }  # fmt: skip


def _documents(db: Database, found: Sequence[Alert], at: float) -> list[AlertDocument]:
    every = _rules(db) if found else {}
    return [_document(db, alert, at, every, SHOWN) for alert in found]


def _rules(db: Database) -> dict[str, Rule]:
    return {rule.name: rule for rule in rules.listing(db)}


def _document(db: Database, alert: Alert, at: float, every: Mapping[str, Rule], most: int) -> AlertDocument:
    members = alerts.members(db, alert.id, limit=max(MOST, alert.count))
    explained = alerts.explained(db, alert.id, limit=MOST)
    wrong = [one for one in members if one.back_at is None] if alert.ended_at is None else []
    back = [one for one in members if one.back_at is not None or alert.ended_at is not None]
    titles = {name: rule.watched.title for name, rule in every.items() if rule.watched is not None}
    subject = Subject(
        alert, wrong, back, explained, alert.ended_at or at, titles=titles, rule=every.get(alert.rule)
    )  # fmt: skip

    def shown(some: Sequence[Member]) -> list[AlertMemberDocument]:
        return [documents.member(one, titles.get(one.rule, one.rule)) for one in some[:most]]

    return documents.alert(
        alert, at=at, what=words.sentence(subject), where=words.where(subject), next_step=words.step(subject),
        wrong=len(wrong), members=shown([*wrong, *back]), explains=shown(explained), explains_count=len(explained),
    )  # fmt: skip
