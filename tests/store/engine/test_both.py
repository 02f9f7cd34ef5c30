"""What must be the same whether the rows are in a file or on a server."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest
from playhouse.migrations import Runner

from hived.errors import HivedError, Transient
from hived.records.ingest import Batch, SentEvent
from hived.records.streams import EVENTS
from hived.store import Database, Store, create, database_of
from hived.store.engine import dialect
from hived.store.engine.counters import next_number, next_rev
from hived.store.engine.database import tuples
from hived.store.engine.epoch import epoch, new_epoch
from hived.store.engine.migrations import CHANGES
from hived.store.engine.secret_box import is_sealed
from hived.store.miners import fleet, miners
from hived.store.nodes import ingest
from hived.store.schema import Contribution, Event, Health, Miner, OtherDevice
from tests.databases import Databases

EACH = 60  # transactions of each of four lanes


def mark(db: Database, lane: str) -> int:
    """Store a row that bears its transaction's rev."""
    rev = next_rev(db)
    OtherDevice.insert(
        ip=f"{lane}-{rev}", kind="html", reason="", first_seen_at=0.0, last_seen_at=0.0, failures=rev
    ).execute(db)  # fmt: skip
    return rev


def newer(db: Database, rev: int) -> list[int]:
    query = OtherDevice.select(OtherDevice.failures).where(OtherDevice.failures > rev).order_by(OtherDevice.failures)
    return [found for (found,) in tuples(query, db)]


async def test_who_asks_for_newer_revs_misses_nothing_while_two_processes_write(url: str) -> None:
    """Numbers become visible in the order in which they were given, whoever commits first."""
    seen: list[int] = []
    async with (
        Store.open(url, connections=2) as one,
        Store.open(url, connections=2) as other,
        Store.open(url) as third,
    ):
        done = asyncio.Event()

        async def follow() -> None:
            last_turn = False
            while not last_turn:
                last_turn = done.is_set()
                seen.extend(await third.read(newer, seen[-1] if seen else 0))

        async def lane(change: Any, name: str) -> list[int]:
            return [await change(mark, name) for _ in range(EACH)]

        following = asyncio.create_task(follow())
        lanes = (lane(one.write, "a"), lane(one.merge, "b"), lane(other.write, "c"), lane(other.merge, "d"))
        given = await asyncio.gather(*lanes)
        done.set()
        await following
    assert sorted(rev for revs in given for rev in revs) == seen == list(range(1, 4 * EACH + 1))


def deliver(db: Database, node: str, seq: int) -> None:
    """Store one event as a node tells it."""
    sent = SentEvent(seq, 1.0, None, "node_event", {"of": node})
    ingest.take(db, node, Batch(EVENTS, "e", seq, seq, (sent,)), 1.0)


async def test_who_asks_for_newer_events_misses_none_while_nodes_deliver_theirs(url: str) -> None:
    seen: list[int] = []
    async with Store.open(url, connections=3) as one, Store.open(url, connections=3) as other, Store.open(url) as third:
        done = asyncio.Event()

        async def follow() -> None:
            last_turn = False
            while not last_turn:
                last_turn = done.is_set()
                found = await third.read(fleet.events_after, seen[-1] if seen else 0, limit=10_000)
                seen.extend(event.id or 0 for event in found)

        async def lane(store: Store, node: str) -> None:
            for seq in range(1, EACH + 1):
                while True:
                    try:
                        await store.merge(deliver, node, seq)
                    except Transient:  # others had the lock all the time: it comes again, as from any node
                        continue
                    break

        following = asyncio.create_task(follow())
        await asyncio.gather(
            *(lane(store, f"{node}") for node, store in enumerate((one, other, one, other, one, other)))
        )
        done.set()
        await following
        stored = await third.read(lambda db: tuples(Event.select(Event.id).order_by(Event.id), db))
    assert seen == [number for (number,) in stored]
    assert len(seen) == 6 * EACH


async def test_what_can_be_read_only_once_is_no_argument(store: Store) -> None:
    with pytest.raises(TypeError, match="only once"):
        await store.merge(miners.still_there, ((num, None) for num in (1, 2)), 1.0)
    with pytest.raises(TypeError, match="only once"):
        await store.write(miners.still_there, nums=iter([]), at=1.0)


async def test_counted_numbers_are_given_in_blocks(store: Store) -> None:
    assert await store.write(next_number, "things", 5) == 5
    assert await store.merge(next_number, "things") == 6
    assert await store.write(next_number, "things", 2**40) == 2**40 + 6


async def test_the_epoch_stays_until_a_new_one_begins(url: str) -> None:
    async with Store.open(url) as store:
        first = await store.read(epoch)
        assert len(first) == 16
        assert await store.read(epoch) == first
        second = await store.write(new_epoch)
        assert second != first
    create(url)
    async with Store.open(url) as store:
        assert await store.read(epoch) == second


def test_a_database_of_the_last_release_keeps_everything(databases: Databases) -> None:
    """Made by the changes 0001 and 0002 and filled, as it is on an appliance that is updated."""
    url = databases.bare()
    if databases.kind == "sqlite":
        from hived.store.engine.sqlite import prepare

        prepare(databases.folder / "hived.db")
    database = database_of(url)
    with database.session():
        assert Runner(database, str(CHANGES)).up("0002_collecting") == ["0001_first_tables", "0002_collecting"]
        rows = dialect.rows
        for i in range(1, 4):
            database.execute_sql(
                "INSERT INTO miner (mac, ip, online, managed, hashrate_unit, api_key, unlock_password, unlock_failures,"
                " unlock_position, unlock_not_before, created_at, updated_at) VALUES"
                f" ('02:00:00:00:00:0{i}', '192.0.2.{i}', true, false, 'GH/s', 'plain-key-{i}', NULL, 0, 0, 0, 1, 2)"
            )
            database.execute_sql(
                "INSERT INTO health (num, missed_scans, next_status_at, next_chips_at, failures, error_count,"
                f" boards_seen, fans_seen, rev, last_error, last_error_at) VALUES ({i}, 0, 0, 0, 0, 0, '', '', 0,"
                " 'no answer within 5 s', 3)"
            )
            database.execute_sql(f"INSERT INTO event (at, num, kind, detail) VALUES ({i}, {i}, 'miner_found', '{{}}')")
            database.execute_sql(
                "INSERT INTO artifact (url_key, canon_version, url, provider, object_id, title, licence_uri,"
                " licence_field, licence_scope, licence_read_at, facts, search, content_hash, state, describe_at,"
                f" describe_attempts, collected_at, changed_at) VALUES ('k{i}', 1, 'u{i}', 'met', '{i}', 't', 'l', 'f',"
                f" 's', 1, '{{}}', 't', 'h', 'described', 0, 0, 1, 1)"
            )
            database.execute_sql(
                "INSERT INTO contribution (id, artifact_id, node_id, kind, content, content_hash, collected_at) VALUES"
                f" ('c{i}', {i}, 'n1', 'description', '{{}}', 'h', {10 - i})"
            )
    database.shut()

    assert create(url)[0] == "0003_nodes_and_access"

    database = database_of(url)
    with database.session():
        known = miners.known(database)
        assert [(m.mac, m.ip, m.access, m.online, m.firmware) for m in sorted(known, key=lambda m: m.num)] == [
            (f"02:00:00:00:00:0{i}", f"192.0.2.{i}", f"plain-key-{i}", True, "vnish") for i in range(1, 4)
        ]
        errors = Health.select(Health.last_error, Health.last_error_code, Health.last_error_at)
        assert tuples(errors, database) == [("no answer within 5 s", None, 3.0)] * 3, "the text alone is known of it"
        stored = tuples(Miner.select(Miner.num, Miner.seq, Miner.remote, Miner.api_key), database)
        assert sorted(row[:3] for row in stored) == [(i, i, False) for i in range(1, 4)]
        assert all(is_sealed(key) for *_, key in stored)
        found = Contribution.select(Contribution.id, Contribution.artifact, Contribution.seq, Contribution.received_at)
        assert sorted(tuples(found, database)) == [("c1", 1, 3, 9.0), ("c2", 2, 2, 8.0), ("c3", 3, 1, 7.0)]
        assert sorted(tuples(Event.select(Event.num, Event.kind, Event.node_id), database)) == [
            (i, "miner_found", None) for i in range(1, 4)
        ]
        assert dict(rows(database, "SELECT name, value FROM counter")) == {
            "miners": 3,
            "contributions": 3,
            "facts_before": 3,
        }
        assert len(epoch(database)) == 16
        assert next_number(database, "contributions") == 4
    database.shut()
    assert create(url) == []


def test_a_schema_change_that_fails_takes_those_before_it_back(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the old program would meet a database that is neither its own nor the new one's, after a failed update."""
    changes = tmp_path / "changes"
    shutil.copytree(CHANGES, changes)
    good = "def up(migrator, db):\n    db.execute_sql('DROP TABLE stranger')\n"
    (changes / "9001_good.py").write_text(good)
    (changes / "9002_bad.py").write_text("def up(migrator, db):\n    db.execute_sql('DROP TABLE none_such')\n")
    with monkeypatch.context() as newer_program:
        newer_program.setattr("hived.store.engine.migrations.CHANGES", changes)
        with pytest.raises(HivedError, match=r"nothing was changed: .*none_such"):
            create(url)
    assert create(url) == []  # still exactly this program's
    database = database_of(url)
    with database.session():
        assert "stranger" in database.get_tables()
    database.shut()


@pytest.mark.sqlite_only("only there a table is made anew by dropping it, and only there rows could go with it")
def test_a_table_made_anew_keeps_the_rows_that_point_to_it(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = database_of(url)
    with database.session():
        database.execute_sql("INSERT INTO miner (mac, online, managed, hashrate_unit, unlock_failures, unlock_position,"
            " unlock_not_before, created_at, updated_at, remote, seq) VALUES ('02:00:00:00:00:01', 1, 0, 'GH/s', 0, 0,"
            " 0, 1, 1, 0, 1)")  # fmt: skip
        database.execute_sql(
            "INSERT INTO health (num, missed_scans, next_status_at, next_chips_at, failures, error_count, boards_seen,"
            " fans_seen, rev) VALUES (1, 0, 0, 0, 0, 0, '', '', 0)"
        )
    database.shut()
    changes = tmp_path / "changes"
    shutil.copytree(CHANGES, changes)
    (changes / "9001_anew.py").write_text(
        "def up(migrator, db):\n    migrator.migrate(migrator.drop_not_null('miner', 'hashrate_unit'))\n"
    )
    monkeypatch.setattr("hived.store.engine.migrations.CHANGES", changes)
    assert create(url) == ["9001_anew"]
    with database.session():
        assert database.execute_sql("SELECT COUNT(*) FROM health").fetchone() == (1,)
    database.shut()
