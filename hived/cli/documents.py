"""Records as JSON documents, with the names, types and units of the HTTP API: a script may take either.

hivectl must work where the API is not installed, so these names are written here once more; a test holds both to the
same words. Times are RFC 3339 in UTC, `hashrate` is GH/s, whatever wears another unit has it in its name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hived.cli.fleet import Totals
from hived.records.miner import ChipReading, FanReading, HashboardChips, HashboardReading, PoolReading
from hived.records.site import DaemonRow, Event, MinerView, ModelView, SettingsVersion, StoredStatus, Sweep
from hived.records.units import ghs, ths

Json = dict[str, Any]


def rfc3339(at: float | None) -> str | None:
    """Return epoch seconds as RFC 3339 in UTC with milliseconds and Z."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def miner(view: MinerView, model: ModelView | None, boards: Sequence[HashboardChips] = ()) -> Json:
    """Return *miner*; `boards` are the chips to show in its latest status."""
    return {
        "id": view.mac, "ip": view.ip, "online": view.online, "managed": view.managed,
        "model": _model_of(view, model), "latest_status": status(view.status, boards) if view.status else None,
        "created_at": rfc3339(view.created_at), "updated_at": rfc3339(view.updated_at), "hostname": view.hostname,
        "firmware": view.firmware, "firmware_version": view.firmware_version, "serial": view.serial,
        "platform": view.platform, "node_id": view.node_id, "model_name": view.model_name,
        "model_alias": view.model_alias, "max_preset": view.max_preset, "state": view.state,
        "last_seen_at": rfc3339(view.seen_at), "has_key": view.has_key, "failing": view.failures > 0,
        "last_error": view.last_error, "last_error_at": rfc3339(view.last_error_at), "error_count": view.error_count,
    }  # fmt: skip


def _model_of(view: MinerView, known: ModelView | None) -> Json | None:
    if known is not None:
        presets = [p["name"] for p in known.presets]
        return {"name": known.name, "alias": known.alias, "max_preset": known.max_preset, "presets": presets}
    if view.model_alias is None and view.model_name is None:
        return None
    return {"name": view.model_name, "alias": view.model_alias, "max_preset": None, "presets": []}


def status(now: StoredStatus, boards: Sequence[HashboardChips] = ()) -> Json:
    """Return *status*; chips come from `boards`, [] for a board that is not among them."""
    chips = {board.index: board.chips for board in boards}
    return {
        "id": _status_id(now.num, now.at), "state": now.state, "preset": now.preset, "hashrate": ghs(now.hashrate_hs),
        "power_usage": now.reported_power_w, "power_consumption": now.power_w,
        "uptime": None if now.state_s is None else round(now.state_s), "recorded_at": rfc3339(now.at),
        "fans": [_fan(f) for f in now.fans], "chains": [_board(b, chips.get(b.index, ())) for b in now.hashboards],
        "hashrate_ths": ths(now.hashrate_hs), "hashrate_nominal_ths": ths(now.expected_hashrate_hs),
        "hashrate_average_ths": ths(now.average_hashrate_hs), "efficiency_j_per_th": now.efficiency_j_per_th,
        "chip_temp_max_c": now.chip_temp_max_c, "pcb_temp_max_c": now.pcb_temp_max_c,
        "fan_duty_percent": now.fan_duty_percent, "pools": [_pool(p) for p in now.pools], "partial": now.partial,
        "extra": now.extra,
    }  # fmt: skip


def _status_id(num: int, at: float) -> int:
    """Milliseconds since 2020-09-13 with 13 bits for the miner: exact where numbers have 53 bits, as in JavaScript."""
    return (round(at * 1000) - 1_600_000_000_000) * 8192 + num % 8192


def model(view: ModelView) -> Json:
    """Return *model*."""
    return {
        "name": view.name, "alias": view.alias, "max_preset": view.max_preset,
        "presets": [p["name"] for p in view.presets],
        "presets_power": [
            {"preset": p["name"], "power_w": p.get("power_w"), "hashrate_th": ths(p.get("hashrate_hs"))}
            for p in view.presets
        ],
        "created_at": rfc3339(view.created_at), "chips_per_chain": view.chips_per_chain, "chains": view.chains,
        "topology": view.topology, "firmware_versions": view.firmware_versions,
        "refreshed_at": rfc3339(view.refreshed_at), "miners": view.miners,
    }  # fmt: skip


def settings(found: SettingsVersion | None) -> Json | None:
    """Return a miner's own settings as last read, None before the first time. The parser dropped all passwords."""
    if found is None:
        return None
    return {
        **found.document, "version": found.version, "read_at": rfc3339(found.read_at),
        "checked_at": rfc3339(found.checked_at), "changes": list(found.changes),
    }  # fmt: skip


def event(happened: Event, ip: str | None, hostname: str | None) -> Json:
    """Return an event; `ip` and `hostname` are the miner's present ones."""
    return {
        "id": happened.id, "at": rfc3339(happened.at), "kind": happened.kind, "miner": happened.mac, "ip": ip,
        "hostname": hostname, "detail": happened.detail,
    }  # fmt: skip


def sweep(done: Sweep) -> Json:
    """Return one sweep."""
    return {
        "started_at": rfc3339(done.started_at), "finished_at": rfc3339(done.finished_at),
        "addresses": done.addresses, "responders": done.responders, "miners": done.miners,
        "strangers": done.strangers, "unreadable": done.unreadable, "note": done.note,
    }  # fmt: skip


def daemon(row: DaemonRow, *, alive: bool) -> Json:
    """Return what a daemon said of itself."""
    return {
        "name": row.name, "alive": alive, "pid": row.pid, "version": row.version,
        "started_at": rfc3339(row.started_at), "beat_at": rfc3339(row.beat_at), "status": row.status,
    }  # fmt: skip


def _fan(fan: FanReading) -> Json:
    return {
        "identifier": f"fan-{fan.index}", "rpm": fan.rpm, "status": fan.status, "index": fan.index,
        "max_rpm": fan.max_rpm,
    }  # fmt: skip


def _pool(pool: PoolReading) -> Json:
    return {
        "index": pool.index, "url": pool.url, "user": pool.user, "kind": pool.kind, "status": pool.status,
        "accepted": pool.accepted, "rejected": pool.rejected, "stale": pool.stale, "difficulty": pool.difficulty,
        "ping_ms": pool.ping_ms, "last_share_s": pool.last_share_s,
    }  # fmt: skip


def _board(board: HashboardReading, chips: Sequence[ChipReading]) -> Json:
    return {
        "identifier": f"chain-{board.index}", "state": board.state, "hashrate": ghs(board.hashrate_hs),
        "pcb_temp_min": board.pcb_temp_min_c, "pcb_temp_max": board.pcb_temp_max_c,
        "chip_temp_min": board.chip_temp_min_c, "chip_temp_max": board.chip_temp_max_c,
        "chips": [_chip(c) for c in chips], "index": board.index, "description": board.description,
        "hashrate_ths": ths(board.hashrate_hs), "hashrate_nominal_ths": ths(board.expected_hashrate_hs),
        "power_w": board.power_w, "voltage_mv": board.voltage_mv, "frequency_mhz": board.frequency_mhz,
        "hardware_errors": board.hardware_errors, "chips_grey": board.chips_grey, "chips_orange": board.chips_orange,
        "chips_red": board.chips_red, "inlet_water_temp_c": board.inlet_water_temp_c,
        "outlet_water_temp_c": board.outlet_water_temp_c,
    }  # fmt: skip


def _chip(chip: ChipReading) -> Json:
    return {
        "identifier": f"chip-{chip.index + 1}", "hashrate": ghs(chip.hashrate_hs), "temperature": chip.temp_c,
        "index": chip.index, "frequency_mhz": chip.frequency_mhz, "voltage_mv": chip.voltage_mv,
        "errors": chip.errors, "grade": chip.grade, "throttled": chip.throttled,
    }  # fmt: skip


def daemon_without_row(name: str) -> Json:
    """Return a daemon that has never run."""
    return {
        "name": name, "alive": False, "pid": None, "version": None, "started_at": None, "beat_at": None,
        "status": "has never run on this database",
    }  # fmt: skip


def totals(sums: Totals, strangers: dict[str, int], last_sweep: Sweep | None) -> Json:
    """Return the totals of the fleet."""
    return {
        "miners": sums.miners, "online": sums.online, "managed": sums.managed, "hashing": sums.hashing,
        "failing": sums.failing, "silent": sums.silent, "hashrate_ths": ths(sums.hashrate_hs),
        "hashrate_nominal_ths": ths(sums.expected_hashrate_hs),
        "hashrate_nominal_lost_ths": ths(sums.lost_hashrate_hs), "power_w": sums.power_w,
        "efficiency_j_per_th": sums.efficiency_j_per_th, "states": sums.states, "models": sums.models,
        "strangers": strangers, "last_sweep": sweep(last_sweep) if last_sweep else None,
    }  # fmt: skip
