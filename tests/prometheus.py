"""A real Prometheus on loopback, with a folder and a port of its own."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.waiting import until

needs_prometheus = pytest.mark.skipif(
    shutil.which("prometheus") is None, reason="needs Prometheus: apt-get install prometheus"
)
START_S = 60.0


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus and a client that asks it."""

    http: aiohttp.ClientSession
    url: str

    async def query(self, expr: str) -> list[dict[str, Any]]:
        """Return what an expression gives now."""
        async with self.http.get("/api/v1/query", params={"query": expr}) as reply:
            body = await reply.json()
            assert body["status"] == "success", body
            found: list[dict[str, Any]] = body["data"]["result"]
            return found

    async def value(self, expr: str) -> float | None:
        """Return the one value of an expression, None for nothing."""
        found = await self.query(expr)
        return float(found[0]["value"][1]) if found else None

    async def is_ready(self) -> bool:
        try:
            async with self.http.get("/-/ready") as reply:
                return reply.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def running(
    folder: Path,
    port: int,
    *,
    scrape: Sequence[dict[str, Any]] = (),
    rules: Sequence[Path] = (),
    flags: Sequence[str] = (),
) -> AsyncIterator[Prometheus]:
    """Run Prometheus until the block ends."""
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"scrape_configs": list(scrape), "rule_files": [str(one) for one in rules]}), "utf-8")
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - a start takes no time
            [
                "prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn", *flags,
            ],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            prometheus = Prometheus(http, f"http://127.0.0.1:{port}")
            await until(prometheus.is_ready, START_S)
            yield prometheus
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 10)
