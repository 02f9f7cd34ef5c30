"""Miners, their models, settings and sweeps as JSON.

The inherited fields keep the names, types and units of the API that programs already speak: hashrate in GH/s, power in
W, identifiers as words ("chain-1", "fan-0", "chip-1", the firmware's own numbers). What we add beside them wears its
unit in its name; `index` is our number of the same thing (chips from 0, as in a model's topology). None stays null.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from hived.documents.fleet import judged, lost
from hived.documents.miner_shapes import (
    ChainChipsDocument,
    ChainDocument,
    ChipDocument,
    FanDocument,
    ListedDocument,
    MeasuredDocument,
    MinerDocument,
    ModelDocument,
    ModelInMinerDocument,
    OtherDeviceDocument,
    PoolDocument,
    RowDocument,
    SettingChangeDocument,
    SettingsDocument,
    SettingsVersionDocument,
    StatusDocument,
    TelemetryDocument,
)  # fmt: skip
from hived.documents.shared import Json, rfc3339, without_secrets
from hived.errors import next_step
from hived.records import events, measures
from hived.records.condition import Condition, board_condition, lost_fans
from hived.records.discovery import OtherDevice
from hived.records.laws import verbs_of
from hived.records.losses import expected_hs, losses
from hived.records.measures import shown
from hived.records.miner import ChipReading, FanReading, HashboardChips, HashboardReading, PoolReading, active_pool
from hived.records.miner_view import MinerView, ModelView, SettingsVersion, StoredStatus
from hived.records.units import ghs, ths

# Ids are made, not stored: history is keyed by time and miner. JavaScript keeps integers exact up to 2**53 only, which
# milliseconds since 2020-09-13 with 13 bits for the miner reach in 2055; chips come once a minute, so tenths of a
# second leave them room for 4 bits of board until 2227.
_EPOCH_MS = 1_600_000_000_000
_MINERS = 8192
_BOARDS = 16


def status_id(num: int, at: float) -> int:
    """Return the id of the status of a miner at a time: always the same, growing with time, exact in JavaScript."""
    return (round(at * 1000) - _EPOCH_MS) * _MINERS + num % _MINERS


def telemetry_id(num: int, at: float, board: int) -> int:
    """Return the id of a board's chips at a time, with the same promises as `status_id`."""
    return ((round(at * 10) - _EPOCH_MS // 100) * _MINERS + num % _MINERS) * _BOARDS + board % _BOARDS


def miner(view: MinerView, model: ModelInMinerDocument | None, boards: Sequence[HashboardChips] = ()) -> MinerDocument:
    """Return *miner* without what `judged` says; `boards` are the chips to show in its latest status."""
    return {
        "id": view.mac, "ip": view.ip, "last_ip": view.last_ip, "online": view.online, "managed": view.managed,
        "model": model,
        "latest_status": status(view.status, boards) if view.status else None,
        "created_at": rfc3339(view.created_at), "updated_at": rfc3339(view.updated_at), "hostname": view.hostname,
        "firmware": view.firmware, "firmware_version": view.firmware_version,
        "features": None if view.features is None else view.features.split(), "serial": view.serial,
        "platform": view.platform, "node_id": view.node_id, "model_name": view.model_name,
        "model_alias": view.model_alias, "max_preset": view.max_preset, "state": view.state,
        "last_seen_at": rfc3339(view.seen_at), "has_key": view.has_key,
        "last_error": view.last_error, "last_error_code": view.last_error_code,
        "last_error_at": rfc3339(view.last_error_at), "error_count": view.error_count,
        "node_name": view.node_name, "pending": view.pending,
        "verbs": verbs_of(view),
    }  # fmt: skip


def listed(
    view: MinerView, model: ModelView | None, how: Condition, boards: Sequence[HashboardChips] = ()
) -> ListedDocument:
    """Return *miner* as in a list, where its model goes without the ladder's watts."""
    return {**miner(view, model_in_miner(model) if model else unknown_model(view), boards), **judged(how)}


def model_in_miner(view: ModelView) -> ModelInMinerDocument:
    """Return the model inside a *miner*."""
    return {
        "name": view.name, "alias": view.alias, "max_preset": view.max_preset, "min_preset": view.min_preset,
        "presets": [p["name"] for p in view.presets],
    }  # fmt: skip


def unknown_model(view: MinerView) -> ModelInMinerDocument | None:
    """Return the model inside a *miner* while the catalogue does not have it; None when the miner names none."""
    if view.model_alias is None and view.model_name is None:
        return None
    return {"name": view.model_name, "alias": view.model_alias, "max_preset": None, "min_preset": None, "presets": []}


_FIGURES = tuple(measure for measure in measures.CHARTED if measure.name != "target_hashrate_hs")  # `judged` has it


def _measured(record: Any, of: Iterable[measures.Measure]) -> MeasuredDocument:
    return cast(MeasuredDocument, shown(record, of))


_NO_FIGURES = cast(MeasuredDocument, dict.fromkeys(measure.outside for measure in _FIGURES))


def row(view: MinerView) -> RowDocument:
    """Return the small form of a miner for a table of thousands, without what `judged` says."""
    now = view.status
    with_boards = now if now is not None and (now.hashboards or not now.partial) else None
    return {
        **(_measured(now, _FIGURES) if now else _NO_FIGURES),
        "id": view.mac, "ip": view.ip, "last_ip": view.last_ip, "online": view.online, "managed": view.managed,
        "hostname": view.hostname, "model": view.model_alias, "model_name": view.model_name,
        "firmware_version": view.firmware_version,
        "state": view.state, "preset": now.preset if now else None,
        "efficiency_j_per_th": now.efficiency_j_per_th if now else None,
        "fans_lost": len(lost_fans(now)) if now and now.fans else None,
        "boards": len(with_boards.hashboards) if with_boards else None,
        "boards_failed": sum(board.works is False for board in with_boards.hashboards) if with_boards else None,
        "pool": active_pool(now.pools) if now else None, "last_error": view.last_error,
        "last_error_code": view.last_error_code, "last_error_at": rfc3339(view.last_error_at),
        "error_count": view.error_count,
        "seen_at": rfc3339(view.seen_at), "status_at": rfc3339(now.at) if now else None, "node_id": view.node_id,
        "node_name": view.node_name, "remote": view.remote, "verbs": verbs_of(view),
    }  # fmt: skip


def status(now: StoredStatus, boards: Sequence[HashboardChips] = ()) -> StatusDocument:
    """Return *status*; chips come from `boards`, [] for a board that is not among them."""
    chips = {board.index: board.chips for board in boards}
    return {
        "id": status_id(now.num, now.at), "state": now.state, "preset": now.preset, "hashrate": ghs(now.hashrate_hs),
        "power_consumption": now.power_w,
        "uptime": None if now.state_s is None else round(now.state_s), "recorded_at": rfc3339(now.at),
        "fans": [_fan(f, f.index in lost_fans(now)) for f in now.fans],
        "chains": [_board(b, chips.get(b.index, ())) for b in now.hashboards],
        "efficiency_j_per_th": now.efficiency_j_per_th, "pools": [_pool(p) for p in now.pools], "partial": now.partial,
        "extra": now.extra, "lost": lost(losses(now)),
        **_measured(now, measures.MINER), "hashrate_expected_ths": ths(expected_hs(now)),
    }  # fmt: skip


def telemetry(num: int, at: float, board: HashboardChips, status_at: float | None) -> TelemetryDocument:
    """Return *chain telemetry*: one board at one time."""
    return {
        "id": telemetry_id(num, at, board.index), "recorded_at": rfc3339(at),
        "status_id": None if status_at is None else status_id(num, status_at), "chain": _chips_of(board),
    }  # fmt: skip


def model(view: ModelView) -> ModelDocument:
    """Return *model*."""
    return {
        **model_in_miner(view),
        "presets_power": [
            {
                "preset": p["name"], "power_w": p.get("power_w"),
                "hashrate_th": ths(p["hashrate_hs"]) if p.get("hashrate_hs") is not None else None,
                "modded_psu_required": p.get("modded_psu_required"),
            }
            for p in view.presets
        ],
        "created_at": rfc3339(view.created_at), "chips_per_chain": view.chips_per_chain, "chains": view.chains,
        "topology": view.topology, "firmware_versions": view.firmware_versions,
        "refreshed_at": rfc3339(view.refreshed_at), "miners": view.miners,
    }  # fmt: skip


_NEVER_READ: Json = {"pools": [], "requested_preset": None, "cooling": None, "network": None}


def settings(stored: SettingsVersion | None) -> SettingsDocument:
    """Return a miner's own settings with their version; `version` null and all else empty before the first reading."""
    if stored is None:
        told: Json = {**_NEVER_READ, "version": None, "read_at": None, "checked_at": None, "changes": []}
    else:
        told = {**_NEVER_READ, **without_secrets(stored.document), **version(stored)}
    return cast(SettingsDocument, told)


def version(stored: SettingsVersion) -> SettingsVersionDocument:
    """Return one version of the settings: when it was read and what was new in it."""
    changes = [{**change, "words": events.setting(change)} for change in without_secrets(list(stored.changes))]
    return {
        "version": stored.version, "read_at": rfc3339(stored.read_at), "checked_at": rfc3339(stored.checked_at),
        "changes": cast(list[SettingChangeDocument], changes),
    }  # fmt: skip


def other_device(who: OtherDevice) -> OtherDeviceDocument:
    """Return an address that answers but is no miner we can read."""
    return {
        "ip": who.ip, "kind": who.kind, "code": who.code, "reason": who.reason,
        "next_step": next_step(who.code, ip=who.ip) if who.code else None,
        "first_seen_at": rfc3339(who.first_seen_at),
        "last_seen_at": rfc3339(who.last_seen_at), "failures": who.failures,
        "next_probe_at": rfc3339(who.next_probe_at),
    }  # fmt: skip


def _fan(fan: FanReading, lost: bool) -> FanDocument:
    return {
        "identifier": f"fan-{fan.index}", "rpm": fan.rpm, "status": fan.status, "lost": lost, "index": fan.index,
        "max_rpm": fan.max_rpm,
    }  # fmt: skip


def _pool(pool: PoolReading) -> PoolDocument:
    return {
        "index": pool.index, "url": pool.url, "user": pool.user, "kind": pool.kind, "status": pool.status,
        "accepted": pool.accepted, "rejected": pool.rejected, "stale": pool.stale, "difficulty": pool.difficulty,
        "ping_ms": pool.ping_ms, "last_share_s": pool.last_share_s,
    }  # fmt: skip


def _board(board: HashboardReading, chips: Sequence[ChipReading]) -> ChainDocument:
    word, tone = board_condition(board)
    return {
        "identifier": f"chain-{board.index}", "state": board.state, "works": board.works,
        "condition": {"word": word, "tone": tone},
        "hashrate": ghs(board.hashrate_hs),
        "chips": [_chip(c) for c in chips], "index": board.index, "description": board.description,
        **_measured(board, measures.BOARD),
    }  # fmt: skip


def _chips_of(board: HashboardChips) -> ChainChipsDocument:
    """The firmware tells no lowest and highest with the chips: they are those of the chips, else of the sensors."""
    chips = [c.temp_c for c in board.chips if c.temp_c is not None]
    chips = chips or [s.chip_temp_c for s in board.sensors if s.chip_temp_c is not None]
    pcb = [s.board_temp_c for s in board.sensors if s.board_temp_c is not None]
    return {
        "identifier": f"chain-{board.index}", "state": board.state, "hashrate": ghs(board.hashrate_hs),
        "pcb_temp_min": min(pcb, default=None), "pcb_temp_max": max(pcb, default=None),
        "chip_temp_min": min(chips, default=None), "chip_temp_max": max(chips, default=None),
        "chips": [_chip(c) for c in board.chips], "index": board.index, "description": board.description,
        "hashrate_ths": ths(board.hashrate_hs), "hashrate_nominal_ths": ths(board.expected_hashrate_hs),
        "frequency_mhz": board.frequency_mhz,
        "sensors": [
            {"position": s.position, "state": s.state, "board_temp_c": s.board_temp_c, "chip_temp_c": s.chip_temp_c}
            for s in board.sensors
        ],
    }  # fmt: skip


def _chip(chip: ChipReading) -> ChipDocument:
    return {
        "identifier": f"chip-{chip.index + 1}", "hashrate": ghs(chip.hashrate_hs), "temperature": chip.temp_c,
        "index": chip.index, "frequency_mhz": chip.frequency_mhz, "voltage_mv": chip.voltage_mv,
        "errors": chip.errors, "grade": chip.grade, "throttled": chip.throttled,
    }  # fmt: skip
