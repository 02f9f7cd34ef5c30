"""`hivectl models`: what the site's miners are made of, and how far hived may drive them."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from hived.cli.context import CommandContext, WrongUsage
from hived.cli.output.tables import Column
from hived.cli.output.text import clean, number, terahash
from hived.documents import miners as documents
from hived.errors import NotFound
from hived.records.miner_view import ModelView
from hived.services.miners import steering
from hived.store import Database
from hived.store.miners import models


def _step(model: ModelView, name: str) -> str:
    """Return a preset as "3080 (3,080 W, 104.0 TH/s)"."""
    preset = next((p for p in model.presets if p["name"] == name), {})
    figures = [f"{number(preset['power_w'])} W"] if preset.get("power_w") is not None else []
    figures += [f"{terahash(preset['hashrate_hs'])} TH/s"] if preset.get("hashrate_hs") is not None else []
    return f"{name} ({', '.join(figures)})" if figures else str(name)


def _rated(place: int) -> Callable[[ModelView, float], str | None]:
    """Return the first or last preset whose watts are known."""

    def step(model: ModelView, _: float) -> str | None:
        rated = [p["name"] for p in model.presets if p.get("power_w") is not None]
        return _step(model, rated[place]) if rated else None

    return step


COLUMNS = (
    Column("MODEL", lambda model, _: model.alias),
    Column("NAME", lambda model, _: model.name, leaves=1, least=10),
    Column("MINERS", lambda model, _: number(model.miners), right=True),
    Column("BOARDS", lambda model, _: number(model.chains), right=True, leaves=3),
    Column("CHIPS", lambda model, _: number(model.chips_per_chain), right=True, leaves=4),
    Column("PRESETS", lambda model, _: number(len(model.presets) or None), right=True, leaves=2),
    Column("LOWEST", _rated(0), leaves=5),
    Column("HIGHEST", _rated(-1)),
    Column("MAX PRESET", lambda model, _: model.max_preset),
    Column("MIN PRESET", lambda model, _: model.min_preset, leaves=7),
    Column("FIRMWARE", lambda model, _: ", ".join(model.firmware_versions), leaves=6, least=8),
)


async def list_models(context: CommandContext) -> int:
    """Print a line for each model."""
    async with context.store() as store:
        found = await store.read(models.views)
    nothing = "no model is known yet: they come with the first miner, see `hivectl status`"
    return context.listed(found, documents.model, COLUMNS, nothing)


async def change(context: CommandContext) -> int:
    """Set or remove a model's highest and lowest preset."""
    args = context.args
    wishes = {
        name: given for name in ("max_preset", "min_preset")
        if (given := getattr(args, name)) is not None or getattr(args, f"no_{name}")
    }  # fmt: skip
    if not wishes:
        raise WrongUsage("nothing to change: give --max-preset, --no-max-preset, --min-preset or --no-min-preset")
    async with context.store() as store:
        alias = await store.read(_alias, args.alias)
        after = await store.write(steering.set_model, alias, wishes, context.by(), "admin")
    assert after is not None
    limits = [
        f"{words} preset {_step(after, name)}"
        for words, name in (("at most", after.max_preset), ("at least", after.min_preset)) if name is not None
    ]  # fmt: skip
    return context.answer(documents.model(after), clean(f"{alias}: {', '.join(limits) or 'no limit'}"))


def _alias(db: Database, text: str) -> str:
    """Return the alias meant, by alias or full name in any case. NotFound names near matches."""
    names = {name.lower(): model.alias for model in models.views(db) for name in (model.alias, model.name) if name}
    if text.lower() in names:
        return names[text.lower()]
    near = difflib.get_close_matches(text.lower()[:80], list(names), n=3)
    known = ", ".join(dict.fromkeys(names[name] for name in near)) if near else ""
    everyone = ", ".join(sorted(set(names.values()))) or "none yet"
    hint = f"did you mean {known}?" if known else f"known are: {everyone}"
    raise NotFound(f"there is no model {text!r}, {hint}")
