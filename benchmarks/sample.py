"""A made-up site for benchmarks that need rows but no network: what a poll of an S19j Pro brings."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from hived.records.miner import (
    ChipReading,
    FanReading,
    HashboardChips,
    HashboardReading,
    MinerIdentity,
    PoolReading,
    SensorReading,
)
from hived.records.miner_view import PollOutcome, StoredStatus
from hived.store import Database
from hived.store.miners import miners

BOARDS, CHIPS = 3, 126


def find(db: Database, count: int, at: float) -> list[int]:
    """Store miners as discovery does; return their numbers."""
    nums: list[int] = []
    for n in range(count):
        identity = MinerIdentity(
            mac=f"02:0e:7e:00:{n >> 8:02x}:{n & 255:02x}", model_name="Antminer S19j Pro", model_alias="s19jpro",
            firmware_version="1.2.7", hostname=f"miner-{n}", platform="xil", uptime_s=86_400.0,
        )  # fmt: skip
        sighting = miners.Sighting(identity, f"127.40.{n >> 8}.{n & 255}", at, "vnish", "chips password settings")
        num = miners.saw(db, sighting, node_id="bench").num
        miners.keep_access(db, num, f"{n:032x}", at)
        nums.append(num)
    return nums


def outcomes(nums: list[int], at: float, random: Random, *, chips_of_every: int) -> Iterator[PollOutcome]:
    """Yield one poll of each miner, 15 ms apart; every so many-th one also has read its chips."""
    for i, num in enumerate(nums):
        now = at + i * 0.015
        status = _status(num, now, random)
        yield PollOutcome(
            num=num, at=now, status=status, next_status_at=now + 15, active_pool="stratum+tcp://pool.example:3333",
            boards_seen=(1, 2, 3), fans_seen=(0, 1, 2, 3),
        )  # fmt: skip
        if i % chips_of_every == 0:
            yield PollOutcome(num=num, at=now, boards=tuple(_chips(b, random) for b in range(1, BOARDS + 1)))


def _status(num: int, at: float, random: Random) -> StoredStatus:
    boards = tuple(
        HashboardReading(
            index=i, state="mining", hashrate_hs=random.gauss(31.2e12, 3e11), expected_hashrate_hs=31.4e12,
            power_w=random.gauss(830, 5), voltage_mv=13_700.0, frequency_mhz=545.0, pcb_temp_min_c=48.0,
            pcb_temp_max_c=57.0 + random.randint(0, 4), chip_temp_min_c=61.0,
            chip_temp_max_c=70.0 + random.randint(0, 4), hardware_errors=random.randint(0, 40), chips_grey=125,
            chips_orange=1, chips_red=0,
        )
        for i in range(1, BOARDS + 1)
    )  # fmt: skip
    rate = sum(board.hashrate_hs or 0 for board in boards)
    return StoredStatus(
        num=num, at=at, state="mining", preset="2500", hashrate_hs=rate, average_hashrate_hs=93.1e12,
        expected_hashrate_hs=94.2e12, power_w=random.gauss(2490, 10), reported_power_w=2488.0, state_s=at % 1e6,
        chip_temp_max_c=74.0, pcb_temp_max_c=59.0, chip_temp_min_c=61.0, pcb_temp_min_c=48.0, psu_temp_max_c=47.0,
        fan_duty_percent=64.0, hardware_errors=sum(board.hardware_errors or 0 for board in boards), found_blocks=0,
        restart_count=1, hashboards=boards,
        fans=tuple(FanReading(i, 4_300 + random.randint(0, 9) * 60, 6_000, "ok") for i in range(4)),
        pools=(
            PoolReading(
                0, "stratum+tcp://pool.example:3333", "farm.worker01", "user", "active", random.randint(1, 99_999),
                3, 0, "131K", 21, 4.0,
            ),
            PoolReading(1, "DevFee", "DevFee", "devfee", "active"),
        ),
        extra={"devfee_percent": 2.0, "hardware_error_percent": 0.01, "preset_label": "2500 watt ~ 92 TH"},
    )  # fmt: skip


def _chips(index: int, random: Random) -> HashboardChips:
    chips = tuple(
        ChipReading(
            i, random.gauss(250e9, 5e9), 545.0, 318.0, 62.0 + random.randint(0, 8), random.randint(0, 3), "grey"
        )
        for i in range(CHIPS)
    )
    sensors = tuple(SensorReading(p, "measure", 48.0 + p % 7, 62.0 + p % 7) for p in (5, 40, 85, 120))
    return HashboardChips(index, "mining", None, 31.2e12, 31.4e12, 545.0, chips, sensors)
