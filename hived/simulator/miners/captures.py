"""The recorded replies that every answer is shaped after: key order and field set are theirs, the values are ours.

Read once when the module is imported, because opening files later would block the event loop.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib import resources
from typing import Any

Json = dict[str, Any]

_ROOT = resources.files("hived.simulator.miners") / "captures"


def _text(name: str) -> str:
    return _ROOT.joinpath(*name.split("/")).read_text(encoding="utf-8")


def _document(name: str) -> Any:
    return json.loads(_text(name))


@dataclass(frozen=True, slots=True)
class SummaryShape:
    """Key orders of one firmware's /summary."""

    miner: tuple[str, ...]
    status: tuple[str, ...]
    cooling: tuple[str, ...]
    fan: tuple[str, ...]
    pool: tuple[str, ...]
    psu: Json | None
    """The captured psu object; None both where the key is absent and where it is null."""


def _summary_shape(folder: str) -> SummaryShape:
    miner = _document(f"{folder}/summary.json")["miner"]
    return SummaryShape(
        miner=tuple(miner),
        status=tuple(miner["miner_status"]),
        cooling=tuple(miner["cooling"]),
        fan=tuple(miner["cooling"]["fans"][0]),
        pool=tuple(miner["pools"][0]),
        psu=miner.get("psu"),
    )


INFO: dict[str, Json] = {
    name: _document(f"{name}/info.json") for name in ("s19-1.2.6", "s21-1.2.6-rc5", "s21pro-1.2.7", "s19kpro-1.3.3")
}
SUMMARY: dict[str, SummaryShape] = {name: _summary_shape(name) for name in INFO}
CHAIN: tuple[str, ...] = tuple(_document("s21pro-1.2.7/summary.json")["miner"]["chains"][0])
"""Keys of one board in /summary: the same in the three captures that have boards."""

FAILURE_MINER: tuple[str, ...] = tuple(_document("s19-1.2.6-failure/summary.json")["miner"])

MODEL: Json = _document("s19-1.2.6/model.json")
BOARD_CHIPS: tuple[str, ...] = tuple(_document("s19-1.2.6/chains.json")[0])
CHIP: tuple[str, ...] = tuple(_document("s19-1.2.6/chains.json")[0]["chips"][0])
PERF_SUMMARY: Json = _document("s21pro-1.2.7/perf-summary.json")
PERF_SUMMARY_DISABLED: Json = _document("s19-1.2.6/perf-summary.json")
SETTINGS: Json = _document("s21pro-1.2.7/settings.json")
PRESETS: Json = _document("presets.json")
ROOT_PAGE: bytes = _text("root.html").encode()

RPC: dict[str, Json] = {
    name: _document(f"rpc/{name}.json") for name in ("stats", "summary", "pools", "devdetails", "version")
}
