"""A database that cannot be written for a while: a daemon waits for it, says what to do, and goes on by itself."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from hived.errors import HivedError, Transient
from hived.runtime import retry
from hived.store import Store, create
from hived.store.engine import opening
from hived.store.miners import discovery
from tests.databases import Cluster
from tests.users import NOBODY, as_nobody


@pytest.fixture
def path(public_path: Path) -> Path:
    """A migrated database of the user that daemons run as."""
    folder = public_path / "state"
    folder.mkdir(mode=0o700)
    create(f"sqlite:///{folder / 'hived.db'}")
    if os.geteuid() == 0:
        for one in (folder, *folder.iterdir()):
            os.chown(one, NOBODY.pw_uid, NOBODY.pw_gid)
    return folder / "hived.db"


def mode(path: Path, wanted: int) -> None:
    path.chmod(wanted)


async def swept(url: str, folder: Path, waits: asyncio.Queue[str]) -> int:
    """Do as a daemon does."""
    async with opening.opened(url, folder, waiting=waits.put_nowait) as store:
        return await store.write(discovery.start_sweep, 1.0)


@pytest.mark.parametrize(("name", "spoil"), [("hived.db", 0o400), (".", 0o500), ("hived.db", 0o000)])
async def test_a_start_waits_until_the_permissions_are_mended(
    path: Path, name: str, spoil: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_S", 0.01)
    waits: asyncio.Queue[str] = asyncio.Queue()
    spoilt = path.parent / name
    good = spoilt.stat().st_mode
    spoilt.chmod(spoil)
    with as_nobody():
        running = asyncio.create_task(swept(f"sqlite:///{path}", path.parent, waits))
        for _ in range(2):
            why = await asyncio.wait_for(waits.get(), 20)
            assert f"may not write {spoilt}" in why
            assert f"chown -h {'nobody' if os.getuid() == 0 else ''}" in why
            assert why.endswith(": waiting")
        spoilt.chmod(good)
        assert await asyncio.wait_for(running, 20) == 1


async def test_who_does_not_wait_is_told_at_once(path: Path) -> None:
    path.parent.chmod(0o500)
    with as_nobody():
        with pytest.raises(HivedError, match="may not write"):
            async with opening.opened(f"sqlite:///{path}", path.parent, retries=False):
                pass
        path.parent.chmod(0o700)


async def test_what_cannot_be_written_any_more_is_transient_and_works_once_it_can(path: Path) -> None:
    mode(path, 0o400)
    with as_nobody():
        async with Store.open(f"sqlite:///{path}") as store:
            for _ in range(2):
                with pytest.raises(Transient, match=f"may not write {path}") as told:
                    await store.write(discovery.start_sweep, 1.0)
                assert told.value.code == "not_writable"
                assert await store.read(discovery.sweeps) == []
            for one in path.parent.glob("hived.db*"):
                mode(one, 0o600)
            assert await store.write(discovery.start_sweep, 2.0) == 1


async def test_a_folder_that_cannot_be_entered_is_no_bug_of_ours(path: Path) -> None:
    with as_nobody():
        async with Store.open(f"sqlite:///{path}") as store:
            mode(path.parent, 0o000)
            for call in (store.write(discovery.start_sweep, 1.0), store.read(discovery.sweeps), store.changed()):
                with pytest.raises(Transient, match=f"{path}: Permission denied"):
                    await call
            mode(path.parent, 0o700)
            assert await store.write(discovery.start_sweep, 2.0) == 1


# -- a server ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def name(cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr("hived.store.engine.db.STATE_DIR", tmp_path)
    return cluster.copy("fresh", lambda url: (create(url, tmp_path), None)[1])


class ReadOnly:
    """Makes the server read-only as an administrator does, also for connections that are open."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def __aenter__(self) -> None:
        await self._set("on")

    async def __aexit__(self, *_error: object) -> None:
        await self._set("off")

    async def _set(self, value: str) -> None:
        setting = "default_transaction_read_only"
        await asyncio.to_thread(self._cluster.admin, f"ALTER SYSTEM SET {setting} = {value}")
        await asyncio.to_thread(self._cluster.admin, "SELECT pg_reload_conf()")
        async with asyncio.timeout(20):
            while await asyncio.to_thread(self._cluster.admin, f"SHOW {setting}") != [(value,)]:
                pass


async def test_a_server_that_is_read_only_is_waited_for_and_met_anew(cluster: Cluster, name: str) -> None:
    async with Store.open(cluster.url(name)) as store:
        await store.write(discovery.start_sweep, 1.0)
        before = await store.write(_pid)
        async with ReadOnly(cluster):
            await until_transient(store)
            with pytest.raises(Transient, match="takes no writes at the moment"):
                await store.merge(discovery.start_sweep, 2.0)
            assert await store.read(discovery.sweeps)
        async with asyncio.timeout(20):
            while True:
                try:
                    await store.write(discovery.start_sweep, 3.0)
                    break
                except Transient:
                    pass
        assert await store.write(_pid) != before, "another server may have taken over: the connection is a new one"


async def until_transient(store: Store) -> None:
    """Write until it fails: a session hears of a new setting with its next command."""
    async with asyncio.timeout(20):
        while True:
            try:
                await store.write(discovery.start_sweep, 2.0)
            except Transient:
                return


async def test_a_start_waits_for_a_server_that_is_read_only(
    cluster: Cluster, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "RETRY_S", 0.01)
    waits: asyncio.Queue[str] = asyncio.Queue()
    async with ReadOnly(cluster):
        with pytest.raises(Transient, match="read-only just now"):
            async with opening.opened(cluster.url(name), tmp_path, retries=False):
                pass
        running = asyncio.create_task(swept(cluster.url(name), tmp_path, waits))
        for _ in range(3):
            assert "is read-only just now: waiting" in await asyncio.wait_for(waits.get(), 20)
    assert await asyncio.wait_for(running, 20) == 1
    async with asyncio.timeout(20):  # each try closes what it opened; the server takes a moment to notice
        while await asyncio.to_thread(cluster.admin, f"SELECT 1 FROM pg_stat_activity WHERE datname = '{name}'"):
            pass


def _pid(db: object) -> int:
    return int(db.connection().info.backend_pid)  # type: ignore[attr-defined]
