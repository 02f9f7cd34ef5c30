"""The documents a miner answers with: the captured key order and field set, filled with the values of the moment."""

from __future__ import annotations

import json
import math
from typing import Any

from hived.simulator.miners import captures
from hived.simulator.miners.captures import Json
from hived.simulator.miners.miner import SimulatedMiner
from hived.simulator.miners.models import CHAINS, DISABLED, Preset
from hived.simulator.miners.settings import cooling_consts, overclock_consts
from hived.simulator.miners.snapshot import Board, Pool, Snapshot

_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False)


def encode(document: Any) -> bytes:
    return _ENCODER.encode(document).encode()


def uptime_text(seconds: float, *, padded: bool = False) -> str:
    """Write a duration as the uptime command does: "0:06", "1:55", "1 days, 17:02", "9 days,  3:58".

    Some builds pad the hours of the first day, too: " 1:00".
    """
    minutes = int(seconds) // 60
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} days, {hours:2d}:{minutes:02d}"
    return f"{hours:2d}:{minutes:02d}" if padded and hours else f"{hours}:{minutes:02d}"


def difficulty_text(difficulty: int) -> str:
    """Write a difficulty with three digits: "131K", "16.4K", "8.19K"; "" for none."""
    if not difficulty:
        return ""
    thousands = difficulty / 1000
    digits = max(2 - int(math.log10(thousands)), 0) if thousands >= 1 else 3
    return f"{thousands:.{digits}f}K"


def duration_text(seconds: float | None) -> str:
    """Write the age of a share: "0:00:14", or "0" when there was none."""
    if seconds is None:
        return "0"
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def info(miner: SimulatedMiner) -> Json:
    """Build /info."""
    spec, shape = miner.spec, captures.INFO[miner.spec.capture]
    system = shape["system"]
    free = int(system["mem_free"] * (1 - miner.traits.memory_used))
    network = miner.settings["network"]
    gateway = network["gateway"]
    values = {
        "mem_free": free,
        "mem_free_percent": 100 * free // system["mem_total"],
        "miner_name": spec.alias,
        "network_status": {
            **system["network_status"],
            "mac": miner.mac.upper(),
            "dhcp": network["dhcp"],
            "ip": miner.ip,
            "netmask": network["netmask"],
            "gateway": gateway,
            "dns": [gateway],
            "hostname": miner.hostname,
        },
        "uptime": uptime_text(miner.now() - miner.unit.booted_at, padded=spec.alias == "s19jpro"),
    }
    return {
        **shape,
        "miner": spec.full_name,
        "model": spec.alias,
        "fw_version": spec.fw_version,
        "platform": spec.platform,
        "build_time": spec.build_time,
        "serial": miner.serial,
        "system": {**system, **values},
    }


def model(miner: SimulatedMiner) -> Json:
    """Build /model."""
    spec = miner.spec
    return {
        **captures.MODEL,
        "full_name": spec.full_name,
        "model": spec.alias,
        "series": spec.series,
        "platform": spec.platform,
        "serial": miner.serial,
        "chain": {
            "chips_per_chain": spec.chips,
            "chips_per_domain": spec.chips_per_domain,
            "num_chains": CHAINS,
            "topology": {
                "chips": spec.topology,
                "num_cols": len(spec.topology[0]),
                "num_rows": len(spec.topology),
            },
        },
        "cooling": cooling_consts(),
        "overclock": overclock_consts(spec),
    }


def status(miner: SimulatedMiner, *, unlocked: bool) -> Json:
    """Build /status. `unlocked` tells whether this very request carried valid credentials."""
    view = miner.snapshot()
    document: Json = {"miner_state": view.phase.state, "miner_state_time": view.state_seconds}
    if view.failure:
        document["description"], document["failure_code"] = view.failure[1], view.failure[0]
    document["find_miner"] = miner.unit.finding
    document["restart_required"] = miner.restart_required
    document["reboot_required"] = False
    document["unlocked"] = unlocked
    timeout = miner.access.unlock_timeout(miner.now())
    if timeout is not None:
        document["unlock_timeout"] = timeout
    return document


def summary(miner: SimulatedMiner) -> Json:
    """Build /summary."""
    view, spec = miner.snapshot(), miner.spec
    shape = captures.SUMMARY[spec.capture]
    realtime, average, power = view.realtime_ghs, view.average_ghs, view.power_w
    power = power if miner.stuck_power_w is None else miner.stuck_power_w
    low, high = view.pcb_range
    over = spec.chip_over_pcb_c if view.boards else 0
    mode = miner.settings["miner"]["cooling"]["mode"]["name"]
    values: Json = {
        "miner_status": _miner_status(miner, view, shape.status),
        "miner_type": spec.miner_type,
        "hr_stock": int(view.stock_ghs) if spec.boards_api else view.stock_ghs,
        "average_hashrate": round(average / 1000, 6),
        "instant_hashrate": round(realtime / 1000, 6),
        "hr_realtime": realtime,
        "hr_nominal": view.nominal_ghs,
        "hr_average": average,
        "pcb_temp": {"min": low, "max": high},
        "chip_temp": {"min": low + over, "max": high + over},
        "power_consumption": power,
        "power_usage": power,
        "power_efficiency": round(power / (average / 1000), 6) if average >= 1 else 0.0,
        "hw_errors_percent": 0.0,
        "hr_error": round(sum(board.error_ghs for board in view.boards), 3),
        "hw_errors": sum(board.errors for board in view.boards),
        "devfee_percent": view.devfee_percent,
        "devfee": round(view.devfee_percent / 100 * realtime, 4),
        "restart_count": 0,
        "pools": [_pool(miner, index, pool, shape.pool) for index, pool in enumerate(view.pools)],
        "cooling": _pick(
            shape.cooling,
            {
                "fan_num": len(view.fans),
                "fans": [
                    _pick(
                        shape.fan,
                        {
                            "id": index,
                            "rpm": fan.rpm,
                            "status": "lost" if fan.lost else "ok",
                            "max_rpm": spec.max_rpm,
                        },
                    )
                    for index, fan in enumerate(view.fans)
                ],
                "settings": {"mode": {"name": "immersion" if mode == "immers" else mode}},
                "fan_duty": view.fan_duty,
            },
        ),
        "chains": [_chain(board, over) for board in view.boards],
        "found_blocks": 0,
        "best_share": view.best_share,
        "psu": _psu(miner, view, shape.psu),
    }
    if values["hr_error"] and realtime:
        values["hw_errors_percent"] = round(100 * values["hr_error"] / realtime, 3)
    keys = captures.FAILURE_MINER if view.phase.failure == "bad-config" and not spec.boards_api else shape.miner
    if spec.capture == "s21pro-1.2.7" and spec.alias != "s21pro":
        keys = tuple(key for key in keys if key != "psu")  # absent in most captures, and in all of this model
    return {"miner": _pick(keys, values)}


def _pick(keys: tuple[str, ...], values: Json) -> Json:
    return {key: values[key] for key in keys}


def _miner_status(miner: SimulatedMiner, view: Snapshot, keys: tuple[str, ...]) -> Json:
    values: Json = {
        "miner_state": view.phase.state,
        "miner_state_time": view.state_seconds,
        "throttled": miner.throttle_percent,
    }
    document = _pick(keys, values)
    if view.failure:
        document["description"], document["failure_code"] = view.failure[1], view.failure[0]
    return document


def _pool(miner: SimulatedMiner, index: int, pool: Pool, keys: tuple[str, ...]) -> Json:
    serving = pool.status == "active"
    return _pick(
        keys,
        {
            "id": index,
            "url": pool.url,
            "pool_type": "DevFee" if pool.devfee else "UserPool",
            "user": pool.user,
            "status": pool.status,
            "asic_boost": bool(pool.difficulty) or not pool.devfee,
            "diff": difficulty_text(pool.difficulty),
            "accepted": pool.accepted,
            "rejected": pool.rejected,
            "stale": pool.stale,
            "ls_diff": float(pool.difficulty if pool.accepted else 0),
            "ls_time": duration_text(pool.last_share_s),
            "diffa": float(pool.accepted * pool.difficulty),
            "ping": miner.traits.ping_ms if serving else 0,
        },
    )


def _chain(board: Board, over: int) -> Json:
    low, high = min(board.sensors_c), max(board.sensors_c)
    state: Json = {"state": board.state}
    if board.message:
        state["description"] = board.message
    return _pick(
        captures.CHAIN,
        {
            "id": board.number,
            "frequency": board.frequency,
            "voltage": board.voltage_mv,
            "power_consumption": board.power_w,
            "hashrate_ideal": board.ideal_ghs,
            "hashrate_rt": board.rate_ghs,
            "hashrate_percentage": board.percentage,
            "hr_error": board.error_ghs,
            "hw_errors": board.errors,
            "pcb_temp": {"min": low, "max": high},
            "chip_temp": {"min": low + over, "max": high + over},
            "chip_statuses": {"red": board.red, "orange": board.orange, "grey": board.grey},
            "status": state,
        },
    )


def _psu(miner: SimulatedMiner, view: Snapshot, shape: Json | None) -> Json | None:
    """Return the captured psu object with living temperatures; nonsense ones (-12) stay as they are."""
    if shape is None:
        return None
    base = round(miner.traits.ambient_c + 18 * view.warmth)
    order = sorted(shape["temps"].values())
    temps = {name: temp if temp < 0 else base + order.index(temp) for name, temp in shape["temps"].items()}
    return {**shape, "temps": temps}


def perf_summary(miner: SimulatedMiner) -> Json:
    """Build /perf-summary: the running preset, which need not be the requested one, and the switcher."""
    preset = miner.preset
    current: Json = {
        "name": preset.name,
        "pretty": preset.pretty,
        "status": _tuned(miner, preset),
        "modded_psu_required": False,
    }
    if preset.name == DISABLED:
        current["globals"] = {"volt": miner.spec.default_10mv, "freq": miner.spec.default_mhz}
    return {
        "current_preset": current,
        "preset_switcher": miner.settings["miner"]["overclock"]["preset_switcher"],
    }


def _tuned(miner: SimulatedMiner, preset: Preset) -> str:
    return "tuned" if preset.name in miner.tuned else "untuned"


def presets(miner: SimulatedMiner) -> list[Json]:
    """Build /autotune/presets: a bare list, "disabled" first and with its zeros as captured."""
    spec = miner.spec
    zeros = [{"freq": 0, "chips": [0] * spec.chips} for _ in range(CHAINS)]
    result: list[Json] = []
    for preset in spec.presets:
        entry: Json = {
            "name": preset.name,
            "pretty": preset.pretty,
            "status": _tuned(miner, preset),
            "modded_psu_required": False,
        }
        if preset.name == DISABLED:
            entry["tune_settings"] = {
                "hashrate": 0,
                "volt": spec.default_10mv * 10,
                "freq": spec.default_mhz,
                "chains": zeros,
                "modified": True,
            }
        elif preset.name in miner.tuned:
            entry["tune_settings"] = _tune_settings(miner, preset)
        result.append(entry)
    return result


def _tune_settings(miner: SimulatedMiner, preset: Preset) -> Json:
    spec = miner.spec
    mhz = round(preset.ths * 1020 / (CHAINS * spec.chips * spec.ghs_per_mhz))
    return {
        "hashrate": round(preset.ths * 1000),
        "volt": 5 * round(spec.default_10mv * 10 * (0.82 + 0.15 * preset.ths * 1000 / spec.hr_stock_ghs) / 5),
        "freq": mhz,
        "chains": [
            {"freq": mhz, "serial": board.serial, "chips": [mhz + step for step in board.chip_steps_mhz]}
            for board in miner.traits.boards
        ],
        "modified": False,
    }
