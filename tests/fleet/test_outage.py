"""The short form of `python -m tests.fleet.outage`: 72 simulated hours of a small site."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fleet import outage


@pytest.mark.system
async def test_after_72_hours_of_outage_all_is_caught_up_and_nothing_is_there_twice(
    tmp_path: Path, master_url: str | None
) -> None:
    verdict = await outage.run(tmp_path, count=4, contributions=100, master_url=master_url, patience_s=90.0)
    assert verdict.good, verdict.text()
    assert verdict.sent.rollups == 4 * 72 * 12
