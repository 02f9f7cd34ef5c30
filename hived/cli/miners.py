"""`hivectl miners list`: a line for each miner."""

from __future__ import annotations

import csv
import io
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hived.cli import daemons
from hived.cli.context import CommandContext, WrongUsage
from hived.cli.main import COLUMN_NAMES
from hived.cli.output.tables import Cell, Column, draw
from hived.cli.output.text import UNKNOWN, ago, clean, counted, number, percent, pool_host, terahash, watts
from hived.documents import miners as documents
from hived.documents.shared import rfc3339
from hived.records.condition import MARKS, Condition, broken_boards, condition, lost_fans
from hived.records.miner import HASHING_STATES, ON_THE_WAY, active_pool
from hived.records.miner_view import MinerView, ModelView, StoredStatus
from hived.records.totals import Judged, totals
from hived.store import Database
from hived.store.miners import models, views


def _now(text: Callable[[StoredStatus], str | None]) -> Callable[[Judged, float], str | None]:
    """Return a cell of the status: the numbers of a miner that is silent or offline are old, and left out."""
    return lambda miner, _: text(miner[0].status) if miner[0].status and miner[1].fresh else None


def _share(miner: Judged, _: float) -> str | None:
    view, how = miner
    return percent(view.status.hashrate_hs, how.expected_hs) if view.status and how.fresh else None


def _parts(miner: Judged, _: float) -> Cell:
    """Return what is broken: "board 2, fan 1"."""
    boards = [f"board {board.index}" for board in broken_boards(miner[0])]
    return Cell(", ".join(boards + [f"fan {fan}" for fan in lost_fans(miner[0].status)]), "bad")


def _error(miner: Judged, now: float) -> Cell | None:
    view, how = miner
    if how.why is not None and how.why != view.last_error:
        return Cell(how.why, how.tone)
    if view.last_error is None:
        return None
    return Cell(f"{ago(view.last_error_at, now)}: {view.last_error}", "bad" if view.failures else "dim")


COLUMNS = (
    Column("STATE", lambda miner, _: Cell(miner[1].word, miner[1].tone)),
    Column("ADDRESS", lambda miner, _: miner[0].ip or Cell(miner[0].last_ip, "dim")),
    Column("MODEL", lambda miner, _: miner[0].model_alias or miner[0].model_name, leaves=1, least=8),
    Column("TH/s", _now(lambda status: terahash(status.hashrate_hs)), right=True),
    Column("%", _share, right=True, leaves=2),
    Column("W", _now(lambda status: number(status.power_w)), right=True, leaves=1),
    Column("J/TH", _now(lambda status: number(status.efficiency_j_per_th, 1)), right=True, leaves=3),
    Column("°C", _now(lambda status: number(status.chip_temp_max_c)), right=True, leaves=2),
    Column("PRESET", _now(lambda status: status.preset), leaves=6, least=8),
    Column("PARTS", _parts, leaves=5, least=8),
    Column("LAST ERROR", _error, leaves=4, least=16, fair=40),
    Column("SEEN", lambda miner, now: ago(miner[0].seen_at, now), right=True, leaves=7),
    Column("HOST NAME", lambda miner, _: miner[0].hostname, leaves=9, least=10),
    Column("MAC", lambda miner, _: Cell(miner[0].mac, "dim"), leaves=8),
    Column("FIRMWARE", lambda miner, _: miner[0].firmware_version, leaves=11, least=8),
    Column("POOL", lambda miner, _: pool_host(_pool(miner[0])), leaves=10, least=16),
    Column("MANAGED", lambda miner, _: "yes" if miner[0].managed else "no", leaves=12),
    Column("GROUP", lambda miner, _: miner[0].rules.group, leaves=13, least=8),
    Column("TAGS", lambda miner, _: ", ".join(miner[0].rules.tags), leaves=14, least=8),
)


_BY_NAME = dict(zip(COLUMN_NAMES, COLUMNS, strict=True))
_FOR_PROGRAMS: dict[str, Callable[[MinerView], str | None]] = {
    "seen": lambda view: rfc3339(view.seen_at), "last_error": lambda view: view.last_error,
    "pool": lambda view: _pool(view), "address": lambda view: view.ip or view.last_ip,
}  # fmt: skip
"""Values that a table shortens or tells in words of now."""


async def list_miners(context: CommandContext) -> int:
    """Print the miners that fit every filter."""
    async with context.store() as store:
        everyone, ladder = await store.read(_read, context)
    names = _columns(context)
    _check_state(everyone, context)
    found = [miner for miner in everyone if _fits(*miner, context)]
    found.sort(key=_order(context))
    shown = found[: context.args.limit]
    if context.json:
        context.screen.document([documents.listed(v, ladder.get(v.model_alias or ""), how) for v, how in shown])
        return 0
    if context.args.csv:
        _write_csv(context, names, shown)
        return 0
    if shown:
        draw(context.screen, [_BY_NAME[name] for name in names], shown, context.clock())
    if not found:
        context.note(_why_none(everyone, context))
    elif context.screen.width is not None:
        context.screen.say(context.screen.paint(_footer(found, len(shown)), "dim"))
    return 0


def _read(db: Database, context: CommandContext) -> tuple[list[Judged], dict[str, ModelView]]:
    moment = daemons.moment(db, context)
    judged = [(view, condition(view, moment)) for view in views.miners(db)]
    return judged, {model.alias: model for model in models.views(db)}


def _columns(context: CommandContext) -> list[str]:
    given: str | None = context.args.columns
    names = list(COLUMN_NAMES) if given is None else [name.strip().lower() for name in given.split(",")]
    unknown = [name for name in names if name not in _BY_NAME]
    if unknown:
        raise WrongUsage(f"there is no column {unknown[0][:40]!r}; the columns are {', '.join(COLUMN_NAMES)}")
    return names


def _check_state(everyone: Sequence[Judged], context: CommandContext) -> None:
    """Refuse a state that nobody knows: an empty list would look like good news."""
    wanted = (context.args.state or "").lower()
    known = {*MARKS, *HASHING_STATES, *ON_THE_WAY, "unknown"}
    if wanted and everyone and wanted not in known and not any(wanted in _states(*miner) for miner in everyone):
        raise WrongUsage(_why_none(everyone, context))


def _write_csv(context: CommandContext, names: Sequence[str], miners: Sequence[Judged]) -> None:
    text = io.StringIO()
    rows, now = csv.writer(text, lineterminator="\n"), context.clock()
    rows.writerow(names)
    for view, how in miners:
        cells = [_BY_NAME[name].cell((view, how), now) for name in names]
        values = [cell.text if isinstance(cell, Cell) else cell for cell in cells]
        for i, name in enumerate(names):
            if name in _FOR_PROGRAMS:
                values[i] = _FOR_PROGRAMS[name](view)
        rows.writerow([_plain(value) for value in values])
    context.screen.say(text.getvalue().rstrip("\n"))


def _plain(value: str | None) -> str:
    """A value that no spreadsheet takes for a formula; thousands without a mark."""
    value = clean(value or "")
    if re.fullmatch(r"-?[0-9,]+(\.[0-9]+)?", value):
        return value.replace(",", "")
    return "" if value == UNKNOWN else f"'{value}" if value[:1] in ("=", "+", "-", "@") else value


def _pool(view: MinerView) -> str | None:
    return active_pool(view.status.pools) if view.status else None


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
    if args.managed is not None and view.managed != args.managed:
        return False
    if args.group and args.group != view.rules.group:
        return False
    if args.tag and args.tag not in view.rules.tags:
        return False
    if args.firmware and not _is_of(args.firmware.lower(), view):
        return False
    if args.preset and args.preset.lower() != str(view.status and view.status.preset).lower():
        return False
    pools = [pool for pool in view.status.pools if pool.kind == "user"] if view.status else []
    if args.pool and not any(args.pool.lower() in (pool.url or "").lower() for pool in pools):
        return False
    if args.worker and not any(args.worker.lower() in (pool.user or "").lower() for pool in pools):
        return False
    hay = _hay(view)
    return all(_has(word.lower(), view, hay) for word in args.words)


def _has(word: str, view: MinerView, hay: str) -> bool:
    """Whole addresses are no parts of longer ones."""
    try:
        ipaddress.IPv4Address(word)
    except ValueError:
        return word in hay
    return word in (view.ip, view.last_ip)


def _is_of(firmware: str, view: MinerView) -> bool:
    version = str(view.firmware_version).lower()
    return firmware in (str(view.firmware).lower(), version) or version.startswith(f"{firmware}.")


def _states(view: MinerView, how: Condition) -> set[str]:
    """A failing or silent miner is found by its last known state, too; an offline one is only offline."""
    return {how.word, view.state or "unknown"} if "online" in how.marks else {how.word}


def _hay(view: MinerView) -> str:
    texts = (
        view.ip, view.last_ip, view.mac, view.hostname, view.model_alias, view.model_name, view.firmware_version,
        view.serial, view.rules.group, *view.rules.tags,
        view.state if view.online else "offline", view.last_error, _pool(view),
        view.status.preset if view.status else None,
    )  # fmt: skip
    return "\n".join(text for text in texts if text).lower()


def _order(context: CommandContext) -> Callable[[Judged], Any]:
    def share(miner: Judged) -> tuple[bool, float]:
        """Least first."""
        view, how = miner
        rate = view.status.hashrate_hs if view.status and how.fresh else None
        return (True, 0.0) if rate is None or not how.expected_hs else (False, rate / how.expected_hs)

    def by(figure: Callable[[StoredStatus], float | None]) -> Callable[[Judged], tuple[bool, float]]:
        """Return an order with the most first, and what is not known now last."""

        def key(miner: Judged) -> tuple[bool, float]:
            view, how = miner
            value = figure(view.status) if view.status and how.fresh else None
            return value is None, -(value or 0.0)

        return key

    keys: dict[str, Callable[[Judged], Any]] = {
        "address": lambda _: (),
        "worst": lambda miner: (miner[1].rank, share(miner)),
        "hostname": lambda miner: (miner[0].hostname is None, (miner[0].hostname or "").lower()),
        "model": lambda miner: miner[0].model_alias or miner[0].model_name or "~",
        "state": lambda miner: miner[1].word,
        "hashrate": by(lambda status: status.hashrate_hs),
        "percent": share,
        "power": by(lambda status: status.power_w),
        "efficiency": by(lambda status: status.efficiency_j_per_th),
        "temperature": by(lambda status: status.chip_temp_max_c),
        "seen": lambda miner: miner[0].seen_at or 0.0,
    }
    key = keys[context.args.sort]
    return lambda miner: (key(miner), address_order(miner[0]))


def address_order(view: MinerView) -> tuple[bool, int, str]:
    """Order by address as numbers, so that .9 comes before .10; miners without one last, by MAC."""
    try:
        return False, int(ipaddress.IPv4Address(view.ip or view.last_ip or "")), view.mac
    except ValueError:
        return True, 0, view.mac


def _footer(found: Sequence[Judged], shown: int) -> str:
    total, _ = totals(found)
    first = f"{shown} of {counted(len(found), 'miner')}" if shown < len(found) else counted(len(found), "miner")
    parts = [first, f"{total.marks['online']:,} online", f"{total.marks['hashing']:,} hashing"]
    if total.hashrate_hs is not None:
        parts.append(f"{terahash(total.hashrate_hs)} TH/s")
    if total.power_w is not None:
        parts.append(watts(total.power_w))
    return ", ".join(parts)


def _why_none(everyone: Sequence[Judged], context: CommandContext) -> str:
    if not everyone:
        return "no miner was found yet, see `hivectl status`"
    here = Counter(how.word for _, how in everyone)
    states = ", ".join(f"{count} {word}" for word, count in sorted(here.items()))
    kinds = ", ".join(sorted({v.model_alias for v, _ in everyone if v.model_alias}))
    if context.args.state and not any(context.args.state.lower() in _states(*miner) for miner in everyone):
        return f"no miner is in state {context.args.state!r}; here are {states}"
    if context.args.model and kinds and context.args.model.lower() not in kinds.lower():
        return f"no miner is of model {context.args.model!r}; here are {kinds}"
    return f"no miner matches; here are {states}"
