"""The shapes of the documents of miners and models: `documents.miners` makes them.

Names, types and units of the inherited fields are those of the API that programs already speak.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NotRequired, TypedDict

from hived.documents.fleet import JudgedDocument, LossDocument
from hived.documents.shape import more


class MeasuredDocument(TypedDict, total=False):
    """What is measured, by its names in `records.measures`: that table may add more, and not all have each."""

    hashrate_ths: float | None
    hashrate_nominal_ths: float | None
    hashrate_average_ths: float | None
    power_w: float | None
    power_usage: float | None
    chip_temp_min: float | None
    chip_temp_max: float | None
    pcb_temp_min: float | None
    pcb_temp_max: float | None
    chip_temp_min_c: float | None
    chip_temp_max_c: float | None
    pcb_temp_min_c: float | None
    pcb_temp_max_c: float | None
    psu_temp_max_c: float | None
    fan_duty_percent: float | None
    frequency_mhz: float | None
    voltage_mv: float | None
    hardware_errors: float | None


class FanDocument(TypedDict):
    identifier: str
    rpm: float | None
    status: str | None
    lost: bool
    index: int
    max_rpm: float | None


class PoolDocument(TypedDict):
    index: int
    url: str | None
    user: str | None
    kind: str
    status: str | None
    accepted: int | None
    rejected: int | None
    stale: int | None
    difficulty: str | None
    ping_ms: float | None
    last_share_s: float | None


class ChipDocument(TypedDict):
    """`hashrate` in GH/s."""

    identifier: str
    hashrate: float | None
    temperature: float | None
    index: int
    frequency_mhz: float | None
    voltage_mv: float | None
    errors: int | None
    grade: str | None
    throttled: bool | None


class WordDocument(TypedDict):
    """How something is doing."""

    word: str
    tone: str


class ChainDocument(MeasuredDocument):
    """A hashboard; `hashrate` in GH/s."""

    identifier: str
    state: str | None
    works: bool | None
    condition: WordDocument
    hashrate: float | None
    chips: list[ChipDocument]
    index: int
    description: str | None


class SensorDocument(TypedDict):
    position: int | None
    state: str | None
    board_temp_c: float | None
    chip_temp_c: float | None


class ChainChipsDocument(TypedDict):
    """A hashboard as it was read with its chips."""

    identifier: str
    state: str | None
    hashrate: float | None
    pcb_temp_min: float | None
    pcb_temp_max: float | None
    chip_temp_min: float | None
    chip_temp_max: float | None
    chips: list[ChipDocument]
    index: int
    description: str | None
    hashrate_ths: float | None
    hashrate_nominal_ths: float | None
    frequency_mhz: float | None
    sensors: list[SensorDocument]


class TelemetryDocument(TypedDict):
    """One board at one time; `status_id`: that of the status nearest to it."""

    id: int
    recorded_at: str | None
    status_id: int | None
    chain: ChainChipsDocument


class StatusDocument(MeasuredDocument):
    """`hashrate` in GH/s, `uptime`: seconds in this state."""

    id: int
    state: str | None
    preset: str | None
    hashrate: float | None
    power_consumption: float | None
    uptime: int | None
    recorded_at: str | None
    fans: list[FanDocument]
    chains: list[ChainDocument]
    efficiency_j_per_th: float | None
    pools: list[PoolDocument]
    partial: bool
    extra: Mapping[str, Any]
    hashrate_expected_ths: float | None
    lost: list[LossDocument]


class ModelInMinerDocument(TypedDict):
    """A model without the ladder's watts, which would be most of a list's bytes."""

    name: str | None
    alias: str | None
    max_preset: str | None
    min_preset: str | None
    presets: list[str]


class PresetDocument(TypedDict):
    preset: str
    power_w: float | None
    hashrate_th: float | None
    modded_psu_required: bool | None


class ModelDocument(ModelInMinerDocument):
    presets_power: list[PresetDocument]
    created_at: str | None
    chips_per_chain: int | None
    chains: int | None
    topology: Sequence[Sequence[int]] | None
    firmware_versions: Sequence[str]
    refreshed_at: str | None
    miners: int


class _Miner(TypedDict):
    """What *miner* and its row share. `id` is the MAC; `last_ip` stays when it has no address any more.

    `verbs`: what its firmware can do of `records.steering.VERBS`.
    """

    id: str
    ip: str | None
    last_ip: str | None
    online: bool
    managed: bool
    hostname: str | None
    model_name: str | None
    firmware_version: str | None
    state: str | None
    last_error: str | None
    last_error_code: str | None
    last_error_at: str | None
    error_count: int
    node_id: str | None
    node_name: str | None
    verbs: list[str]


class MinerDocument(_Miner):
    """*miner*; `model` goes without watts in a list. `pending`: what waits for its node to fetch it."""

    model: ModelDocument | ModelInMinerDocument | None
    latest_status: StatusDocument | None
    created_at: str | None
    updated_at: str | None
    firmware: str | None
    features: list[str] | None
    serial: str | None
    platform: str | None
    model_alias: str | None
    max_preset: str | None
    last_seen_at: str | None
    has_key: bool
    pending: Sequence[Any]


class ListedDocument(MinerDocument, JudgedDocument):
    """*miner* with how it is doing."""


class RowDocument(_Miner, MeasuredDocument):
    """The small form of a miner."""

    model: str | None
    preset: str | None
    efficiency_j_per_th: float | None
    fans_lost: int | None
    boards: int | None
    boards_failed: int | None
    pool: str | None
    seen_at: str | None
    status_at: str | None
    remote: bool


class SettingChangeDocument(TypedDict):
    """`path` is dotted: "pools.0.url"."""

    path: str
    before: Any
    after: Any
    words: str


class SettingsVersionDocument(TypedDict):
    """When a version of the settings was read, and what was new in it; null before the first time."""

    version: int | None
    read_at: str | None
    checked_at: str | None
    changes: list[SettingChangeDocument]


class SettingsDocument(SettingsVersionDocument):
    """A miner's own settings; its firmware may tell more parts of them."""

    pools: list[dict[str, Any]]
    requested_preset: str | None
    cooling: dict[str, Any] | None
    network: dict[str, Any] | None


more(SettingsDocument, Any)


class SeriesDocument(TypedDict):
    """A line of a chart: the column that it shows, in which unit."""

    name: str
    title: str
    quantity: str
    unit: str
    places: int
    from_zero: bool
    reference: bool


class HistoryDocument(TypedDict):
    """Columns of the same length, oldest first, each under its name; `at` in epoch seconds.

    `step_s` null: statuses as they came; else every entry sums up so many seconds, of `statuses` of them.
    """

    step_s: float | None
    series: list[SeriesDocument]
    at: list[float]
    statuses: NotRequired[list[int]]


more(HistoryDocument, list[float | None])


class ListedRowDocument(RowDocument, JudgedDocument):
    """The small form of a miner with how it is doing."""


class RowsDocument(TypedDict):
    """`rev`: from which the stream goes on."""

    rev: int
    rows: list[ListedRowDocument]


class OtherDeviceDocument(TypedDict):
    ip: str
    kind: str
    code: str | None
    reason: str
    next_step: str | None
    first_seen_at: str | None
    last_seen_at: str | None
    failures: int
    next_probe_at: str | None
