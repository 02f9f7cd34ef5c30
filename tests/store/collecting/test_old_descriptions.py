"""What an appliance of an older version has described: kept and shown as old, and due for a description of today."""

from __future__ import annotations

import tarfile
import time
from pathlib import Path

import pytest

from hived.records.artifact import PROMPT_VERSION, Description
from hived.store import Store, create
from hived.store.collecting import artifacts
from hived.store.schema import Contribution

STATE = Path(__file__).parents[2] / "fixtures/older/state-0002.tar.gz"


@pytest.mark.sqlite_only("the file of an older appliance")
async def test_an_older_appliance_keeps_its_descriptions_until_each_is_made_anew(tmp_path: Path) -> None:
    with tarfile.open(STATE) as state:
        state.extractall(tmp_path, filter="data")
    node_id = (tmp_path / "node-id").read_text().strip()
    url = f"sqlite:///{tmp_path / 'hived.db'}"
    assert "0022_plans" in create(url)
    async with Store.open(url) as store:
        shown = await store.read(artifacts.newest, limit=100)
        described = [one for one in shown if one.description]
        assert len(described) == 25
        assert all(bubble["is_old"] for one in described for bubble in one.bubbles)
        order = []
        while (due := await store.read(artifacts.to_describe, time.time(), node_id=node_id)) is not None:
            number, obj, input_hash = due
            text = Description(obj.title, "Made by Jo Lind.", model="m", prompt_version=PROMPT_VERSION)
            order.append(number)
            assert len(order) <= len(shown)
            await store.write(artifacts.describe, number, text, node_id=node_id, input_hash=input_hash, at=time.time())
        waited = [one.id for one in shown if not one.description]
        assert order == [*waited, *(one.id for one in described)]
        after = await store.read(artifacts.newest, limit=100)
        assert not any(bubble["is_old"] for one in after for bubble in one.bubbles)
        assert all(one.bubble_count == 1 for one in after)
        assert await store.read(lambda db: Contribution.select().bind(db).count()) == len(shown)


@pytest.mark.sqlite_only("the file of an older appliance")
async def test_what_an_older_version_could_not_describe_has_its_tries_anew(tmp_path: Path) -> None:
    with tarfile.open(STATE) as state:
        state.extractall(tmp_path, filter="data")
    create(f"sqlite:///{tmp_path / 'hived.db'}")
    async with Store.open(f"sqlite:///{tmp_path / 'hived.db'}") as store:
        waiting = await store.read(artifacts.newest, limit=100, state="awaiting_description")
        assert len(waiting) == 2
        assert all(one.describe_error for one in waiting)
        assert [await store.read(artifacts.attempts, one.id) for one in waiting] == [0, 0]
        due = await store.read(artifacts.to_describe, 1.0, node_id="")
        assert due is not None
        assert due[0] == waiting[0].id
