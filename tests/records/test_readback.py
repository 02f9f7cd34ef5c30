"""What a miner shows of an order: the cases that no simulated miner brings about."""

from __future__ import annotations

from typing import Any

import pytest

from hived.records.readback import judge
from hived.records.steering import Seen

HASHES = Seen(at=0.0, state="mining", state_s=5000.0, hashrate_hs=90e12, power_w=3000.0)


def seen(at: float, **values: Any) -> Seen:
    told: dict[str, Any] = {"state": "mining", "state_s": 5000.0 + at, "hashrate_hs": 90e12}
    return Seen(at, **(told | values))


@pytest.mark.parametrize(("asked", "shown"), [("stratum+tcp://a.example:1", "a.example:1"), ("a.example:1", None)])
def test_a_pool_is_the_same_with_and_without_the_usual_scheme(asked: str, shown: str | None) -> None:
    args = {"pools": [{"slot": 0, "url": asked, "user": "farm"}]}
    for url, verdict in ((shown or f"stratum+tcp://{asked}", "done"), ("stratum+ssl://a.example:1", "waits")):
        now = seen(60.0, pools=({"slot": 0, "url": url, "user": "farm"},))
        assert judge("pools", args, HASHES, now, sent_at=1.0) == verdict


@pytest.mark.parametrize(
    ("now", "verdict"),
    [
        (seen(60.0, throttle_percent=100.0), "waits"),
        (seen(60.0, throttle_percent=100.0, state_s=40.0), "restarted"),
        (seen(60.0, throttle_percent=100.0, state_s=None), "waits"),
        (seen(60.0, throttle_percent=100.0, state="initializing", state_s=10.0), "restarted"),
        (seen(60.0, throttle_percent=100.0, state="shutting-down", state_s=2.0), "waits"),
        (seen(60.0, throttle_percent=100.0, state="auto-tuning", state_s=10.0), "waits"),
        (seen(60.0, throttle_percent=50.0, state_s=40.0), "done"),
    ],
)
def test_whose_mining_began_anew_instead_has_restarted(now: Seen, verdict: str) -> None:
    assert judge("dimmer", {"percent": 50}, HASHES, now, sent_at=1.0) == verdict


@pytest.mark.parametrize(
    ("shown", "verdict"),
    [
        ({"mode": "auto", "percent": None, "target_c": 60}, "done"),
        ({"mode": "auto", "percent": None, "target_c": 65}, "half"),
        ({"mode": "manual", "percent": 60, "target_c": None}, "waits"),
        (None, "unreadable"),
    ],
)
def test_cooling_by_temperature_has_a_target(shown: dict[str, Any] | None, verdict: str) -> None:
    args = {"mode": "auto", "percent": None, "target_c": 60}
    assert judge("cooling", args, HASHES, seen(60.0, cooling=shown), sent_at=1.0) == verdict


def test_a_miner_that_says_it_was_dimmed_to_nothing_is_judged_by_what_it_says_now() -> None:
    before = Seen(at=0.0, state="mining", hashrate_hs=90e12, power_w=3000.0, throttle_percent=0.0)
    now = seen(60.0, throttle_percent=50.0, power_w=1500.0)
    assert judge("dimmer", {"percent": 50}, before, now, sent_at=1.0) == "done"
