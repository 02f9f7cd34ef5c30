"""Orders in words, for hivectl: a headline, who is left out, how far it is, and what it would change at each miner."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from hived.cli.output.tables import Cell, Column
from hived.cli.output.text import UNKNOWN, ago, clean, counted, span, terahash, watts
from hived.records.orders import Order, Target, in_words
from hived.records.steering import VERBS

MOST_NAMED = 3
"""Miners named in a line that counts them."""


_NEXT = {"not_managed": "hivectl miners set {} --managed"}
"""What to do about a reason that everybody meets at the beginning."""
_MANY = "(ADDRESS ... | --all | --model ALIAS | --node NAME | --in-group NAME)"


def preview_columns(names: Mapping[str, str]) -> Sequence[Column]:
    """Return what a table of a dry run has of each miner: its effect, or why it is left out."""
    return (
        Column("ADDRESS", lambda one, _: names.get(one.mac)),
        Column("MAC", lambda one, _: one.mac, leaves=2),
        Column("WOULD", lambda one, _: Cell("left out", "dim") if one.state == "skipped" else "do it"),
        Column("POWER", lambda one, _: _change(one, one.effect_w, effect(one.effect_w, None)), right=True),
        Column(
            "HASHRATE", lambda one, _: _change(one, one.effect_hs, effect(None, one.effect_hs)), right=True, leaves=1
        ),
        Column("WHY", lambda one, _: in_words(one.reason), least=24),
    )


def _change(one: Target, value: float | None, told: Sequence[str]) -> str:
    """Nobody can tell it of some, and it is nothing for those that are left out."""
    if value is None or one.state == "skipped":
        return UNKNOWN
    if VERBS[one.verb].interrupts:
        return "drops, comes back"
    return told[0] if value else "no change"


def headline(order: Order) -> str:
    """Return an order and its effect: "pause 50 miners: -168.0 kW, -5.2 PH/s, 3 left out"."""
    out = order.counts.get("skipped", 0)
    told = effect(order.effect_w, order.effect_hs) if sum(order.counts.values()) > out else []
    if told == [] and order.id == 0 and order.miners and VERBS[order.verb].interrupts:
        told = ["power drops while they restart, and comes back"]
    parts = [*told, *([f"{out:,} left out"] if out else [])]
    return clean(order.words) + (f": {', '.join(parts)}" if parts else "")


def effect(power_w: float | None, rate_hs: float | None) -> list[str]:
    """Return a change of power and hashrate in words; none where nothing changes."""
    if power_w is None and rate_hs is None:
        return ["nobody can tell how much power that changes"]
    parts = []
    if power_w:
        parts.append(f"{'-' if power_w < 0 else '+'}{watts(abs(power_w))}")
    if rate_hs:
        size = abs(rate_hs)
        rate = f"{size / 1e15:,.1f} PH/s" if size >= 1e15 else f"{terahash(size)} TH/s"
        parts.append(f"{'-' if rate_hs < 0 else '+'}{rate}")
    return parts


def left_out(targets: Sequence[Target], names: Mapping[str, str]) -> list[str]:
    """Return a line for each reason why miners are left out, with some of them."""
    why = Counter(one.reason for one in targets if one.state == "skipped")
    lines = []
    for reason, count in why.most_common():
        some = [names.get(one.mac, one.mac) for one in targets if one.state == "skipped" and one.reason == reason]
        more = ", ..." if count > MOST_NAMED else ""
        lines.append(f"left out: {counted(count, 'miner')}, {in_words(reason)} ({', '.join(some[:MOST_NAMED])}{more})")
        if reason in _NEXT:
            lines.append(f"next: {_NEXT[reason].format(' '.join(some) if count <= MOST_NAMED else _MANY)}")
    return lines


def tally(counts: Mapping[str, int]) -> str:
    """Return how many targets are in each state: "3 confirmed, 1 skipped"."""
    return ", ".join(f"{count:,} {state}" for state, count in counts.items() if count) or "no miner"


def state_of(order: Order, now: float) -> str:
    """Return how far an order is and who gave it; of one that goes on, at which pace and until when."""
    parts = [f"{order.state}, given by {clean(order.by)} {ago(order.created_at, now)}"]
    if order.cancelled_by:
        parts.append(f"cancelled by {clean(order.cancelled_by)}")
    if order.finished_at is not None:
        parts.append(f"ended {ago(order.finished_at, now)}")
    else:
        parts.append(f"{counted(order.packet.size, 'miner')} of a group every {order.packet.interval_s:g} s")
        parts.append(f"expires in {span(max(0.0, order.expires_at - now))}")
    return "; ".join(parts)
