"""An update keeps every node joined that 0.1.0 let join; one that only asked waits for its operator."""

from __future__ import annotations

import pytest

from hived.records.enrolling import BEFORE
from hived.records.joining import new_key
from hived.records.uplink import ASKING, JOINED, LEFT, NONE, PIN_MISMATCH, REFUSED, Uplink
from hived.store import Store, create
from hived.store.nodes import uplink
from tests.store.engine.test_store import run

NAME = "0016_consent"


@pytest.mark.parametrize(
    ("state", "keyed_at", "consent"),
    [
        (JOINED, 5.0, BEFORE), (JOINED, None, BEFORE), (REFUSED, 5.0, BEFORE), (PIN_MISMATCH, 5.0, BEFORE),
        (REFUSED, None, None), (ASKING, None, None), (NONE, None, None), (LEFT, None, None),
    ],
)  # fmt: skip
async def test_who_had_joined_stays_joined(url: str, state: str, keyed_at: float | None, consent: str | None) -> None:
    key = new_key()
    async with Store.open(url) as store:
        before = Uplink(state=state, url="http://127.0.0.1:1", master_id="m-1", key=key, keyed_at=keyed_at)
        await store.write(uplink.put, before)
    run(url, "ALTER TABLE uplink DROP COLUMN consent")
    run(url, f"DELETE FROM schema_migration WHERE name = '{NAME}'")
    assert create(url) == [NAME]
    async with Store.open(url) as store:
        after = await store.read(uplink.get)
    assert (after.state, after.key, after.consent) == (state, key, consent)
