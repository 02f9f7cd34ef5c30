"""The rules of alerts: those that came with hived and the operator's own, a row each."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

from hived.errors import BadRequest, Conflict, NotFound
from hived.records.alerts import DEFAULTS, Rule, Scope
from hived.store.engine.database import Database, dicts
from hived.store.schema import AlertRule as Row

MAX_RULES = 200


def install(db: Database) -> None:
    """Bring the rules that nobody changed up to what this hived begins with, and add what is new."""
    known = {rule.name: rule for rule in _stored(db)}
    for rule in DEFAULTS.values():
        if rule.name not in known or (known[rule.name].changed_at is None and known[rule.name] != rule):
            put(db, rule)


def listing(db: Database) -> list[Rule]:
    """Return all rules: those of every installation in their order, then the operator's by name."""
    known = {rule.name: rule for rule in _stored(db)}
    return [known.pop(rule.name, rule) for rule in DEFAULTS.values()] + [known[name] for name in sorted(known)]


def one(db: Database, name: str) -> Rule:
    """Return a rule; NotFound."""
    found = next((rule for rule in listing(db) if rule.name == name), None)
    if found is None:
        raise NotFound(f"there is no rule {name[:40]!r}")
    return found


def put(db: Database, rule: Rule) -> None:
    """Store a rule under its name. BadRequest for one too many."""
    fields = asdict(rule) | {"scope": json.dumps(rule.scope.to_json())}
    if Row.select().bind(db).count() >= MAX_RULES and not dicts(Row.select().where(Row.name == rule.name), db):
        raise BadRequest(f"there are {MAX_RULES} rules already")
    Row.insert(fields).on_conflict(conflict_target=[Row.name], update=fields).execute(db)


def remove(db: Database, name: str) -> Rule:
    """Take an own rule away and return it. NotFound; Conflict for one that came with hived: switch it off."""
    found = one(db, name)
    if found.is_default:
        raise Conflict(f"{name} came with hived: it can be switched off")
    Row.delete().where(Row.name == name).execute(db)
    return found


def reset(db: Database, name: str) -> Rule:
    """Make a rule that came with hived what it was at first, and return it. NotFound for another."""
    if name not in DEFAULTS:
        raise NotFound(f"{name[:40]!r} did not come with hived")
    put(db, DEFAULTS[name])
    return DEFAULTS[name]


def changed(rule: Rule, *, by: str, at: float, **fields: Any) -> Rule:
    """Return a rule with other fields, and who changed them."""
    return replace(rule, **fields, changed_by=by[:200], changed_at=at)


def _stored(db: Database) -> list[Rule]:
    return [
        Rule(**row | {"scope": Scope(**json.loads(row["scope"])), "enabled": bool(row["enabled"])})
        for row in dicts(Row.select(), db)
    ]
