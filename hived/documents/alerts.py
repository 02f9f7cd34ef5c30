"""Alerts, their rules, windows and channels as JSON: for the API, the page and hivectl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict

from hived.documents.plans import when
from hived.documents.shared import rfc3339
from hived.errors import Severity
from hived.records.alerts import Alert, Channel, Delivery, Member, Notice, Over, Rule, Told, Window, page_of
from hived.records.outgoing import Answered
from hived.records.plans import What
from hived.records.signs import SIGNS, Of, Sign
from hived.records.units import ths

HOUR_S = 3600.0


class AlertMemberDocument(TypedDict):
    """One thing that is wrong: a miner with its `mac`, else a node, a daemon or a part of a box. `back_at`: no more."""

    name: str
    mac: str | None
    node: str | None
    rule: str
    title: str
    what: str
    since: str | None
    back_at: str | None
    lost_ths: float | None


class AlertDocument(TypedDict):
    """A trouble from its beginning to its end, in words as its notices have them.

    `wrong` of `count` are not back; `lost_ths` is lost now, `lost_th_hours` so far. `quiet`: only its end is told, for
    somebody acknowledged or snoozed it. `explains` is wrong because of it and opens nothing; `members` and `explains`
    hold the first of `count` and `explains_count`. `under`: the alert that turned out to explain this one.
    """

    id: int
    rule: str
    sign: str
    title: str
    severity: Severity
    open: bool
    what: str
    where: str
    since: str | None
    opened_at: str | None
    ended_at: str | None
    wrong: int
    count: int
    lost_ths: float | None
    lost_th_hours: float | None
    next_step: str | None
    quiet: bool
    acknowledged_at: str | None
    acknowledged_by: str | None
    snoozed_until: str | None
    snoozed_by: str | None
    notices: int
    told_at: str | None
    under: int | None
    page: str
    members: list[AlertMemberDocument]
    explains: list[AlertMemberDocument]
    explains_count: int


class DeliveryDocument(TypedDict):
    """How a notice came to a channel. Neither `sent_at` nor `given_up`: it is tried again at `next_try_at`."""

    channel: str
    attempts: int
    sent_at: str | None
    next_try_at: str | None
    given_up: bool


class NoticeDocument(TypedDict):
    """What people were told, and how it came to them."""

    id: int
    told: Told
    severity: Severity
    title: str
    body: str
    at: str | None
    deliveries: list[DeliveryDocument]


class WholeAlertDocument(AlertDocument):
    """An alert with all its members, and what was told of it, the newest first."""

    told: list[NoticeDocument]


class AlertCountsDocument(TypedDict):
    """Open alerts that nobody has acknowledged, by severity."""

    bad: int
    warn: int


class AlertScopeDocument(TypedDict, total=False):
    """What something is for: whatever fits all that is said; {}: everything. `node` is an id."""

    node: str
    model: str
    group: str
    tag: str


class AlertRuleDocument(TypedDict):
    """What it takes to be told of a sign.

    It must last `for_seconds`, and be gone `clear_seconds`; a number is wrong `over` or `under` the `threshold`, and
    well again beyond `clear` (null: the threshold). `miners`: so many at once; `per_day`: notices in a day. `default`:
    it came with hived.
    """

    name: str
    sign: str
    title: str
    of: str
    unit: str | None
    severity: Severity
    for_seconds: float
    clear_seconds: float
    over: Over
    threshold: float | None
    clear: float | None
    miners: int
    scope: AlertScopeDocument
    per_day: int
    enabled: bool
    default: bool
    changed_at: str | None
    changed_by: str | None


class AlertRulesDocument(TypedDict):
    """Those that came with hived first."""

    rules: list[AlertRuleDocument]


class AlertSignDocument(TypedDict):
    """What a rule can watch. `unit` null: it is no number, and takes no threshold; "": it is counted."""

    name: str
    of: Of
    title: str
    words: str
    unit: str | None


class AlertWindowDocument(TypedDict):
    """A time in which nobody is told: of what is in `scope`, or in quiet hours of anything up to `severity`.

    `next`: "begins" or "ends" at `next_at`; null when it is over.
    """

    id: int
    name: str
    kind: Literal["maintenance", "quiet"]
    when: Mapping[str, Any]
    scope: AlertScopeDocument
    severity: Severity
    open: bool
    next: str | None
    next_at: str | None
    by: str
    created_at: str | None


class UndeliveredDocument(TypedDict):
    """A notice that did not arrive. `said`: what was answered, or went wrong. `next_try_at` null: it was given up."""

    title: str
    at: str | None
    attempts: int
    next_try_at: str | None
    said: str | None


class ChannelDocument(TypedDict):
    """A way to people. `url` is masked; `configured`: by the configuration; `least`: what is less goes not there."""

    name: str
    url: str | None
    least: Severity
    enabled: bool
    configured: bool
    created_at: str | None
    by: str | None
    undelivered: list[UndeliveredDocument]


class ChannelTestDocument(TypedDict):
    """What became of a test: `status` of HTTP or SMTP where it came that far, and the beginning of the answer."""

    ok: bool
    status: int | None
    said: str


def alert(
    told: Alert, *, at: float, what: str, where: str, next_step: str | None, wrong: int,
    members: Sequence[AlertMemberDocument], explains: Sequence[AlertMemberDocument], explains_count: int,
) -> AlertDocument:  # fmt: skip
    """Return an alert. `at`: now."""
    is_open, sign = told.ended_at is None, SIGNS.get(told.sign)
    return {
        "id": told.id, "rule": told.rule, "sign": told.sign, "title": sign.title if sign else told.sign,
        "severity": told.severity, "open": is_open, "what": what, "where": where, "since": rfc3339(told.since),
        "opened_at": rfc3339(told.opened_at), "ended_at": rfc3339(told.ended_at), "wrong": wrong, "count": told.count,
        "lost_ths": ths(told.lost_hs if is_open else 0.0),
        "lost_th_hours": ths(told.lost_until(told.ended_at or at) / HOUR_S), "next_step": next_step,
        "quiet": is_open and told.is_quiet(at), "acknowledged_at": rfc3339(told.acknowledged_at),
        "acknowledged_by": told.acknowledged_by, "snoozed_until": rfc3339(told.snoozed_until),
        "snoozed_by": told.snoozed_by, "notices": told.notices, "told_at": rfc3339(told.told_at), "under": told.under,
        "page": page_of(told.id), "members": list(members), "explains": list(explains),
        "explains_count": explains_count,
    }  # fmt: skip


def member(told: Member, title: str) -> AlertMemberDocument:
    """Return one thing that is or was wrong. `title`: of what its rule watches."""
    detail = told.detail
    return {
        "name": told.name, "mac": detail.get("mac"), "node": detail.get("node"), "rule": told.rule, "title": title,
        "what": str(detail.get("what") or title), "since": rfc3339(told.since), "back_at": rfc3339(told.back_at),
        "lost_ths": ths(told.lost_hs),
    }  # fmt: skip


def notice(told: Notice, deliveries: Sequence[Delivery]) -> NoticeDocument:
    """Return what people were told."""
    return {
        "id": told.id, "told": told.told, "severity": told.severity, "title": told.title, "body": told.body,
        "at": rfc3339(told.at), "deliveries": [delivery(one) for one in deliveries],
    }  # fmt: skip


def delivery(told: Delivery) -> DeliveryDocument:
    """Return how a notice came to a channel."""
    return {
        "channel": told.channel, "attempts": told.attempts, "sent_at": rfc3339(told.sent_at),
        "next_try_at": rfc3339(told.next_try), "given_up": told.given_up,
    }  # fmt: skip


def rule(told: Rule) -> AlertRuleDocument:
    """Return a rule."""
    sign = told.watched
    return {
        "name": told.name, "sign": told.sign, "title": sign.title if sign else told.sign,
        "of": sign.of if sign else "unknown", "unit": _unit(sign) if sign else None, "severity": told.severity,
        "for_seconds": told.for_s, "clear_seconds": told.clear_s, "over": told.over, "threshold": told.threshold,
        "clear": told.clear, "miners": told.miners, "scope": _scope(told.scope.to_json()), "per_day": told.per_day,
        "enabled": told.enabled, "default": told.is_default, "changed_at": rfc3339(told.changed_at),
        "changed_by": told.changed_by,
    }  # fmt: skip


def rules(told: Sequence[Rule]) -> AlertRulesDocument:
    """Return rules."""
    return {"rules": [rule(one) for one in told]}


def sign(told: Sign) -> AlertSignDocument:
    """Return what a rule can watch."""
    return {"name": told.name, "of": told.of, "title": told.title, "words": told.words, "unit": _unit(told)}


def window(told: Window, *, is_open: bool, coming: tuple[float, What] | None) -> AlertWindowDocument:
    """Return a window. `coming`: when it begins (do) or ends (back) next."""
    return {
        "id": told.id, "name": told.name, "kind": told.kind, "when": when(told.schedule),
        "scope": _scope(told.scope.to_json()), "severity": told.severity, "open": is_open,
        "next": None if coming is None else "ends" if coming[1] == "back" else "begins",
        "next_at": rfc3339(coming[0]) if coming else None, "by": told.by, "created_at": rfc3339(told.created_at),
    }  # fmt: skip


def channel(told: Channel, undelivered: Sequence[Delivery] = ()) -> ChannelDocument:
    """Return a channel whose URL is masked already."""
    return {
        "name": told.name, "url": told.url, "least": told.least, "enabled": told.enabled,
        "configured": told.configured, "created_at": rfc3339(told.created_at) if told.created_at else None,
        "by": told.by or None, "undelivered": [_undelivered(one) for one in undelivered],
    }  # fmt: skip


def answered(told: Answered) -> ChannelTestDocument:
    """Return what became of a test."""
    return {"ok": told.ok, "status": told.status, "said": told.said}


def _undelivered(told: Delivery) -> UndeliveredDocument:
    return {
        "title": told.notice.title, "at": rfc3339(told.notice.at), "attempts": told.attempts,
        "next_try_at": rfc3339(told.next_try), "said": told.said,
    }  # fmt: skip


def _unit(sign: Sign) -> str | None:
    return None if sign.unit is None else sign.unit.symbol


def _scope(told: Mapping[str, str]) -> AlertScopeDocument:
    found: AlertScopeDocument = {}
    for name in ("node", "model", "group", "tag"):
        if name in told:
            found[name] = told[name]
    return found
