"""A disk that takes no row is told all the same."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import pytest

from hived.errors import Transient
from hived.records.host import HostTrouble
from hived.runtime.named_urls import NamedUrl
from hived.services.alerts.outgoing import Outgoing
from hived.services.alerts.past_the_disk import PastTheDisk, to_all
from hived.store import Database
from hived.store.schema import Setting
from tests.clients.outgoing.receivers import web
from tests.services.alerts.alertsite import AlertSite

FULL = HostTrouble("disk_full", "the disk is full (0 MiB left)", "make room on the disk")


def _limit(db: Database, pages: int) -> None:
    """Let SQLite say that the disk is full as soon as the file has so many pages."""
    db.execute_sql(f"PRAGMA max_page_count = {pages}").fetchall()


def _add(db: Database, name: str) -> None:
    Setting.insert(name=name, value="x" * 3000).execute(db)


async def _fill(site: AlertSite) -> None:
    """Take what is free, but for crumbs that a round with many findings does not fit into."""
    await site.write(_limit, 1)  # it stays at what it has
    for number in range(1000):
        try:
            await site.write(_add, f"filler-{number}")
        except Transient:
            return
    raise AssertionError("the disk is never full")


@pytest.mark.sqlite_only("the disk of a server is its own")
async def test_a_full_disk_is_told_once_past_the_database_and_once_when_there_is_room(site: AlertSite) -> None:
    await site.miners(range(1, 30), group="row A")
    await site.turn(1)
    async with web() as hook:
        outgoing = Outgoing((NamedUrl("hook", f"json://127.0.0.1:{hook.port}/"),))
        site.past = PastTheDisk(partial(to_all, site.store, outgoing))
        site.engine = site.fresh()
        await site.offline(*range(1, 30))
        await _fill(site)
        site.facts = replace(site.facts, troubles=(FULL,))
        for _ in range(3):
            with pytest.raises(Transient):
                await site.engine.tick()
        await site.write(_limit, 2**30)
        site.facts = replace(site.facts, troubles=())
        await site.engine.tick()
        await site.engine.tick()
    told = [json.loads(request.partition(b"\r\n\r\n")[2]) for request in hook.got]
    assert [one["title"] for one in told] == [
        "shed: the disk is full (0 MiB left)", "Over: shed: the disk takes rows again",
    ]  # fmt: skip
    assert "Next step: make room on the disk" in told[0]["message"]
