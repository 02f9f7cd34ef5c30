"""What is wrong with the miners of a site: the newest first, the same error of many miners listed once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hived.records import condition
from hived.records.condition import Moment, Trouble
from hived.records.miner_view import MinerView

OLD_S = 86_400.0
"""An error this long ago of a miner that is well or gone is history: `hivectl events` has it."""


@dataclass(frozen=True, slots=True)
class Shared:
    """One thing that is wrong with some miners; `trouble` is that of the miner that had it last."""

    trouble: Trouble
    miners: tuple[MinerView, ...]


def troubles(views: Iterable[MinerView], moment: Moment) -> list[Shared]:
    """Return what is wrong, first what still is, then the newest."""
    found: dict[tuple[bool, str], list[tuple[Trouble, MinerView]]] = {}
    for view in views:
        for one in condition.troubles(view, moment):
            if one.at is None or moment.now - one.at < OLD_S or (view.online and not one.over):
                found.setdefault((one.over, one.text), []).append((one, view))
    shared = [_share(cases) for cases in found.values()]
    return sorted(shared, key=lambda s: (s.trouble.over, -(s.trouble.at or 0.0)))


def _share(cases: list[tuple[Trouble, MinerView]]) -> Shared:
    cases = sorted(cases, key=lambda case: -(case[0].at or 0.0))
    return Shared(cases[0][0], tuple(view for _, view in cases))
