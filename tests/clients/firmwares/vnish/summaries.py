"""The readings that the captured /summary replies hold, written down by reading them."""

from __future__ import annotations

from typing import Any

from hived.records.miner import FanReading, HashboardReading, MinerReading, PoolReading

G = 1e9


def fans(*rpm: int, max_rpm: int | None, status: str | None = "ok") -> tuple[FanReading, ...]:
    return tuple(FanReading(index, speed, max_rpm, status) for index, speed in enumerate(rpm))


def devfee(index: int, **told: Any) -> PoolReading:
    return PoolReading(index, "DevFee", "DevFee", "devfee", stale=0, **told)


def standby(index: int, url: str, user: str, difficulty: str | None) -> PoolReading:
    """A connected spare pool that has had no share yet."""
    return PoolReading(index, url, user, "user", "working", 0, 0, 0, difficulty, ping_ms=0)


def board(
    index: int,
    ghs: float,
    ideal_ghs: float,
    power_w: float | None,
    clocks: tuple[float, float],
    temps: tuple[float, float, float, float],
    errors: int,
    grades: tuple[int, int, int],
) -> HashboardReading:
    """`clocks` is mV and MHz, `temps` pcb min, pcb max, chip min, chip max, `grades` grey, orange, red."""
    return HashboardReading(index, "mining", None, ghs * G, ideal_ghs * G, power_w, *clocks, *temps, errors, *grades)


S19_RUNNING = MinerReading(
    state="mining",
    state_s=80.0,
    hashrate_hs=50802.227 * G,
    average_hashrate_hs=27123.457 * G,
    expected_hashrate_hs=63919.8 * G,
    nameplate_hashrate_hs=95879.0 * G,
    power_w=None,  # 0 W at 50 TH/s: nothing meters it
    reported_power_w=0.0,
    pcb_temp_min_c=27.0,
    pcb_temp_max_c=37.0,
    chip_temp_min_c=37.0,
    chip_temp_max_c=47.0,
    hardware_errors=0,
    hardware_error_percent=0.0,
    devfee_percent=0.0,
    fan_duty_percent=28.0,
    cooling_mode="auto",
    fans=fans(1800, 1800, 1440, 1800, max_rpm=6000),
    pools=(
        PoolReading(0, "btc-latin.f2pool.com:1314", "farm.worker01", "user", "active", 2, 0, 0, "131K", 35, 14.0),
        devfee(1, status="working", accepted=0, rejected=0, ping_ms=0),
    ),
    hashboards=(
        board(1, 26384.195, 31959.9, None, (13800, 675), (32, 37, 42, 47), 0, (0, 0, 76)),
        board(2, 24416.275, 31959.9, None, (13800, 675), (32, 35, 42, 45), 0, (0, 0, 76)),
        board(3, 1.756137, 0.0, None, (13800, 675), (27, 29, 37, 39), 0, (0, 0, 76)),
    ),
    best_share=329467,
    found_blocks=0,
)

S19_FAILURE = MinerReading(
    state="failure",
    state_s=1.0,
    failure_code=1002,
    description="Failed to parse miner configuration",
    hashrate_hs=0.0,
    average_hashrate_hs=0.0,
    expected_hashrate_hs=0.0,
    power_w=0.0,
    reported_power_w=0.0,
    hardware_errors=0,
    hardware_error_percent=0.0,
    devfee_percent=0.0,
    fan_duty_percent=0.0,
    cooling_mode="auto",
    pools=(devfee(0, status="working", accepted=0, rejected=0, ping_ms=0),),
    best_share=0,
    found_blocks=0,
)

S21_MINING = MinerReading(
    state="mining",
    state_s=147708.0,
    hashrate_hs=181060.66 * G,
    average_hashrate_hs=179911.0 * G,
    expected_hashrate_hs=187892.94 * G,
    nameplate_hashrate_hs=235651.0 * G,
    power_w=3869.0,
    reported_power_w=3869.0,
    pcb_temp_min_c=52.0,
    pcb_temp_max_c=71.0,
    chip_temp_min_c=67.0,
    chip_temp_max_c=86.0,
    hardware_errors=1494,
    hardware_error_percent=0.014,
    devfee_percent=2.799,
    fan_duty_percent=100.0,
    cooling_mode="auto",
    fans=fans(7000, 7000, 7000, 7000, max_rpm=7000),
    pools=(
        PoolReading(
            0,
            "sha256.stratum.examplepool.io:3333",
            "exampleuser.worker1",
            "user",
            "active",
            13070,
            27,
            35,
            "131K",
            25,
            0.0,
        ),
        standby(1, "sha256.stratum.examplepool.io:8080", "exampleuser.worker1", "32.8K"),
        PoolReading(2, "203.0.113.10:3333", "exampleuser.worker1", "user", "working", 43, 0, 51, "32.8K", 0, 4492.0),
        devfee(3, status="working", accepted=6395, rejected=28, difficulty="32.8K", ping_ms=0, last_share_s=132.0),
    ),
    hashboards=(
        board(1, 59595.152, 62630.98, 1289, (13300, 460), (52, 70, 67, 85), 3, (100, 7, 1)),
        board(2, 58144.516, 62630.98, 1289, (13300, 460), (55, 64, 70, 79), 1486, (98, 5, 5)),
        board(3, 63320.984, 62630.98, 1289, (13300, 460), (54, 71, 69, 86), 5, (108, 0, 0)),
    ),
    best_share=19332518214,
    found_blocks=0,
)

S21PRO_TUNING = MinerReading(
    state="auto-tuning",
    state_s=4422.0,
    hashrate_hs=173870.94 * G,
    average_hashrate_hs=174374.75 * G,
    expected_hashrate_hs=196517.17 * G,
    nameplate_hashrate_hs=237088.0 * G,
    power_w=2583.0,
    reported_power_w=2583.0,
    pcb_temp_min_c=39.0,
    pcb_temp_max_c=50.0,
    chip_temp_min_c=54.0,
    chip_temp_max_c=65.0,
    hardware_errors=57,
    hardware_error_percent=0.0,
    devfee_percent=2.812,
    fan_duty_percent=90.0,
    cooling_mode="auto",
    fans=fans(5880, 5880, 5940, 5940, max_rpm=6500),
    pools=(
        PoolReading(0, "stratum.braiins.com:3333", "farm.worker01", "user", "active", 1599, 9, 0, "262K", 8, 4.0),
        standby(1, "stratum.braiins.com:3333", "farm.worker01", None),
        devfee(2, status="active", accepted=224, rejected=1, difficulty="16.4K", ping_ms=49, last_share_s=13.0),
    ),
    hashboards=(
        board(1, 60797.19, 65505.727, 861, (13000, 495), (40, 50, 55, 65), 29, (59, 6, 0)),
        board(2, 57766.645, 65505.727, 861, (13000, 495), (40, 49, 55, 64), 20, (59, 6, 0)),
        board(3, 55307.1, 65505.727, 861, (13000, 495), (39, 49, 54, 64), 8, (56, 9, 0)),
    ),
    best_share=169988423,
    found_blocks=0,
    psu_temp_max_c=47.0,
)

S19JPRO_RC3 = MinerReading(
    state="mining",
    state_s=3564.0,
    hashrate_hs=54478.543 * G,
    average_hashrate_hs=54508.21 * G,
    expected_hashrate_hs=25905.6 * G * 3,  # no hr_nominal yet: the sum of the boards
    power_w=2631.0,
    reported_power_w=2631.0,
    pcb_temp_min_c=36.0,
    pcb_temp_max_c=50.0,
    chip_temp_min_c=51.0,
    chip_temp_max_c=65.0,
    hardware_errors=0,
    hardware_error_percent=0.0,
    devfee_percent=1.842,
    fan_duty_percent=100.0,
    cooling_mode="manual",
    fans=fans(5820, 5880, 5850, 5790, max_rpm=None, status=None),
    pools=(
        PoolReading(0, "btc.foundryusapool.com:3333", "farm.worker01", "user", "active", 258, 0, 0, "131K", 19, 11.0),
        standby(1, "btc.foundryusapool.com:443", "farm.worker01", "65.5K"),
        standby(2, "btc.foundryusapool.com:25", "farm.worker01", "65.5K"),
        devfee(3, status="offline", accepted=215, rejected=0, difficulty="2.05K", ping_ms=0, last_share_s=39.0),
    ),
    hashboards=(
        board(1, 25275.506, 25905.6, 878, (13600, 400), (36, 50, 51, 65), 0, (126, 0, 0)),
        board(2, 26131.725, 25905.6, 877, (13600, 400), (37, 49, 52, 64), 0, (125, 1, 0)),
        board(3, 26419.26, 25905.6, 876, (13600, 400), (36, 49, 51, 64), 0, (126, 0, 0)),
    ),
    best_share=198441277,
    found_blocks=0,
)

S19KPRO_13 = MinerReading(
    state="mining",
    state_s=3600.0,
    throttle_percent=100.0,
    hashrate_hs=22977.2 * G,
    average_hashrate_hs=23151.8 * G,
    expected_hashrate_hs=23471.0 * G,
    nameplate_hashrate_hs=138364 * G,
    power_w=683.0,
    reported_power_w=683.0,
    pcb_temp_min_c=43.0,
    pcb_temp_max_c=50.0,
    chip_temp_min_c=58.0,
    chip_temp_max_c=65.0,
    hardware_errors=1,
    hardware_error_percent=0.0,
    devfee_percent=2.8,
    fan_duty_percent=50.0,
    fans=fans(3000, 3010, max_rpm=6000),
    pools=(
        PoolReading(0, "btc.pool.example.com:3333", "worker1", "user", "active", 3897, 14, 5, "65.5K", 51, 10.0),
        standby(1, "btc.backup.example.com:3333", "worker1", "16.4K"),
    ),
    best_share=0,
    found_blocks=0,
    restart_count=0,
)
