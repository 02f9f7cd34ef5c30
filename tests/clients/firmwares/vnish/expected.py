"""What each capture under fixtures/vnish says, written down by reading it: the whole record for each reply."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hived.clients.firmwares.vnish import parse, parse_boards, parse_summary
from hived.records.miner import (
    ApiKey,
    ChipReading,
    HashboardChips,
    MinerIdentity,
    MinerSettings,
    ModelInfo,
    Preset,
    SensorReading,
    TuningReading,
)
from tests.clients.firmwares.vnish.summaries import (
    S19_FAILURE,
    S19_RUNNING,
    S19JPRO_RC3,
    S19KPRO_13,
    S21_MINING,
    S21PRO_TUNING,
    G,
)

T = 1e12

Parser = Callable[[bytes], Any]


def ladder(*steps: tuple[int, int]) -> tuple[Preset, ...]:
    """Untuned steps of (W, TH/s) after "disabled"."""
    rest = tuple(Preset(str(watts), float(watts), ths * T, False, False) for watts, ths in steps)
    return (Preset("disabled", None, None, False, False), *rest)


S19_TOPOLOGY = (
    (16, 17, 18, 19, 56, 57, 58, 59),
    (15, 14, 21, 20, 55, 54, 61, 60),
    (12, 13, 22, 23, 52, 53, 62, 63),
    (11, 10, 25, 24, 51, 50, 65, 64),
    (8, 9, 26, 27, 48, 49, 66, 67),
    (7, 6, 29, 28, 47, 46, 69, 68),
    (4, 5, 30, 31, 44, 45, 70, 71),
    (3, 2, 33, 32, 43, 42, 73, 72),
    (0, 1, 34, 35, 40, 41, 74, 75),
    (-1, -1, 37, 36, 39, 38, -1, -1),
)
S19_MODEL = ModelInfo("s19", "Antminer S19", 76, 3, S19_TOPOLOGY, "x19")
S19_TUNING = TuningReading("disabled", "Disabled", False, None)


def s19_board(index: int, ghs: float, ideal_ghs: float, *sensors: tuple[int, float, float]) -> HashboardChips:
    """76 chips, all red and silent in the first minutes; sensors are (position, board, chip)."""
    chip = {"hashrate_hs": 0.0, "frequency_mhz": 675.0, "errors": 0, "grade": "red", "throttled": False}
    return HashboardChips(
        index,
        "mining",
        hashrate_hs=ghs * G,
        expected_hashrate_hs=ideal_ghs * G,
        frequency_mhz=675.0,
        chips=tuple(ChipReading(at, **chip) for at in range(76)),  # type: ignore[arg-type]
        sensors=tuple(SensorReading(position, "measure", pcb, die) for position, pcb, die in sensors),
    )


NETWORK = {
    "hostname": "Antminer",
    "dhcp": True,
    "ipaddress": "192.168.15.44",
    "netmask": "255.255.255.0",
    "gateway": "192.168.15.1",
    "dnsservers": ["192.168.15.1", "1.1.1.1"],
}
COMMON_MISC = {
    "asic_boost": False,
    "restart_hashrate": 0,
    "disable_restart_unbalanced": False,
    "disable_chain_break_protection": False,
    "bitmain_disable_volt_comp": False,
    "quick_start": False,
    "tuner_bad_chip_hr_threshold": 50,
}
S21PRO_SETTINGS = MinerSettings(
    {
        "pools": [{"url": "stratum.braiins.com:3333", "user": "farm.worker01"}] * 2,
        "requested_preset": "3160",
        "preset_switcher": {
            "enabled": True,
            "top_preset": "4690",
            "decrease_temp": 75,
            "rise_temp": 55,
            "check_time": 300,
            "autochange_top_preset": True,
            "ignore_fan_speed": False,
            "min_preset": "2550",
            "power_delta": 0,
        },
        "globals": {"volt": 1270, "freq": 555},
        "cooling": {
            "mode": {"name": "auto", "param": 65},
            "fan_min_count": 4,
            "fan_min_duty": 10,
            "fan_max_duty": 100,
        },
        "network": NETWORK,
        "misc": COMMON_MISC
        | {
            "restart_temp": 90,
            "max_restart_attempts": 3,
            "higher_volt_offset": 0,
            "remain_stopped_on_reboot": True,
            "ignore_broken_sensors": False,
            "disable_volt_checks": False,
            "quiet_mode": False,
            "downscale_preset_on_failure": False,
            "auto_chip_throttling": False,
            "max_startup_delay_time": 0,
            "ignore_chip_sensors": False,
            "min_operational_chains": 3,
        },
        "timezone": "GMT",
    }
)
T19_SETTINGS = MinerSettings(
    {
        "pools": [{"url": f"btc.foundryusapool.com:{port}", "user": "farm.worker01"} for port in (3333, 443, 25)],
        "requested_preset": "3486",
        "preset_switcher": None,
        "globals": {"volt": 1400, "freq": 610},
        "cooling": {"mode": {"name": "auto", "param": 60}},
        "network": NETWORK,
        "misc": COMMON_MISC | {"restart_temp": 85, "max_restart_attempts": 0, "higher_volt_offset": 100},
        "timezone": "GMT",
    }
)

S19_LADDER = ladder(
    *((1100, 53), (1300, 58), (1500, 63), (1700, 68), (1900, 73), (2100, 78), (2350, 85), (2620, 91)),
    *((2950, 99), (3200, 102), (3350, 105), (3750, 110), (4000, 115), (4260, 120), (4690, 124)),
)
S21PRO_LADDER = ladder(
    *((2550, 170), (2640, 176), (2710, 182), (2800, 188), (2890, 194), (2980, 200), (3070, 206)),
    *((3160, 212), (3250, 218), (3340, 224), (3430, 230), (3520, 236), (3610, 242), (3700, 248)),
    *((3790, 254), (3880, 260), (3970, 266), (4060, 271), (4150, 277), (4240, 283), (4330, 289)),
    *((4420, 295), (4510, 301), (4600, 307), (4690, 313)),
)
TUNED_LADDER = (
    Preset("disabled", None, None, False, False),
    Preset("1500", 1500.0, 64 * T, False, True),
    Preset("1700", 1700.0, 67 * T, False, False),
    Preset("2300", 2300.0, 76 * T, False, True),
)

EXPECTED: dict[str, tuple[Parser, Any]] = {
    "s19-1.2.6-running/info.json": (
        parse.identity,
        MinerIdentity(
            mac="02:0e:7e:00:00:21",
            model_name="Antminer S19",
            model_alias="s19",
            firmware_version="1.2.6",
            hostname="Antminer",
            platform="xil",
            uptime_s=120.0,
            address="192.168.1.21",
        ),
    ),
    "s19-1.2.6-running/model.json": (parse.model, S19_MODEL),
    "s19-1.2.6-running/summary.json": (parse_summary.summary, S19_RUNNING),
    "s19-1.2.6-running/perf-summary.json": (parse.perf_summary, S19_TUNING),
    "s19-1.2.6-running/chains.json": (
        parse_boards.boards,
        (
            s19_board(1, 13921.459, 31959.9, (16, 33, 43), (59, 32, 42), (37, 36, 46), (38, 37, 47)),
            s19_board(2, 13183.612, 31959.9, (16, 35, 45), (59, 34, 44), (37, 33, 43), (38, 35, 45)),
            s19_board(3, 18.384, 0.0, (16, 29, 39), (59, 27, 37), (37, 28, 38), (38, 28, 38)),
        ),
    ),
    "s19-1.2.6-running/autotune_presets.json": (parse.presets, S19_LADDER),
    "s19-1.2.6-running/apikeys.json": (
        parse.api_keys,
        (ApiKey("0123456789abcdef0123456789abcdef", "PowerHive"),),
    ),
    "s19-1.2.6-running/post_unlock.json": (parse.token, "AbCdEfGhIjKlMnOpQrStUvWxYz012345"),
    "s19-1.2.6-failure/info.json": (
        parse.identity,
        MinerIdentity(
            mac="02:0e:7e:00:00:02",
            model_name="Antminer S19",
            model_alias="s19",
            firmware_version="1.2.6",
            hostname="antminer",
            platform="xil",
            uptime_s=360.0,
            address="192.168.1.2",
        ),
    ),
    "s19-1.2.6-failure/model.json": (parse.model, S19_MODEL),
    "s19-1.2.6-failure/summary.json": (parse_summary.summary, S19_FAILURE),
    "s19-1.2.6-failure/perf-summary.json": (parse.perf_summary, S19_TUNING),
    "s19-1.2.6-failure/chains.json": (parse_boards.boards, ()),
    "s21-1.2.6-rc5-mining/info.json": (
        parse.identity,
        MinerIdentity(
            mac="aa:bb:cc:11:22:33",
            model_name="Antminer S21",
            model_alias="s21",
            firmware_version="1.2.6-rc5",
            hostname="Antminer",
            platform="aml",
            uptime_s=(24 + 17) * 3600 + 2 * 60.0,
            address="192.168.1.150",
        ),
    ),
    "s21-1.2.6-rc5-mining/summary.json": (parse_summary.summary, S21_MINING),
    "s21pro-1.2.7-autotuning/info.json": (
        parse.identity,
        MinerIdentity(
            mac="02:0e:7e:00:00:33",
            model_name="Antminer S21 Pro",
            model_alias="s21pro",
            firmware_version="1.2.7",
            hostname="Antminer",
            platform="aml",
            uptime_s=1 * 3600 + 55 * 60.0,
            address="172.16.2.103",
        ),
    ),
    "s21pro-1.2.7-autotuning/summary.json": (parse_summary.summary, S21PRO_TUNING),
    "s21pro-1.2.7-autotuning/perf-summary.json": (
        parse.perf_summary,
        TuningReading("2800", "2800 watt ~ 188 TH", False, "4690"),
    ),
    "s21pro-1.2.7-autotuning/settings.json": (parse.settings, S21PRO_SETTINGS),
    "s21pro-1.2.7-autotuning/autotune_presets.json": (parse.presets, S21PRO_LADDER),
    "s19jpro-1.2.0-rc3-mining/summary.json": (parse_summary.summary, S19JPRO_RC3),
    "s19kpro-1.3.3-fixture/info.json": (
        parse.identity,
        MinerIdentity(
            mac="02:00:00:00:00:01",
            model_name="Antminer S19k Pro",
            model_alias="s19kpro",
            firmware_version="1.3.3",
            hostname="Antminer",
            serial="TEST000000000001",
            platform="aml",
            uptime_s=3600.0,
            address="192.168.1.100",
        ),
    ),
    "s19kpro-1.3.3-fixture/summary.json": (parse_summary.summary, S19KPRO_13),
    "t19-1.2.0-beta-settings/settings.json": (parse.settings, T19_SETTINGS),
    "tuned-presets-fixture/autotune_presets.json": (parse.presets, TUNED_LADDER),
}

FOREIGN = {
    "s21pro-1.2.7-autotuning/root.html": "html",
    "s19-1.2.6-failure/chains_factory-info.json": "generic-json",
    "s19-1.2.6-failure/metrics.json": "generic-json",
    "s19-1.2.6-failure/status.json": "generic-json",
    "s19-1.2.6-running/status.json": "generic-json",
    "s21-1.2.6-rc5-mining/status.json": "generic-json",
    "replies-documented/post_find-miner.json": "generic-json",
    "replies-documented/post_mining_stop.json": "generic-json",
    "replies-documented/post_settings.json": "generic-json",
    "replies-documented/post_system_reboot.json": "generic-json",
}
"""Replies that no record is made of: a scan must tell them from an /info."""
