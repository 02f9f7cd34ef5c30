"""Notices in words: what, where, since when, how much is lost, what to do, and where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from hived.errors import next_step
from hived.records.alerts import Alert, Member, Rule, Told, page_of
from hived.records.signs import SIGNS, Sign
from hived.records.times import span
from hived.services.alerts.amounts import PH, amount, rate

MOST_NAMES = 5
"""Miners that are named; of more only the number is told."""
MOST_EXPLAINED = 5
_STARTS: Mapping[Told, str] = {
    "opened": "", "changed": "Changed: ", "repeated": "Still: ", "ended": "Over: ",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is told of one alert."""

    alert: Alert
    wrong: Sequence[Member]
    back: Sequence[Member]
    explained: Sequence[Member]
    at: float
    zone: tzinfo | None = None
    base: str | None = None
    """Where the dashboard is; None: nobody knows."""
    titles: Mapping[str, str] | None = None
    """What the rules are called that something explained was found by."""
    rule: Rule | None = None
    last: bool = False
    """Whether it is the last notice of its rule for today."""

    @property
    def sign(self) -> Sign | None:
        return SIGNS.get(self.alert.sign)

    @property
    def members(self) -> Sequence[Member]:
        return [*self.wrong, *self.back]


def title(told: Told, subject: Subject) -> str:
    """Return a notice in one line."""
    if told == "ended":
        return f"Over: {_ended(subject)}"
    return _STARTS[told] + what(subject)


def what(subject: Subject) -> str:
    """Return what is wrong: "40 miners offline, all at once: group row A", "10.0.0.7: board 2 is dead"."""
    sign, wrong = subject.sign, subject.wrong
    if sign is None:
        return subject.alert.rule
    if len(wrong) == 1:
        return f"{wrong[0].name}: {wrong[0].detail.get('what', sign.words)}"
    if not sign.of_miners:
        return f"{sign.title}: {_names(wrong)}"
    place = _place(subject)
    return _many(subject, sign, len(wrong)) + (f": {place}" if place else "")


def body(told: Told, subject: Subject) -> str:
    """Return a notice whole."""
    alert, lines = subject.alert, [f"What: {_ended(subject) if told == 'ended' else _what_and_back(subject)}"]
    named = subject.members if told == "ended" else subject.wrong
    lines.append(f"Where: {_where(subject, named)}")
    if told != "ended":  # how it was is no news
        lines += [f"  {one.name}: {one.detail['what']}" for one in _telling(subject, named)]
    lines.append(f"Since: {_time(alert.since, subject.zone)} ({span(subject.at - alert.since)} ago)")
    if (lost := _lost(told, subject)) is not None:
        lines.append(f"Lost: {lost}")
    if told != "ended":
        lines.append(f"Next step: {_step(subject)}")
        lines += _explained(subject)
    if subject.last:
        lines.append("This was the last notice of this rule for today; what follows is on the page alone.")
    lines.append(f"More: {link(subject) or f'hivectl alerts show {alert.id}'}")
    return "\n".join(lines)


def link(subject: Subject) -> str | None:
    """Return where an alert is shown."""
    return None if subject.base is None else subject.base.rstrip("/") + page_of(subject.alert.id)


def sentence(subject: Subject) -> str:
    """Return what is wrong; of an alert that is over, how it ended."""
    return what(subject) if subject.alert.ended_at is None else _ended(subject)


def where(subject: Subject) -> str:
    """Return where it is, or of an alert that is over, was."""
    return _where(subject, subject.wrong or subject.back)


def step(subject: Subject) -> str | None:
    """Return what to do about it; None where it is over."""
    return _step(subject) if subject.alert.ended_at is None else None


def _what_and_back(subject: Subject) -> str:
    back = len(subject.back)
    return what(subject) + (f"; {back} of {back + len(subject.wrong)} {_back(subject.sign)}" if back else "")


def _ended(subject: Subject) -> str:
    """Return how it ended: "12 of 12 miners back after 18 min, 0.4 PH·h lost"."""
    alert, sign = subject.alert, subject.sign
    ends = [one.well_at for one in subject.back if one.well_at is not None]
    lasted = span(max(ends, default=subject.at) - alert.since)
    lost = alert.lost_until(subject.at)
    much = f", {amount(lost)} lost" if lost >= PH * 3600 * 0.0005 else ""
    back = len(subject.back)
    if sign is None:
        return f"{alert.rule}, after {lasted}"
    if sign.of_miners and back != 1:
        place = _place(subject)
        what_was = _many(subject, sign, back) + (f", {place}" if place else "")
        return f"{what_was}: {back} of {back} {_back(sign)} after {lasted}{much}"
    return f"{_names(subject.back) or sign.title}: {sign.title.lower()}, well again after {lasted}{much}"


def _back(sign: Sign | None) -> str:
    """Return what is said of those that are well again: only what was away comes back."""
    return "back" if sign is not None and sign.name in ("place.offline", "mark.offline") else "well again"


def _place(subject: Subject) -> str:
    kind, _, name = subject.alert.group.partition(":")
    if kind == "group":
        return f"group {name}"
    nodes = sorted({str(one.detail["node"]) for one in subject.members if one.detail.get("node")})
    if kind == "node":
        return f"node {nodes[0]}" if nodes else "all of this box"
    return f"node {nodes[0]}" if len(nodes) == 1 else f"{len(nodes)} nodes" if nodes else ""


def _where(subject: Subject, members: Sequence[Member]) -> str:
    sign, names = subject.sign, _names(members)
    if sign is not None and not sign.of_miners:
        return names
    return ": ".join(filter(None, (_place(subject), names)))


def _telling(subject: Subject, members: Sequence[Member]) -> list[Member]:
    """Return the members of which each has its own to tell."""
    sign = subject.sign
    if sign is None or len(members) < 2:
        return []
    return [one for one in members if one.detail.get("what") not in (None, sign.words, "offline")][:MOST_NAMES]


def _names(members: Sequence[Member]) -> str:
    names = ", ".join(one.name for one in members[:MOST_NAMES])
    more = len(members) - MOST_NAMES
    return f"{names} and {more} more" if more > 0 else names


def _many(subject: Subject, sign: Sign, number: int) -> str:
    """Return what is wrong with many: "3 miners offline", "3 miners: hottest chip over 95 °C"."""
    if not sign.is_number:
        return f"{number} miners {sign.words}"
    return f"{number} miners: {sign.title.lower()}{_limit(subject.rule, sign)}"


def _limit(rule: Rule | None, sign: Sign) -> str:
    if rule is None or rule.threshold is None or sign.unit is None or not sign.unit.symbol:
        return ""
    return f" {rule.over} {rule.threshold:g} {sign.unit.symbol}"


def _lost(told: Told, subject: Subject) -> str | None:
    alert, so_far = subject.alert, subject.alert.lost_until(subject.at)
    if told == "ended":
        return amount(so_far) if so_far else None
    if not alert.lost_hs and not so_far:
        return None
    return f"{rate(alert.lost_hs)} now, {amount(so_far)} so far"


def _step(subject: Subject) -> str:
    sign = subject.sign
    own = next((str(one.detail["step"]) for one in subject.wrong if one.detail.get("step")), None)
    if own is not None or sign is None:
        return own or "look at the page"
    if sign.code is not None:
        one = subject.wrong[0].name if subject.wrong else "MINER"
        return next_step(sign.code, miner=one if len(subject.wrong) == 1 else "MINER", ip=one)
    return sign.step or "look at the page"


def _explained(subject: Subject) -> list[str]:
    if not subject.explained:
        return []
    named = [
        f"  {one.name}: {one.detail.get('what') or (subject.titles or {}).get(one.rule, one.rule)}"
        for one in subject.explained[:MOST_EXPLAINED]
    ]
    more = len(subject.explained) - MOST_EXPLAINED
    return ["It explains:", *named, *([f"  and {more} more"] if more > 0 else [])]


def _time(at: float, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(at, zone).astimezone(zone).strftime("%Y-%m-%d %H:%M %Z").strip()
