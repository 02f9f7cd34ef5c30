"""The rules of alerts as an admin changes them, each with its audit row."""

from __future__ import annotations

from typing import Any

from hived.errors import BadRequest
from hived.records import alert_wishes
from hived.records.access import By
from hived.records.alerts import Rule
from hived.store import Database, audit
from hived.store.alerts import rules

_TOLD = ("sign", "severity", "for_s", "clear_s", "over", "threshold", "clear", "miners", "per_day", "enabled")


def change(db: Database, wishes: Any, by: By) -> list[Rule]:
    """Change rules, and make those that are not there yet: all of them or none. Return them. BadRequest says why not.

    A rule that is not named stays as it is.
    """
    if not isinstance(wishes, list) or not 1 <= len(wishes) <= rules.MAX_RULES:
        raise BadRequest(f"rules: expected a list of 1 to {rules.MAX_RULES} rules")
    known = {rule.name: rule for rule in rules.listing(db)}
    wanted = [alert_wishes.rule(wish, known) for wish in wishes]
    names = [rule.name for rule in wanted]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise BadRequest(f"rules: {twice} is named twice")
    return [_put(db, known.get(rule.name), rule, by) for rule in wanted]


def _put(db: Database, before: Rule | None, wanted: Rule, by: By) -> Rule:
    if wanted == before:
        return before
    after = rules.changed(wanted, by=by["who"], at=by["at"])
    rules.put(db, after)
    was, now = {} if before is None else _words(before), _words(after)
    told = {name: value for name, value in now.items() if name not in was or was[name] != value}
    audit.note(
        db, **by, action="rule.add" if before is None else "rule.change", target=after.name,
        before={name: was[name] for name in told} if was else None, after=told,
    )  # fmt: skip
    return after


def remove(db: Database, name: str, by: By) -> Rule | None:
    """Take an own rule away; make one that came with hived what it was at first, and return it. NotFound."""
    before = rules.one(db, name)
    if not before.is_default:
        rules.remove(db, name)
        audit.note(db, **by, action="rule.remove", target=name, before=_words(before))
        return None
    found = rules.reset(db, name)
    audit.note(db, **by, action="rule.reset", target=name, before=_words(before), after=_words(found))
    return found


def _words(rule: Rule) -> dict[str, Any]:
    return {name: getattr(rule, name) for name in _TOLD} | {"scope": rule.scope.to_json()}
