"""Whoever updates is told once who may steer miners from now on."""

from __future__ import annotations

import logging

import pytest

from hived.services.appliance.steering_told import tell_once
from hived.store import Store, events
from hived.store.access import users
from tests.clock import FakeClock
from tests.databases import Databases


async def test_the_journal_and_an_event_say_once_who_may_order(
    databases: Databases, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with Store.open(databases.make()) as store:
        for name, role in (("anna", "admin"), ("vera", "viewer")):
            await store.write(users.add, name, "x", role, at=clock())
        for _ in range(2):
            await store.write(tell_once, clock())
        (event,) = await store.read(events.newest, limit=10)
    assert (event.kind, event.detail) == ("steering_ready", {"who": "anna (admin)", "managed": 0, "miners": 0})
    assert [one.message for one in caplog.records if one.name.endswith("steering_told")] == [
        "ready to steer: 0 of 0 miners are managed, and nothing is done to one without an order",
        "who may order: anna (admin); and tokens, if they have the scope steer",
    ]
