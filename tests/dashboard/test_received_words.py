"""Words that every JavaScript object knows, sent by a node wherever a node may send a word."""

from __future__ import annotations

import json
import time

import pytest

from hived.records.miner import MinerIdentity
from hived.store import Database
from hived.store.miners import miners
from hived.store.schema import Event, Health, Miner, Model, Node
from tests.dashboard.conftest import OpenPage
from tests.dashboard.farm import Farm
from tests.dashboard.nodes.test_nodes_page import join, own

pytestmark = pytest.mark.browser

WORDS = ("constructor", "__proto__", "toString", "hasOwnProperty", "valueOf")
MAC = "02:00:00:00:00:01"


def tell(db: Database) -> None:
    now = time.time()
    for word in WORDS:
        join(db, word, word)
        Node.update(state=word).where(Node.id == word).execute(db)
        Model.insert(
            short=word, name=word, presets=json.dumps([{"name": word}]), created_at=now, refreshed_at=now
        ).execute(db)
    for n, word in enumerate(WORDS, 1):
        identity = MinerIdentity(f"02:00:00:00:00:{n:02x}", model_alias=word, model_name=word, hostname=word)
        num = miners.saw(db, miners.Sighting(identity, f"10.0.0.{n}", now), node_id="id-1").num
        Miner.update(remote=True, node_id=word).where(Miner.num == num).execute(db)
        Health.update(state=word, preset=word, last_error=word, last_error_code=word, last_error_at=now).where(
            Health.num == num
        ).execute(db)
        for kind in WORDS:
            Event.insert(at=now, num=num, kind=kind, detail=json.dumps({kind: kind}), node_id=word).execute(db)


async def test_no_page_takes_a_received_word_for_one_of_its_own(farm: Farm, open_page: OpenPage) -> None:
    await farm.write(own)
    await farm.write(tell)
    async with open_page() as page:
        for path, words in (
            ("/events", "constructor"), (f"/miners/{MAC}", "constructor"), ("/?show=constructor&node=toString", "0"),
            ("/?node=constructor", "constructor"), ("/models", "hasOwnProperty"), ("/nodes", "valueOf"),
        ):  # fmt: skip
            await page.go(f"{farm.url}{path}", until=f"document.querySelector('#main')?.innerText.includes('{words}')")
            assert "native code" not in await page.text("main")
        assert page.problems == []
