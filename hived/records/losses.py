"""What one status should have told, and why it told less: each missing hash has one reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, overload

from hived.records import measures
from hived.records.miner import HASHING_STATES
from hived.records.miner_view import StoredStatus

ROUNDING_HS = 1e6
"""Less than any chip makes: what is left between a miner's rate and the sum of its boards is rounding."""
RAMP_S = 300.0
"""A miner that began to mine so lately still comes up: it takes three to four minutes to the full rate."""
PLANNED = "planned"
"""In what else a status tells: the miner stands because an order of hived paused it."""
HIGHEST = measures.HASHRATE.high

Reason = Literal[
    "offline", "failure", "dead-board", "stopped", "planned", "limited", "weak", "tuning", "unreadable", "unseen"
]  # fmt: skip
REASONS: dict[Reason, str] = {
    "offline": "the last sweeps did not find the miner",
    "failure": "the miner reports a failure",
    "dead-board": "a board has failed, is gone, or mines nothing",
    "stopped": "the miner was stopped, or is still starting or coming up to its rate",
    "planned": "paused by an order of hived, and not resumed yet",
    "limited": "held down by a limit: the dimmer, or a preset below the requested one",
    "weak": "not explained by any other reason; negative above the expected rate",
    "tuning": "the miner is tuning its chips, and hashes less meanwhile",
    "unreadable": "the miner, or one of its boards, answers without saying what it does; or its last status is old",
    "unseen": "nobody watches the miner at present: unknown rather than lost, in no total",
}
"""Why hashrate is missing, and what each reason means."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Hashrate that is missing for one reason."""

    reason: Reason
    hashrate_hs: float


def expected_hs(status: StoredStatus | None) -> float | None:
    """Return what a miner should give, as it was known when the status was taken.

    A node of 0.1.0 does not say: then what the firmware says of itself, and where that is silent, what it gives.
    """
    if status is None:
        return None
    told = (status.target_hashrate_hs, status.expected_hashrate_hs, status.hashrate_hs)
    return next((rate for rate in told if rate is not None), None)


def losses(status: StoredStatus, only: Reason | None = None) -> tuple[Loss, ...]:
    """Return why a status told less than is expected; the losses add up to what is missing. `only`: the one reason."""
    expected = expected_hs(status)
    missing = (expected or 0.0) - (status.hashrate_hs or 0.0)
    only = only or _whole_reason(status)
    if only is not None:
        return (Loss(only, missing),) if missing else ()
    dead = _share(_dead_boards_hs(status, expected or 0.0), missing)
    limited = _share((expected or 0.0) - _limit_hs(status, expected or 0.0), missing - dead)
    hidden = _share(_unread_boards_hs(status, expected or 0.0), missing - dead - limited)
    rest = missing - dead - limited - hidden
    found = (
        Loss("dead-board", dead), Loss("limited", limited), Loss("unreadable", hidden),
        Loss(_rest_reason(status, rest), rest),
    )  # fmt: skip
    return tuple(loss for loss in found if loss.hashrate_hs)


def _rest_reason(status: StoredStatus, rest_hs: float) -> Reason:
    comes_up = status.state_s is not None and status.state_s < RAMP_S
    return "stopped" if rest_hs > 0 and comes_up else "weak"


def _limit_hs(status: StoredStatus, expected: float) -> float:
    """Return what a limit leaves of what is expected. A node of 0.1.0 says only by how much the dimmer is down."""
    limit = _number(status, "limit_hs")
    return expected * _number(status, "throttle_percent", 100.0) / 100 if limit is None else limit


def _share(lost_hs: float, missing_hs: float) -> float:
    """Return how much of what is missing one reason explains: never more than all of it."""
    share = min(max(lost_hs, 0.0), max(missing_hs, 0.0))
    return missing_hs if share and missing_hs - share < ROUNDING_HS else share


def _dead_boards_hs(status: StoredStatus, expected: float) -> float:
    """Return what the boards would give that are broken, or not even listed any more."""
    broken = [board for board in status.hashboards if board.works is False]
    listed, boards = boards_of(status)
    gone = len(broken) + boards - listed
    return expected * gone / boards - sum(board.hashrate_hs or 0.0 for board in broken) if gone else 0.0


def _unread_boards_hs(status: StoredStatus, expected: float) -> float:
    """Return what the boards would give that give nothing and do not say why."""
    unread = sum(board.works is None and not board.hashrate_hs for board in status.hashboards)
    return expected * unread / boards_of(status)[1] if unread else 0.0


def boards_of(status: StoredStatus) -> tuple[float, float]:
    """Return how many boards a status lists, and how many there are."""
    listed = _number(status, "boards_listed", len(status.hashboards))
    return listed, max(_number(status, "boards_expected", listed), listed)


def _whole_reason(status: StoredStatus) -> Reason | None:
    """Return the one reason for all that is missing; None for a miner that mines."""
    if not status.readable:
        return "unreadable"
    if status.state == "failure":
        return "failure"
    if status.state == "auto-tuning":
        return "tuning"
    if status.state in HASHING_STATES:
        return None
    return "planned" if status.extra.get(PLANNED) is True else "stopped"


@overload
def _number(status: StoredStatus, name: str, usual: float) -> float: ...
@overload
def _number(status: StoredStatus, name: str) -> float | None: ...
def _number(status: StoredStatus, name: str, usual: float | None = None) -> float | None:
    """Return one of the small things of a status; another node may have told anything under this name."""
    value = status.extra.get(name)
    return value if isinstance(value, int | float) and 0 <= value <= HIGHEST else usual
