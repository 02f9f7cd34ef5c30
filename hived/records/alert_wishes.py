"""What people ask of alerts, read strictly: rules, maintenance, quiet hours, snoozing. All refusals are BadRequest."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from hived.errors import BadRequest, Severity
from hived.records import plans
from hived.records.alerts import DAY_S, SEVERITIES, Over, Rule, Scope, Window
from hived.records.commands import switch, word, word_or_none
from hived.records.signs import SIGNS, Sign

T = TypeVar("T")

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
LONGEST_S = 7 * DAY_S
"""Longer than any trouble may last unheard, and than one may be left alone."""
MOST_MINERS = 10_000
MOST_PER_DAY = 100
BEYOND = 1e9
"""No threshold lies there, whatever the unit."""
SCOPE = ("node", "model", "group", "tag")
_RULE = ("name", "sign", "severity", "for_seconds", "clear_seconds", "over", "threshold", "clear", "miners", "scope",
         "per_day", "enabled")  # fmt: skip
TOLD_ONLY = ("title", "of", "unit", "default", "changed_at", "changed_by")
"""What a rule as it is shown has besides: whoever sends back what was read changes nothing by it."""
_OVERS: tuple[Over, ...] = ("over", "under")
_KINDS = ("maintenance", "quiet")


def rule(wish: Any, known: Mapping[str, Rule]) -> Rule:
    """Return a rule as it is to be: what the wish does not say stays as it is, or is as usual for a new one."""
    if not isinstance(wish, Mapping):
        raise BadRequest("rules: expected a list of objects")
    _only("rules: ", wish, (*_RULE, *TOLD_ONLY))
    name = wish.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadRequest("name: a rule's has small letters, digits, - and _, at most 40")
    before = known.get(name)
    start = _new(name, wish) if before is None else before
    if before is not None and wish.get("sign", before.sign) != before.sign:
        raise BadRequest(f"sign: {name} is for {before.sign}; another sign takes a rule of its own")
    wanted = replace(
        start,
        severity=one_of("severity", wish.get("severity", start.severity), SEVERITIES),
        for_s=_seconds("for_seconds", wish.get("for_seconds", start.for_s)),
        clear_s=_seconds("clear_seconds", wish.get("clear_seconds", start.clear_s)),
        over=one_of("over", wish.get("over", start.over), _OVERS),
        miners=_whole("miners", wish.get("miners", start.miners), MOST_MINERS),
        scope=scope(wish["scope"]) if "scope" in wish else start.scope,
        per_day=_whole("per_day", wish.get("per_day", start.per_day), MOST_PER_DAY),
        enabled=switch("enabled", wish.get("enabled", start.enabled)),
    )
    wanted = _with_threshold(wanted, start, wish)
    _require_sense(wanted, before)
    return wanted


def _new(name: str, wish: Mapping[str, Any]) -> Rule:
    sign = wish.get("sign")
    if not isinstance(sign, str) or sign not in SIGNS:
        raise BadRequest(f"{name}: sign: expected one of GET /api/v1/alerts/signs, such as measure.power_w")
    return Rule(name, sign, "warn")


def _with_threshold(wanted: Rule, start: Rule, wish: Mapping[str, Any]) -> Rule:
    """Where only the threshold is moved, `clear` goes with it and keeps its distance."""
    threshold = _number("threshold", wish.get("threshold", start.threshold))
    if "clear" in wish:
        clear = _number("clear", wish["clear"])
    elif None in (start.clear, start.threshold, threshold):
        clear = start.clear
    else:
        clear = start.clear + (threshold - start.threshold)  # type: ignore[operator]
    return replace(wanted, threshold=threshold, clear=clear)


def _require_sense(wanted: Rule, before: Rule | None) -> None:
    sign = wanted.watched
    if sign is None:  # of a newer hived: it can be switched off
        return
    _require_threshold(wanted, sign)
    if wanted.miners > 1 and sign.of != "miner":
        raise BadRequest(f"{wanted.name}: miners: {sign.name} is not told of single miners")
    of_box = not sign.of_miners and sign.of != "site"
    if of_box and wanted.scope.to_json().keys() - {"node"} and (before is None or before.scope != wanted.scope):
        raise BadRequest(f"{wanted.name}: scope: {sign.name} is of a box, which has no model, group and tags")


def _require_threshold(wanted: Rule, sign: Sign) -> None:
    if not sign.is_number:
        if wanted.threshold is not None or wanted.clear is not None:
            raise BadRequest(f"{wanted.name}: threshold: {sign.name} is not a number")
        return
    if wanted.threshold is None:
        raise BadRequest(f"{wanted.name}: threshold: expected a number{_in(sign)}")
    if wanted.clear is None:
        return
    is_back = wanted.clear <= wanted.threshold if wanted.over == "over" else wanted.clear >= wanted.threshold
    if not is_back:
        side = "over" if wanted.over == "over" else "under"
        raise BadRequest(f"{wanted.name}: clear: is {side} the threshold, where it is wrong")


def _in(sign: Sign) -> str:
    return f" in {sign.unit.symbol}" if sign.unit is not None and sign.unit.symbol else ""


def scope(value: Any) -> Scope:
    """Return what something is for."""
    if value is None:
        return Scope()
    if not isinstance(value, Mapping):
        raise BadRequest(f"scope: expected an object with some of {', '.join(SCOPE)}")
    _only("scope: ", value, SCOPE)
    return Scope(**{name: word_or_none(f"scope.{name}", one) for name, one in value.items()})


def window(wish: Mapping[str, Any], now: float, by: str) -> Window:
    """Return maintenance or quiet hours that are asked for as {name, kind?, when, scope?, severity?}."""
    _only("", wish, ("name", "kind", "when", "scope", "severity"))
    kind = one_of("kind", wish.get("kind", "maintenance"), _KINDS)
    name, when = word("name", wish.get("name")), plans.read(wish.get("when"), now)
    if (when.until if when.begins is None else when.ends) is None:
        raise BadRequest("when: has no end: {at, until} or {days, from, to}")
    wanted, severity = scope(wish.get("scope")), one_of("severity", wish.get("severity", "warn"), SEVERITIES)
    if kind == "quiet" and wanted != Scope():
        raise BadRequest("scope: quiet hours are for everything; a part of the site takes maintenance")
    if kind == "maintenance" and "severity" in wish:
        raise BadRequest("severity: maintenance is for every severity; quiet hours are up to one")
    return Window(0, name, "quiet" if kind == "quiet" else "maintenance", when, wanted, severity, by, now)


def until(wish: Mapping[str, Any], now: float) -> float:
    """Return until when a snooze of {seconds} or {until} lasts, at most a week."""
    _only("", wish, ("seconds", "until"))
    if len(wish) != 1:
        raise BadRequest("expected seconds, or until")
    ends = plans.moment("until", wish["until"]) if "until" in wish else now + _seconds("seconds", wish["seconds"])
    if not now < ends <= now + LONGEST_S:
        raise BadRequest(f"a snooze ends within {LONGEST_S / DAY_S:.0f} days")
    return ends


def one_of(name: str, value: Any, choices: Collection[T]) -> T:
    """Return a value that is one of a few words."""
    for choice in choices:
        if type(value) is type(choice) and value == choice:
            return choice
    raise BadRequest(f"{name}: expected one of {', '.join(map(str, choices))}")


def severity(name: str, value: Any) -> Severity:
    """Return a severity that alerts know."""
    return one_of(name, value, SEVERITIES)


def _only(what: str, told: Mapping[str, Any], names: Collection[str]) -> None:
    if unknown := sorted(set(told) - set(names)):
        raise BadRequest(f"{what}expected {', '.join(names)}: {unknown[0][:40]!r} is none of them")


def _seconds(name: str, value: Any) -> float:
    found = _number(name, value)
    if found is None or not 0 <= found <= LONGEST_S:
        raise BadRequest(f"{name}: expected seconds from 0 to {LONGEST_S:.0f}")
    return found


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= BEYOND:
        raise BadRequest(f"{name}: expected a number")
    return float(value)


def _whole(name: str, value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadRequest(f"{name}: expected a whole number from 1 to {most}")
    return value
