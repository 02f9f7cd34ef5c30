"""Figures, the machine they were measured on, and the two forms in which they leave: a table and JSON."""

from __future__ import annotations

import json
import os
import platform
import sqlite3
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `wanted`: what it has to be, in words, where something has to."""

    name: str
    value: float | None
    unit: str
    note: str = ""
    wanted: str = ""
    good: bool = True


@dataclass(slots=True)
class Result:
    """What one benchmark found. The load averages say how busy the machine was with other things."""

    name: str
    about: str
    figures: list[Figure] = field(default_factory=list)
    load_before: float = field(default_factory=lambda: os.getloadavg()[0])
    load_after: float | None = None

    def add(
        self, name: str, value: float | None, unit: str, note: str = "", *, wanted: str = "", good: bool = True
    ) -> None:
        self.figures.append(Figure(name, value, unit, note, wanted, good))

    def done(self) -> Result:
        self.load_after = os.getloadavg()[0]
        return self

    @property
    def good(self) -> bool:
        return all(figure.good for figure in self.figures)


def machine() -> dict[str, Any]:
    """Return what the figures depend on."""
    model = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), "unknown"
    )
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "packages": {name: version(name) for name in ("hived", "aiohttp", "peewee")},
    }


def table(result: Result) -> str:
    """Return a result as text in columns."""
    width = max(len(figure.name) for figure in result.figures)
    load = f"load average {result.load_before:.1f} before, {result.load_after or 0:.1f} after"
    lines = [f"{result.name}: {result.about}", f"({load})", ""]
    for figure in result.figures:
        tail = "  ".join(part for part in (figure.note, f"[{figure.wanted}]" if figure.wanted else "") if part)
        mark = "  " if figure.good else "! "
        lines.append(f"{mark}{figure.name:<{width}}  {_number(figure.value):>12} {figure.unit:<9} {tail}".rstrip())
    return "\n".join(lines) + "\n"


def write(path: Path, results: list[Result]) -> None:
    """Write everything as JSON, whole or not at all; benchmarks that were not run this time stay as they were."""
    try:
        before = json.loads(path.read_text("utf-8"))["benchmarks"]
    except (OSError, ValueError, KeyError, TypeError):
        before = {}
    here = machine()
    for result in results:
        before[result.name] = {"machine": here, **asdict(result)}
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps({"benchmarks": before}, indent=1) + "\n", "utf-8")
    draft.replace(path)


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
