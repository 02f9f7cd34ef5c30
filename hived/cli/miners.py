"""`hivectl miners list`: a line for each miner."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hived.cli import daemons
from hived.cli.context import CommandContext
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import UNKNOWN, ago, counted, number, percent, pool_host, terahash, watts
from hived.documents import miners as documents
from hived.records.condition import Condition, Judged, broken_boards, condition, lost_fans, totals
from hived.records.miner import active_pool
from hived.records.miner_view import MinerView, ModelView
from hived.store import Database
from hived.store.miners import models, views

COLUMNS = (
    Column("STATE"),
    Column("ADDRESS"),
    Column("MODEL", leaves=1, least=8),
    Column("TH/s", right=True),
    Column("%", right=True, leaves=2),
    Column("W", right=True, leaves=1),
    Column("J/TH", right=True, leaves=3),
    Column("°C", right=True, leaves=2),
    Column("PRESET", leaves=6, least=8),
    Column("PARTS", leaves=5, least=8),
    Column("LAST ERROR", leaves=4, least=16, fair=40),
    Column("SEEN", right=True, leaves=7),
    Column("HOST NAME", leaves=9, least=10),
    Column("MAC", leaves=8),
    Column("FIRMWARE", leaves=11, least=8),
    Column("POOL", leaves=10, least=16),
    Column("MANAGED", leaves=12),
)


async def list_miners(context: CommandContext) -> int:
    """Print the miners that fit every filter."""
    async with context.store() as store:
        everyone, ladder = await store.read(_read, context)
    found = [one for one in everyone if _fits(*one, context)]
    found.sort(key=_order(context))
    shown = found[: context.args.limit]
    if context.json:
        context.screen.document([documents.listed(v, ladder.get(v.model_alias or ""), how) for v, how in shown])
        return 0
    if shown:
        draw(context.screen, COLUMNS, [_row(*one, context.clock()) for one in shown])
    if not found:
        context.note(_why_none(everyone, context))
    elif context.screen.width is not None:
        context.screen.say(context.screen.paint(_footer(found, len(shown)), "dim"))
    return 0


def _read(db: Database, context: CommandContext) -> tuple[list[Judged], dict[str, ModelView]]:
    moment = daemons.moment(db, context)
    judged = [(view, condition(view, moment)) for view in views.miners(db)]
    return judged, {model.alias: model for model in models.views(db)}


def _row(view: MinerView, how: Condition, now: float) -> list[Cell | str]:
    """Return a miner's line. Numbers of a miner that is silent or offline are old: they are left out."""
    told = view.status if how.fresh else None
    broken = _parts(view)
    return [
        Cell(how.word, how.tone),
        view.ip or UNKNOWN,
        view.model_alias or view.model_name or UNKNOWN,
        terahash(told.hashrate_hs if told else None),
        percent(told.hashrate_hs, told.expected_hashrate_hs) if told else UNKNOWN,
        number(told.power_w if told else None),
        number(told.efficiency_j_per_th, 1) if told else UNKNOWN,
        number(told.chip_temp_max_c if told else None),
        (told.preset if told else None) or UNKNOWN,
        Cell(broken, "bad") if broken else UNKNOWN,
        _error(view, now),
        ago(view.seen_at, now),
        view.hostname or UNKNOWN,
        Cell(view.mac, "dim"),
        view.firmware_version or UNKNOWN,
        pool_host(_pool(view)),
        "yes" if view.managed else "no",
    ]


def _parts(view: MinerView) -> str:
    """Return what is broken: "board 2, fan 1"."""
    boards = [f"board {b.index}" for b in broken_boards(view)]
    return ", ".join(boards + [f"fan {i}" for i in lost_fans(view)])


def _pool(view: MinerView) -> str | None:
    return active_pool(view.status.pools) if view.status else None


def _error(view: MinerView, now: float) -> Cell:
    if view.last_error is None:
        return Cell(UNKNOWN)
    return Cell(f"{ago(view.last_error_at, now)}: {view.last_error}", "bad" if view.failures else "dim")


def _fits(view: MinerView, how: Condition, context: CommandContext) -> bool:
    args = context.args
    if args.offline and view.online:
        return False
    if args.node and args.node not in (view.node_id, view.node_name):
        return False
    if args.failing and "failing" not in how.marks:
        return False
    if args.state and args.state.lower() not in _states(view, how):
        return False
    if args.model and args.model.lower() not in (str(view.model_alias).lower(), str(view.model_name).lower()):
        return False
    hay = _hay(view)
    return all(word.lower() in hay for word in args.words)


def _states(view: MinerView, how: Condition) -> set[str]:
    """A failing or silent miner is found by its last known state, too; an offline one is only offline."""
    return {how.word, view.state or "unknown"} if "online" in how.marks else {how.word}


def _hay(view: MinerView) -> str:
    texts = (
        view.ip, view.mac, view.hostname, view.model_alias, view.model_name, view.firmware_version, view.serial,
        view.state if view.online else "offline", view.last_error, _pool(view),
        view.status.preset if view.status else None,
    )  # fmt: skip
    return "\n".join(text for text in texts if text).lower()


def _order(context: CommandContext) -> Callable[[Judged], Any]:
    def told(one: Judged, value: float | None) -> tuple[bool, float]:
        known = value if one[1].fresh else None
        return known is None, -(known or 0.0)  # most first, unknown last

    def share(one: Judged) -> tuple[bool, float]:
        s = one[0].status if one[1].fresh else None
        if s is None or s.hashrate_hs is None or not s.expected_hashrate_hs:
            return True, 0.0
        return False, s.hashrate_hs / s.expected_hashrate_hs

    keys: dict[str, Callable[[Judged], Any]] = {
        "address": lambda _: (),
        "worst": lambda one: (one[1].rank, share(one)),
        "hostname": lambda one: (one[0].hostname is None, (one[0].hostname or "").lower()),
        "model": lambda one: one[0].model_alias or one[0].model_name or "~",
        "state": lambda one: one[1].word,
        "hashrate": lambda one: told(one, one[0].status.hashrate_hs if one[0].status else None),
        "percent": share,
        "power": lambda one: told(one, one[0].status.power_w if one[0].status else None),
        "efficiency": lambda one: told(one, one[0].status.efficiency_j_per_th if one[0].status else None),
        "temperature": lambda one: told(one, one[0].status.chip_temp_max_c if one[0].status else None),
        "seen": lambda one: one[0].seen_at or 0.0,
    }
    key = keys[context.args.sort]
    return lambda one: (key(one), address_order(one[0]))


def address_order(view: MinerView) -> tuple[bool, int, str]:
    """Order by address as numbers, so that .9 comes before .10; miners without one last, by MAC."""
    try:
        return False, int(ipaddress.IPv4Address(view.ip or "")), view.mac
    except ValueError:
        return True, 0, view.mac


def _footer(found: Sequence[Judged], shown: int) -> str:
    total, _ = totals(found)
    first = f"{shown} of {counted(len(found), 'miner')}" if shown < len(found) else counted(len(found), "miner")
    said = [first, f"{total.marks['online']:,} online", f"{total.marks['hashing']:,} hashing"]
    if total.hashrate_hs is not None:
        said.append(f"{terahash(total.hashrate_hs)} TH/s")
    if total.power_w is not None:
        said.append(watts(total.power_w))
    return ", ".join(said)


def _why_none(everyone: Sequence[Judged], context: CommandContext) -> str:
    if not everyone:
        return "no miner was found yet, see `hivectl status`"
    here = Counter(how.word for _, how in everyone)
    states = ", ".join(f"{count} {word}" for word, count in sorted(here.items()))
    kinds = ", ".join(sorted({v.model_alias for v, _ in everyone if v.model_alias}))
    if context.args.state and not any(context.args.state.lower() in _states(*one) for one in everyone):
        return f"no miner is in state {context.args.state!r}; here are {states}"
    if context.args.model and kinds and context.args.model.lower() not in kinds.lower():
        return f"no miner is of model {context.args.model!r}; here are {kinds}"
    return f"no miner fits; here are {states}"
