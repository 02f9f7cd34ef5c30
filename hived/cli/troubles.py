"""What is wrong with the miners of a site: the newest first, the same error of many miners told once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hived.cli.fleet import broken_boards, fresh, lost_fans
from hived.errors import next_step
from hived.records.miner_view import MinerView

OLD_S = 86_400.0
"""An error this long ago of a miner that is well or gone is history: `hivectl events` has it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with some miners. `at`: when it was last noticed, None when it has no time of its own.

    `over`: it has healed since.
    """

    text: str
    step: str
    at: float | None
    over: bool
    miners: tuple[MinerView, ...]


def troubles(views: Iterable[MinerView], now: float, silent_after_s: float) -> list[Trouble]:
    """Return what is wrong, first what still is, then the newest."""
    found: dict[tuple[bool, str], list[tuple[float | None, str, MinerView]]] = {}
    for view in views:
        for text, step, at, over in _of(view, now, silent_after_s):
            found.setdefault((over, text), []).append((at, step, view))
    grouped = [_group(over, text, cases) for (over, text), cases in found.items()]
    return sorted(grouped, key=lambda t: (t.over, -(t.at or 0.0)))


def _group(over: bool, text: str, cases: list[tuple[float | None, str, MinerView]]) -> Trouble:
    cases = sorted(cases, key=lambda case: -(case[0] or 0.0))  # what to do is told for the newest
    return Trouble(text, cases[0][1], cases[0][0], over, tuple(view for _, _, view in cases))


def _of(view: MinerView, now: float, silent_after_s: float) -> Iterator[tuple[str, str, float | None, bool]]:
    """Yield (what, what to do, since or when, whether it is over)."""
    name = view.ip or view.mac
    status = view.status
    if view.last_error is not None and view.last_error_at is not None:
        # A poll that worked ends an error of polling; a miner without a key has not been polled at all.
        over = view.online and view.has_key and not view.failures
        over = over and status is not None and status.at > view.last_error_at
        old = now - view.last_error_at >= OLD_S
        if not over and (view.online or not old):
            yield view.last_error, next_step(view.last_error_code, miner=name, ip=view.ip), view.last_error_at, False
        elif over and not old:
            yield view.last_error, "nothing: it is over", view.last_error_at, True
    if not view.online or status is None:
        return
    if view.state == "failure":
        yield failure_text(view), next_step("failure", ip=name), _since(view), False
    if fresh(view, now, silent_after_s) and view.state != "failure":
        for board in broken_boards(view):
            what = f": {board.description}" if board.description else ""
            how = "dead: it should mine and is expected to give 0" if board.state == "mining" else board.state
            yield f"board {board.index} is {how}{what}", next_step("dead_board", ip=name), None, False
        for fan in lost_fans(view):
            yield f"fan {fan} is lost", next_step("lost_fan", ip=name), None, False


def failure_text(view: MinerView) -> str:
    """Return what a miner in state failure says of it."""
    extra = view.status.extra if view.status else {}
    said = [str(extra["description"])] if extra.get("description") else []
    said += [f"code {extra['failure_code']}"] if extra.get("failure_code") else []
    return f"failure: {', '.join(said)}" if said else "failure"


def _since(view: MinerView) -> float | None:
    status = view.status
    return None if status is None or status.state_s is None else status.at - status.state_s
