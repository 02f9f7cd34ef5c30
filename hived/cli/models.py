"""`hivectl models`: what the site's miners are made of, and how far hived may drive them."""

from __future__ import annotations

import difflib

from hived.cli.context import CommandContext
from hived.cli.output.tables import Column, draw
from hived.cli.output.text import UNKNOWN, clean, number, terahash
from hived.documents import miners as documents
from hived.errors import NotFound
from hived.records.miner_view import ModelView
from hived.services.miners import steering
from hived.store import Database
from hived.store.miners import models

COLUMNS = (
    Column("MODEL"),
    Column("NAME", leaves=1, least=10),
    Column("MINERS", right=True),
    Column("BOARDS", right=True, leaves=3),
    Column("CHIPS", right=True, leaves=4),
    Column("PRESETS", right=True, leaves=2),
    Column("LOWEST", leaves=5),
    Column("HIGHEST"),
    Column("MAX PRESET"),
    Column("FIRMWARE", leaves=6, least=8),
)


async def list_models(context: CommandContext) -> int:
    """Print a line for each model."""
    async with context.store() as store:
        found = await store.read(models.views)
    if context.json:
        context.screen.document([documents.model(one) for one in found])
    elif found:
        draw(context.screen, COLUMNS, [_row(one) for one in found])
    else:
        context.note("no model is known yet: they come with the first miner, see `hivectl status`")
    return 0


async def change(context: CommandContext) -> int:
    """Set or remove a model's highest preset."""
    name = None if context.args.no_max_preset else context.args.max_preset
    async with context.store() as store:
        alias = await store.read(_alias, context.args.alias)
        after = await store.write(steering.set_max_preset, alias, name, context.by())
    assert after is not None
    if context.json:
        context.screen.document(documents.model(after))
    elif after.max_preset is None:
        context.screen.say(f"{clean(alias)}: no limit of ours")
    else:
        context.screen.say(f"{clean(alias)}: at most preset {clean(_step(after, after.max_preset))}")
    return 0


def _alias(db: Database, text: str) -> str:
    """Return the alias meant, by alias or full name in any case. NotFound names near matches."""
    names = {name.lower(): one.alias for one in models.views(db) for name in (one.alias, one.name) if name}
    if text.lower() in names:
        return names[text.lower()]
    near = difflib.get_close_matches(text.lower()[:80], list(names), n=3)
    known = ", ".join(dict.fromkeys(names[one] for one in near)) if near else ""
    everyone = ", ".join(sorted(set(names.values()))) or "none yet"
    hint = f"did you mean {known}?" if known else f"known are: {everyone}"
    raise NotFound(f"there is no model {text!r}, {hint}")


def _row(one: ModelView) -> list[str]:
    rated = [p for p in one.presets if p.get("power_w") is not None]
    return [
        one.alias,
        one.name or UNKNOWN,
        number(one.miners),
        number(one.chains),
        number(one.chips_per_chain),
        number(len(one.presets)) if one.presets else UNKNOWN,
        _step(one, rated[0]["name"]) if rated else UNKNOWN,
        _step(one, rated[-1]["name"]) if rated else UNKNOWN,
        one.max_preset or UNKNOWN,
        ", ".join(one.firmware_versions) or UNKNOWN,
    ]


def _step(one: ModelView, name: str) -> str:
    """Return a preset as "3080 (3,080 W, 104.0 TH/s)"."""
    preset = next((p for p in one.presets if p["name"] == name), {})
    told = [f"{number(preset['power_w'])} W"] if preset.get("power_w") is not None else []
    told += [f"{terahash(preset['hashrate_hs'])} TH/s"] if preset.get("hashrate_hs") is not None else []
    return f"{name} ({', '.join(told)})" if told else str(name)
