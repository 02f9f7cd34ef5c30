"""The settings document of a miner: made from the captured one, changed by partial writes."""

from __future__ import annotations

from typing import Any

from hived.simulator.miners import captures
from hived.simulator.miners.captures import Json
from hived.simulator.miners.models import CHAINS, Model

POOL_SLOTS = 3

_MISC_ONLY_1_2 = ("higher_volt_offset", "remain_stopped_on_reboot")
_MISC_ONLY_1_3: Json = {
    "allow_disabling_chains_without_pics": False,
    "automatic_pause_on_boot": False,
    "keep_hashing_when_offline": False,
    "min_startup_delay_time": 0,
    "power_limit": 0,
    "power_limit_enabled": False,
    "restore_miner_state_on_reboot": False,
    "retune_on_chain_break": False,
}


class BadSettings(Exception):
    """The firmware would refuse this write; the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def cooling_consts() -> Json:
    return dict(captures.MODEL["cooling"])


def overclock_consts(model: Model) -> Json:
    """Return the limits in the order of /model: voltages in 10 mV, clocks in MHz."""
    values = {
        "max_voltage": model.max_10mv,
        "min_voltage": model.min_10mv,
        "default_voltage": model.default_10mv,
        "max_freq": 1000,
        "min_freq": 50,
        "default_freq": model.default_mhz,
        "warn_freq": model.warn_mhz,
        "max_voltage_stock_psu": min(model.max_10mv, 1500) if model.platform == "xil" else model.max_10mv,
    }
    if model.boards_api:
        values |= {"power_metering": True, "max_power_limit": model.ladder[-1].watts}
    return {key: values[key] for key in [*captures.MODEL["overclock"], *values] if key in values}


def initial(model: Model, *, preset: str, worker: str, hostname: str, ip: str, gateway: str) -> Json:
    """Return the settings of a unit as its owner set it up: two pools and a spare slot, fans on automatic."""
    shape = captures.SETTINGS
    misc: Json = dict(shape["miner"]["misc"])
    if model.boards_api:
        misc = {key: value for key, value in misc.items() if key not in _MISC_ONLY_1_2} | _MISC_ONLY_1_3
    else:
        misc["remain_stopped_on_reboot"] = False
    clocks = {"volt": model.default_10mv, "freq": model.default_mhz}
    chains = [{"freq": model.default_mhz, "chips": [0] * model.chips, "disabled": False} for _ in range(CHAINS)]
    switcher = dict(captures.PERF_SUMMARY_DISABLED["preset_switcher"])
    if model.alias == "s21pro":  # the captured unit has it on: asked for 3160, running 2800
        switcher = dict(captures.PERF_SUMMARY["preset_switcher"])
    if model.boards_api:
        switcher.pop("power_delta")
    network = {
        "hostname": hostname,
        "dhcp": True,
        "ipaddress": ip,
        "netmask": "255.255.255.0",
        "gateway": gateway,
        "dnsservers": [gateway],
    }
    values: Json = {
        "miner": {
            "cooling": {**shape["miner"]["cooling"], "mode": {"name": "auto", "param": 65}},
            "misc": misc,
            "overclock": {
                "modded_psu": False,
                "preset": preset,
                "globals": clocks,
                "chains": chains,
                "preset_switcher": switcher,
            },
            "pools": [
                {"url": "pool-a.example.com:3333", "user": worker, "pass": "x"},
                {"url": "pool-b.example.com:3333", "user": worker, "pass": "x"},
                {"url": "", "user": "", "pass": ""},
            ],
        },
        "ui": {
            **shape["ui"],
            "consts": {
                **shape["ui"]["consts"],
                "cooling": cooling_consts(),
                "overclock": overclock_consts(model),
            },
        },
        "regional": {"timezone": {"current": "GMT"}},
        "network": network,
        "password": None,
        "layout": None,
    }
    return {key: values[key] for key in shape}


def merged(document: Json, change: Json) -> Json:
    """Return the document with a partial change laid over it. Objects merge, the rest is replaced; null: not given."""
    result = dict(document)
    for key, value in change.items():
        old: Any = result.get(key)
        if value is None and old is not None:
            continue
        both = isinstance(old, dict) and isinstance(value, dict) and key != "mode"  # a mode is one of three shapes
        result[key] = merged(old, value) if both else value
    return result


def check(change: Any, model: Model) -> Json:
    """Return the write with its pools filled up to three slots.

    Raises BadSettings 400 for an unknown preset and 500 for what is not of the documented shape.
    """
    if not isinstance(change, dict):
        raise BadSettings(500, "Failed to parse config: expected an object")
    unknown = set(change) - set(captures.SETTINGS)
    if unknown:
        raise BadSettings(500, f"Failed to parse config: unknown field `{min(unknown)}`")
    miner = _object(change, "miner")
    for part in ("network", "regional", "ui", "password"):
        _object(change, part)
    cooling, overclock = _object(miner, "cooling"), _object(miner, "overclock")
    _object(miner, "misc")
    switcher = _object(overclock, "preset_switcher")
    for name in (overclock.get("preset"), switcher.get("top_preset"), switcher.get("min_preset")):
        if name is not None and (not isinstance(name, str) or model.preset(name) is None):
            raise BadSettings(400, f"Unknown preset: {name}")
    if cooling.get("mode") is not None:
        _check_mode(cooling["mode"])
    if not isinstance(_object(change, "network").get("hostname", ""), str):
        raise BadSettings(500, "Failed to parse config: network.hostname: expected a string")
    clean = {key: value for key, value in change.items() if value is not None and key != "password"}
    if miner:
        miner = {key: value for key, value in miner.items() if value is not None}
        if "pools" in miner:
            miner["pools"] = _pools(miner["pools"])
        clean["miner"] = miner
    return clean


def _object(document: Json, name: str) -> Json:
    """Return a part of the write, {} when it is not given. Raises BadSettings when it is no object."""
    part = document.get(name)
    if part is None:
        return {}
    if not isinstance(part, dict):
        raise BadSettings(500, f"Failed to parse config: {name}: expected an object")
    return part


def _check_mode(mode: Any) -> None:
    if not isinstance(mode, dict) or mode.get("name") not in ("auto", "manual", "immers"):
        raise BadSettings(500, "Failed to parse config: cooling.mode: unknown variant")
    if type(mode.get("param", None if mode["name"] == "manual" else 0)) is not int:
        raise BadSettings(500, "Failed to parse config: cooling.mode.param: expected a number")


def _pools(pools: Any) -> list[Json]:
    if not isinstance(pools, list) or len(pools) > POOL_SLOTS:
        raise BadSettings(500, "Failed to parse config: pools: expected three")
    filled: list[Json] = []
    for pool in pools:
        if not isinstance(pool, dict) or not all(isinstance(pool.get(k, ""), str) for k in ("url", "user", "pass")):
            raise BadSettings(500, "Failed to parse config: pools: expected url, user and pass")
        filled.append({key: pool.get(key, "") for key in ("url", "user", "pass")})
    blank: Json = {"url": "", "user": "", "pass": ""}
    return filled + [dict(blank) for _ in range(POOL_SLOTS - len(filled))]
