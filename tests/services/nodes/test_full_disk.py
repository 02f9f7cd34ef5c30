"""A database that cannot grow: said once while it lasts, and carrying goes on when there is room."""

from __future__ import annotations

import logging

import pytest

from hived.errors import Transient
from hived.records.daemon import DaemonRow
from hived.records.uplink import JOINED
from hived.runtime.beat import Beat
from hived.store import Database, daemon_rows
from hived.store.schema import Node as NodeRow
from tests.services.nodes.master import SmallMaster
from tests.services.nodes.node import OWN, MakeNode, Node, joined


def full(db: Database) -> None:
    """Let every write need a page more than there may be."""
    db.execute_sql("CREATE TABLE ballast (data BLOB)")
    for table in ("uplink", "node", "sync_point"):
        for change in ("INSERT", "UPDATE"):
            db.execute_sql(
                f"CREATE TRIGGER full_{table}_{change} AFTER {change} ON {table} BEGIN"
                " INSERT INTO ballast VALUES (zeroblob(1000000)); END"
            )
    db.execute_sql("PRAGMA max_page_count = 1")


def room(db: Database) -> None:
    db.execute_sql("PRAGMA max_page_count = 1073741823")


async def ticks(node: Node, beat: Beat, count: int, every_s: float) -> None:
    """Let the beat of hive-syncd tick so often."""
    for _ in range(count):
        node.pass_(every_s)
        await beat.attempt()


async def check_said_once(node: Node, caplog: pytest.LogCaptureFixture) -> None:
    beat = Beat("carry", node.sync.tick, every=1.0, limit=90.0, clock=node.elapsed)
    await node.store.write(full)
    with pytest.raises(Transient, match="full"):
        await node.store.write(lambda db: db.execute_sql("UPDATE node SET name = name"))
    caplog.clear()
    caplog.set_level(logging.INFO)
    await ticks(node, beat, 120, 1.0)
    said = [record.message for record in caplog.records]
    assert len([line for line in said if "is full" in line]) == 1, said
    assert not [line for line in said if "recovered" in line or "works again" in line], said
    await node.store.write(room)
    await ticks(node, beat, 40, 5.0)
    assert caplog.text.count("recovered after") + caplog.text.count("works again after") == 1


async def test_a_node_says_a_full_disk_once(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await joined(make_node, master)
    await node.store.write(lambda db: NodeRow.insert(id=OWN, name="here", status="approved").execute(db))
    await check_said_once(node, caplog)
    link = await node.link()
    assert (link.state, link.last_error) == (JOINED, None)


async def test_a_master_says_a_full_disk_once(
    make_node: MakeNode, master: SmallMaster, caplog: pytest.LogCaptureFixture
) -> None:
    node = await make_node("auto")
    await node.store.write(lambda db: NodeRow.insert(id=OWN, name="here", role="master", status="approved").execute(db))
    await node.store.write(daemon_rows.save_daemon, DaemonRow("hive-apid", 1, "0.1.0", 0.0, node.clock(), ""))
    await node.tick(1)
    await check_said_once(node, caplog)
