"""`hivectl alerts rules`, `signs`, `set` and `reset`: what it takes to be told of something."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hived.cli.alerts import severity
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import span
from hived.documents import alerts as documents
from hived.documents.alerts import AlertRuleDocument
from hived.errors import BadRequest
from hived.records.signs import SIGNS
from hived.services.alerts import rules
from hived.store.alerts import rules as rows

_OPTIONS = {
    "sign": "sign", "severity": "severity", "clear": "clear", "for": "for_seconds", "clear_for": "clear_seconds",
    "miners": "miners", "per_day": "per_day",
}  # fmt: skip
"""Arguments, and what they are called in a rule."""


def scope_words(scope: Mapping[str, Any]) -> str:
    """Return what something is for."""
    return ", ".join(f"{name} {value}" for name, value in scope.items()) or "everywhere"


def _when(rule: AlertRuleDocument) -> str:
    parts = []
    if rule["threshold"] is not None:
        unit = f" {rule['unit']}" if rule["unit"] else ""
        clear = "" if rule["clear"] in (None, rule["threshold"]) else f", well again at {rule['clear']:g}{unit}"
        parts.append(f"{rule['over']} {rule['threshold']:g}{unit}{clear}")
    if rule["miners"] > 1:
        parts.append(f"{rule['miners']} miners or more")
    return ", ".join(parts)


RULES = (
    Column("RULE", lambda rule, _: rule["name"], least=12),
    Column("IS", lambda rule, _: severity(rule["severity"]) if rule["enabled"] else Cell("off", "dim")),
    Column("WATCHES", lambda rule, _: rule["title"], least=16),
    Column("WHEN", lambda rule, _: _when(rule), least=12),
    Column("FOR", lambda rule, _: span(rule["for_seconds"]) if rule["for_seconds"] else "at once", right=True),
    Column("WHERE", lambda rule, _: scope_words(rule["scope"]), leaves=1),
    Column("A DAY", lambda rule, _: str(rule["per_day"]), right=True, leaves=2),
    Column("CHANGED", lambda rule, _: rule["changed_by"] and f"by {rule['changed_by']}", leaves=3),
)
_SIGNS = (
    Column("SIGN", lambda sign, _: sign["name"]),
    Column("UNIT", lambda sign, _: None if sign["unit"] is None else sign["unit"] or "count"),
    Column("OF", lambda sign, _: sign["of"]),
    Column("WHAT", lambda sign, _: sign["title"], least=16),
)


async def list_rules(context: CommandContext) -> int:
    """Print a line for each rule."""
    async with context.store() as store:
        found = documents.rules(await store.read(rows.listing))
    if context.json:
        context.screen.document(found)
        return 0
    return context.listed(found["rules"], lambda rule: rule, RULES, "there is no rule")


async def list_signs(context: CommandContext) -> int:
    """Print a line for each thing that a rule can watch."""
    return context.listed([documents.sign(one) for one in SIGNS.values()], lambda sign: sign, _SIGNS, "")


async def change(context: CommandContext) -> int:
    """Change a rule, or make one. WrongUsage for what makes none."""
    wish = _wish(context)
    async with context.store() as store:
        try:
            (changed,) = await store.write(rules.change, [wish], context.by())
        except BadRequest as err:
            raise WrongUsage(str(err)) from err
    told = documents.rule(changed)
    state = f"{_when(told) or told['title'].lower()}, {scope_words(told['scope'])}" if changed.enabled else "off"
    return context.answer(told, f"{changed.name} ({changed.severity}): {state}")


def _wish(context: CommandContext) -> dict[str, Any]:
    args = vars(context.args)
    wish: dict[str, Any] = {name: args[option] for option, name in _OPTIONS.items() if args[option] is not None}
    for side in ("over", "under"):
        if args[side] is not None:
            wish |= {"over": side, "threshold": args[side]}
    if args["on"] or args["off"]:
        wish["enabled"] = args["on"]
    scope = scope_of(context)
    if scope or args["everywhere"]:
        wish["scope"] = scope
    if not wish:
        raise WrongUsage("nothing to change: see `hivectl alerts set --help`")
    return {"name": context.args.rule, **wish}


def scope_of(context: CommandContext) -> dict[str, str]:
    """Return what the options say that something is only for."""
    args = vars(context.args)
    return {name: args[name] for name in ("node", "model", "group", "tag") if args[name] is not None}


async def reset(context: CommandContext) -> int:
    """Make a rule as it came, or take one's own away."""
    async with context.store() as store:
        found = await store.write(rules.remove, context.args.rule, context.by())
    words = f"{context.args.rule} is " + ("removed" if found is None else "as it came with hived")
    return context.answer(None if found is None else documents.rule(found), words)
