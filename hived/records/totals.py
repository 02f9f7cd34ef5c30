"""What some miners give, should give and lose together. What is not known now is left out and counted apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hived.records import units
from hived.records.condition import Condition
from hived.records.losses import Reason
from hived.records.miner_view import MinerView


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over some miners, in H/s and W; None: none reported any.

    Current sums are over fresh statuses of online miners, expected ones over all that anybody watches. The losses add
    up to the expected less the current. Efficiency is over the miners that reported both watts and hashrate,
    `power_each_w` the mean of those that reported watts.
    """

    miners: int
    managed: int
    marks: Counter[str]
    states: Counter[str]
    models: Counter[str]
    hashrate_hs: float | None
    nominal_hs: float | None
    """What the firmware of those expects that count now; `nominal_away_hs`: of the others."""
    nominal_away_hs: float | None
    expected_hs: float | None
    power_w: float | None
    power_each_w: float | None
    efficiency_j_per_th: float | None
    lost: tuple[tuple[Reason, float, int], ...]
    """(reason, H/s, miners), most first."""
    unseen_hs: float | None
    unseen_since: float | None
    """When one of the unseen was last heard of."""

    @property
    def unseen(self) -> int:
        """How many miners nobody watches."""
        return self.marks["unseen"]

    @property
    def lost_hs(self) -> float:
        """What is lost in all."""
        return sum(hashrate_hs for _, hashrate_hs, _ in self.lost)


Judged = tuple[MinerView, Condition]


def totals(miners: Sequence[Judged]) -> tuple[Totals, dict[str, Totals]]:
    """Return the sums over all miners, and over those of each node by its id."""
    sums = totals_by(lambda view: view.node_id, miners)
    whole = next(iter(sums.values())) if len(sums) == 1 else _totals(miners)
    return whole, {node_id: found for node_id, found in sums.items() if node_id is not None}


def totals_by(name: Callable[[MinerView], str | None], miners: Iterable[Judged]) -> dict[str | None, Totals]:
    """Return the sums over each group of miners, by the group's name."""
    groups: dict[str | None, list[Judged]] = {}
    for view, how in miners:
        groups.setdefault(name(view), []).append((view, how))
    return {group: _totals(judged) for group, judged in groups.items()}


def _totals(miners: Sequence[Judged]) -> Totals:
    told = [(view.status, how) for view, how in miners if view.status is not None]
    now = [status for status, how in told if how.fresh]
    watts = [s.power_w for s in now if s.power_w is not None]
    both = [(s.power_w, s.hashrate_hs) for s in now if s.power_w is not None and s.hashrate_hs is not None]
    lost: dict[Reason, list[float]] = {}
    for _, how in told:
        for loss in how.lost:
            lost.setdefault(loss.reason, []).append(loss.hashrate_hs)
    lost.pop("unseen", None)
    unseen = [(status, how) for status, how in told if how.unseen]
    return Totals(
        miners=len(miners), managed=sum(view.managed for view, _ in miners),
        marks=Counter(mark for _, how in miners for mark in how.marks),
        states=Counter(_state(view, how) for view, how in miners),
        models=Counter(view.model_alias or "unknown" for view, _ in miners),
        hashrate_hs=sum_known(s.hashrate_hs for s in now), nominal_hs=sum_known(s.expected_hashrate_hs for s in now),
        nominal_away_hs=sum_known(s.expected_hashrate_hs for s, how in told if not how.fresh),
        expected_hs=sum_known(how.expected_hs for _, how in told if not how.unseen),
        power_w=sum(watts) if watts else None, power_each_w=sum(watts) / len(watts) if watts else None,
        efficiency_j_per_th=units.efficiency(sum(w for w, _ in both), sum(rate for _, rate in both)),
        lost=tuple(sorted(((r, sum(all_hs), len(all_hs)) for r, all_hs in lost.items()), key=lambda loss: -loss[1])),
        unseen_hs=sum_known(how.expected_hs for _, how in unseen),
        unseen_since=max((status.at for status, _ in unseen), default=None),
    )  # fmt: skip


def _state(view: MinerView, how: Condition) -> str:
    """Return the state that a miner is counted under: its own word while it is known, else ours."""
    return view.state or "unknown" if how.fresh and "unreadable" not in how.marks else how.word


def sum_known(values: Iterable[float | None]) -> float | None:
    """Return the sum of what is known; None where nothing is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None
