"""A server between us and the data: what it refuses, what it ends, and that it comes back."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import peewee as pw
import psycopg
import pytest

from hived.errors import HivedError, Transient
from hived.records.discovery import OtherDevice
from hived.runtime import retry
from hived.store import Database, Store, create, database_of
from hived.store.engine import database as room
from hived.store.engine import opening
from hived.store.engine.db import TRIES
from hived.store.miners import discovery
from tests.databases import Cluster


@pytest.fixture
def name(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A migrated database by its name."""
    monkeypatch.setattr("hived.store.engine.db.STATE_DIR", tmp_path)

    def fill(url: str) -> None:
        create(url, tmp_path)

    return cluster.copy("fresh", fill)


@pytest.fixture
async def store(cluster: Cluster, name: str) -> AsyncIterator[Store]:
    async with Store.open(cluster.url(name), connections=3) as opened:
        yield opened


def other_device(ip: str, reason: str = "a page") -> OtherDevice:
    return OtherDevice(ip, "html", reason, 1.0, 1.0)


# -- what the server refuses -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "database", "said"),
    [
        ("guest:wrong-geheim", "{name}", "password authentication failed"),
        ("nobody-we-know:geheim", "{name}", "does not exist"),
        ("hived:geheim", "no_such_database", "does not exist"),
        ("guest:geheim", "{name}", "permission denied"),
    ],
)
async def test_what_the_server_refuses_is_one_line_without_the_password(
    cluster: Cluster, name: str, user: str, database: str, said: str
) -> None:
    url = cluster.url(database.format(name=name), user)
    with pytest.raises(HivedError, match=said) as told:
        async with Store.open(url):
            pass
    assert not isinstance(told.value, Transient)
    assert "geheim" not in str(told.value)
    assert "\n" not in str(told.value)
    assert user.partition(":")[0] in str(told.value)


async def test_a_server_that_is_not_there_is_one_line(tmp_path: Path, free_port: int) -> None:
    for host in (f"127.0.0.1:{free_port}", "no-such-host.invalid", str(tmp_path).replace("/", "%2F")):
        with pytest.raises(HivedError, match="cannot use the database postgresql://u@") as told:
            async with Store.open(f"postgresql://u:geheim@{host}/db", tmp_path):
                pass
        assert "geheim" not in str(told.value)
        assert "\n" not in str(told.value)


async def test_a_database_of_another_encoding_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    cluster.admin("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LOCALE 'C'")
    with pytest.raises(HivedError, match="another encoding than UTF8"):
        async with Store.open(cluster.url("latin"), tmp_path):
            pass
    cluster.drop("latin")


async def test_a_parameter_that_libpq_does_not_know_is_told_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(HivedError, match="sslmoode") as told:
        async with Store.open("postgresql://u:geheim@127.0.0.1/db?sslmoode=require", tmp_path):
            pass
    assert "geheim" not in str(told.value)


@pytest.mark.parametrize(
    ("raised", "ours"),
    [
        (psycopg.errors.DiskFull, Transient),
        (psycopg.errors.TooManyConnections, Transient),
        (psycopg.errors.CannotConnectNow, Transient),
        (psycopg.errors.IoError, Transient),
        (psycopg.errors.SerializationFailure, Transient),
        (psycopg.errors.DataCorrupted, HivedError),
        (psycopg.errors.ReadOnlySqlTransaction, Transient),
        (psycopg.errors.UndefinedColumn, None),
        (psycopg.errors.NotNullViolation, None),
        (psycopg.errors.NumericValueOutOfRange, None),
    ],
)
def test_the_world_is_told_apart_from_our_bugs(
    raised: type[psycopg.Error], ours: type[HivedError] | None, tmp_path: Path
) -> None:
    database = database_of("postgresql://u@h/db", tmp_path)
    with pytest.raises(pw.PeeweeException) as told, pw.__exception_wrapper__:  # type: ignore[attr-defined]
        raise raised("what the server said")
    found = database.translate(told.value)
    assert type(found) is (ours or type(None))


async def test_a_text_with_a_nul_is_stored_without_it(store: Store) -> None:
    await store.write(discovery.save_other_device, other_device("192.0.2.1", "a\0b"))
    assert [one.reason for one in await store.read(discovery.other_devices)] == ["a\N{REPLACEMENT CHARACTER}b"]


# -- who waits for whom ------------------------------------------------------------------------------------------------


async def test_two_merges_run_side_by_side_and_two_writes_one_after_the_other(cluster: Cluster, name: str) -> None:
    gate, entered = threading.Event(), threading.Event()

    def slow(db: Database) -> str:
        discovery.save_other_device(db, other_device("192.0.2.1"))
        entered.set()
        assert gate.wait(20)
        return "slow"

    async with Store.open(cluster.url(name)) as one, Store.open(cluster.url(name)) as other:
        for beside, change in ((True, other.merge), (False, other.write)):
            gate.clear()
            entered.clear()
            held = asyncio.create_task(one.merge(slow) if beside else one.write(slow))
            await asyncio.to_thread(entered.wait, 20)
            quick = asyncio.create_task(change(discovery.save_other_device, other_device("192.0.2.2")))
            if beside:
                await quick
            else:
                await until_it_waits(cluster, name)
                assert not quick.done()
            assert not held.done()
            gate.set()
            assert await held == "slow"
            await quick


async def until_it_waits(cluster: Cluster, name: str) -> None:
    asked = f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}' AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while not await asyncio.to_thread(cluster.admin, asked):
            pass


async def test_a_writer_that_waits_too_long_is_transient(
    cluster: Cluster, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOCK_LIMIT_S", 0.05)
    other = database_of(cluster.url(name))
    async with Store.open(cluster.url(name)) as store:
        with other.session(), other.transact("write"):
            with pytest.raises(Transient, match="locked"):
                await store.write(discovery.start_sweep, 1.0)
            assert await store.read(discovery.sweeps) == []
            assert await store.merge(discovery.start_sweep, 1.0) > 0
        await store.write(discovery.start_sweep, 2.0)
    other.shut()


async def test_of_two_merges_in_each_others_way_one_is_run_again(store: Store) -> None:
    for ip in ("192.0.2.1", "192.0.2.2"):
        await store.write(discovery.save_other_device, other_device(ip))
    meet, runs = threading.Barrier(2), []

    def cross(db: Database, first: str, then: str) -> None:
        runs.append(first)
        discovery.save_other_device(db, other_device(first, "crossed"))
        if len(runs) <= 2:
            meet.wait(20)
        discovery.save_other_device(db, other_device(then, "crossed"))

    await asyncio.gather(
        store.merge(cross, "192.0.2.1", "192.0.2.2"), store.merge(cross, "192.0.2.2", "192.0.2.1")
    )  # fmt: skip
    assert len(runs) == 3
    assert [one.reason for one in await store.read(discovery.other_devices)] == ["crossed"] * 2


async def test_who_finds_that_another_was_first_looks_again(store: Store) -> None:
    meet, runs = threading.Barrier(2), []

    def once(db: Database) -> str:
        runs.append(1)
        if any(one.ip == "192.0.2.9" for one in discovery.other_devices(db)):
            return "found"
        if len(runs) <= 2:
            meet.wait(20)
        db.execute_sql(
            "INSERT INTO stranger (ip, kind, reason, first_seen_at, last_seen_at, failures, next_probe_at)"
            " VALUES ('192.0.2.9', 'html', '', 0, 0, 0, 0)"
        )
        return "made"

    assert sorted(await asyncio.gather(store.merge(once), store.merge(once))) == ["found", "made"]


async def test_a_transaction_that_never_works_ends(store: Store) -> None:
    runs = []

    def twice(db: Database) -> None:
        runs.append(1)
        for _ in range(2):
            db.execute_sql("INSERT INTO keepsake (name, value) VALUES ('a', 'b')")

    with pytest.raises(pw.IntegrityError):
        await store.merge(twice)
    assert len(runs) == TRIES


async def test_no_more_connections_than_allowed(cluster: Cluster, name: str, store: Store) -> None:
    meet = threading.Barrier(3)

    def together(_db: Database) -> None:
        meet.wait(20)

    reads = [store.read(together) for _ in range(30)]
    await asyncio.gather(*reads, *(store.merge(discovery.start_sweep, 1.0) for _ in range(30)))
    ((count,),) = cluster.admin(f"SELECT COUNT(*) FROM pg_stat_activity WHERE datname = '{name}'")
    assert 4 <= count <= 6


# -- a server that goes and comes back ---------------------------------------------------------------------------------


async def test_connections_that_the_server_ended_while_idle_are_opened_anew(
    cluster: Cluster, name: str, store: Store
) -> None:
    await store.write(discovery.start_sweep, 1.0)
    await store.read(discovery.sweeps)
    assert cluster.cut(name) >= 2
    await store.write(discovery.start_sweep, 2.0)
    assert len(await store.read(discovery.sweeps, limit=9)) == 2


async def test_a_transaction_that_the_server_ended_leaves_nothing_and_the_next_one_works(
    cluster: Cluster, name: str, store: Store
) -> None:
    def unlucky(db: Database) -> None:
        discovery.start_sweep(db, 1.0)
        cluster.cut(name)
        discovery.start_sweep(db, 2.0)

    with pytest.raises(Transient, match=r"terminat|closed"):
        await store.write(unlucky)
    assert await store.read(discovery.sweeps) == []
    await store.write(discovery.start_sweep, 3.0)
    assert len(await store.read(discovery.sweeps, limit=9)) == 1


async def test_while_the_server_is_away_everything_is_transient_and_afterwards_works(
    cluster: Cluster, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    await store.write(discovery.start_sweep, 1.0)
    mark = await store.changed()
    await asyncio.to_thread(cluster.stop)
    try:
        for _ in range(2):
            with pytest.raises(Transient):
                await store.read(discovery.sweeps)
            with pytest.raises(Transient):
                await store.write(discovery.start_sweep, 2.0)
            with pytest.raises(Transient):
                await store.changed()
    finally:
        cluster.start()
    assert len(await store.read(discovery.sweeps, limit=9)) == 1
    await store.write(discovery.start_sweep, 3.0)
    assert await store.changed() != mark
    assert [one for one in caplog.records if one.levelno > logging.INFO] == []


async def test_a_daemon_that_starts_before_its_server_waits_for_it(
    cluster: Cluster, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_S", 0.01)
    waits: asyncio.Queue[str] = asyncio.Queue()

    async def daemon() -> int:
        async with opening.opened(cluster.url(name), tmp_path, waiting=waits.put_nowait) as store:
            return len(await store.read(discovery.sweeps))

    await asyncio.to_thread(cluster.stop)
    try:
        running = asyncio.create_task(daemon())
        for _ in range(3):
            assert "cannot use the database postgresql://" in await asyncio.wait_for(waits.get(), 20)
    finally:
        cluster.start()
    assert await asyncio.wait_for(running, 20) == 0


async def test_many_can_migrate_at_once(cluster: Cluster, tmp_path: Path) -> None:
    name = cluster.empty()
    applied = await asyncio.gather(*(asyncio.to_thread(create, cluster.url(name), tmp_path) for _ in range(4)))
    whole = [one for one in applied if one]
    assert len(whole) == 1
    assert whole[0][0] == "0001_first_tables"
    cluster.drop(name)
