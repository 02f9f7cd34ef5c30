"""What a miner says to each sign: a number, yes or no; None while nobody can tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hived.records.alerts import Rule
from hived.records.condition import Condition, board_condition, broken_boards, lost_fans, readable
from hived.records.losses import PLANNED, boards_of, losses
from hived.records.miner import HASHING_STATES, ON_THE_WAY
from hived.records.miner_view import MinerView
from hived.records.pools import AllowedPool, foreign, in_words
from hived.records.signs import HANDS, WORK, Sign

IDLE_SHARE = 0.01
"""With less than this of what it should give, a miner gives nothing."""

USUAL_SHARE = 0.05
"""So much less than expected is no loss worth telling: rates swing."""

Value = float | bool | None
_ALWAYS = frozenset({"online", "offline", "unseen", "failing", "silent"})
"""Marks that need no fresh status."""


def value(rule: Rule, sign: Sign, view: MinerView, how: Condition) -> Value:
    """Return what a miner says to a sign."""
    kind, _, name = sign.name.partition(".")
    if kind == "mark":
        return _mark(name, how)
    if how.unseen or not how.fresh or view.status is None:
        return None
    if kind == "measure":
        return sign.measure.shown(getattr(view.status, name)) if sign.measure else None
    if kind == "board":
        told = [getattr(board, name) for board in view.status.hashboards]
        known = [sign.measure.shown(one) for one in told if one is not None] if sign.measure else []
        numbers = [one for one in known if one is not None]
        return None if not numbers else max(numbers) if rule.over == "over" else min(numbers)
    judge = _JUDGES.get(sign.name)
    return None if judge is None else judge(view, how)


def _mark(name: str, how: Condition) -> Value:
    if name in how.marks:
        return True
    if name == "unseen":
        return False
    return None if how.unseen or not (how.fresh or name in _ALWAYS or "offline" in how.marks) else False


def rests(view: MinerView, planned: bool) -> bool:
    """Tell whether a miner gives nothing, or is about to, because somebody wants it so. `planned`: an order says so."""
    is_paused = view.status is not None and view.status.extra.get(PLANNED) is True
    return planned or view.state == "stopped" or (is_paused and view.state not in HASHING_STATES)


def can_rest(sign: Sign, *, is_offline: bool) -> bool:
    """Tell whether a miner that rests is no matter to a sign: one that answers is not offline, whatever it does."""
    return sign.chain != HANDS and (is_offline or sign.name != "mark.offline")


def percent(rate_hs: float, expected_hs: float) -> float | None:
    """Return the share of what was expected."""
    return 100.0 * rate_hs / expected_hs if expected_hs > 0 else None


def limited_hs(view: MinerView) -> float:
    """Return what somebody's limit takes of what it should give."""
    if view.status is None:
        return 0.0
    return sum(loss.hashrate_hs for loss in losses(view.status) if loss.reason == "limited")


def _share(view: MinerView, how: Condition) -> Value:
    if view.state != "mining" or not readable(view) or view.status is None or how.expected_hs is None:
        return None
    return percent(view.status.hashrate_hs or 0.0, how.expected_hs - max(0.0, limited_hs(view)))


def _idle(view: MinerView, how: Condition) -> Value:
    status = view.status
    if status is None or not readable(view) or view.state == "failure":
        return None
    if view.state in ON_THE_WAY:
        return True
    if view.state not in HASHING_STATES or not how.expected_hs:
        return False
    return (status.hashrate_hs or 0.0) < IDLE_SHARE * how.expected_hs


def _boards(view: MinerView, _how: Condition) -> Value:
    assert view.status is not None
    listed, expected = boards_of(view.status)
    return len(broken_boards(view)) + expected - listed


def _red_chips(view: MinerView, _how: Condition) -> Value:
    assert view.status is not None
    told = [board.chips_red for board in view.status.hashboards if board.chips_red is not None]
    return float(max(told)) if told else None


_JUDGES: Mapping[str, Callable[[MinerView, Condition], Value]] = {
    "miner.hashrate_percent": _share,
    "miner.powered_idle": _idle,
    "miner.boards_lost": _boards,
    "miner.fans_lost": lambda view, _: float(len(lost_fans(view.status))),
    "miner.chips_fading": _red_chips,
}


def words(sign: Sign, told: Value, view: MinerView, how: Condition) -> str:
    """Return what is wrong with one miner."""
    if sign.name == "miner.boards_lost":
        dead = [f"board {board.index}: {board_condition(board)[0]}" for board in broken_boards(view)]
        return ", ".join(dead) or "a board is gone"
    if sign.name == "miner.fans_lost":
        return ", ".join(f"fan {fan} is lost" for fan in lost_fans(view.status))
    if sign.name == "miner.powered_idle":
        return f"{view.state}, and gives nothing"
    if sign.is_number and told is not None:
        return number(sign, told)
    if sign.name == "mark.failure":
        return how.why or sign.words
    return sign.words


def foreign_words(view: MinerView, allowed: Sequence[AllowedPool]) -> str:
    """Return the first pool of a miner that is not allowed."""
    found = foreign(view.status.pools if view.status else (), allowed)
    return f"pool {found[0].index + 1} is {in_words(found[0].url, found[0].user)}" if found else "a foreign pool"


def number(sign: Sign, told: float) -> str:
    """Return a value with its unit and what it is."""
    symbol = sign.unit.symbol if sign.unit else ""
    return " ".join(
        filter(None, (f"{told:.{0 if abs(told) >= 9.95 or told == int(told) else 1}f}", symbol, sign.words))
    )


def lost_hs(sign: Sign, view: MinerView, how: Condition, allowed: Sequence[AllowedPool]) -> float:
    """Return what is lost of a miner while a sign is there; what mines at a foreign pool is all lost."""
    if view.status is None or how.expected_hs is None:
        return 0.0
    if sign.name == "mark.foreign":
        is_active = any(pool.status == "active" for pool in foreign(view.status.pools, allowed))
        return (view.status.hashrate_hs or 0.0) if is_active else 0.0
    if sign.chain != WORK:
        return 0.0
    lost = how.expected_hs - (view.status.hashrate_hs or 0.0 if how.fresh else 0.0)
    return lost if lost > USUAL_SHARE * how.expected_hs else 0.0
