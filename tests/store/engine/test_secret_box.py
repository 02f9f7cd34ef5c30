"""Secrets at rest: sealed in every file of the database, opened with the key file alone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from hived.errors import HivedError, Transient
from hived.records.miner import MinerIdentity
from hived.store import Store, create, integrity
from hived.store.engine import sqlite
from hived.store.engine.secret_box import NAME, PREFIX, SecretBox
from hived.store.miners import miners, readings

MAC = "02:00:00:00:00:01"
KEY, PASSWORD = "the-plain-key-of-a-miner", "the-plain-password"
SIGHTING = miners.Sighting(MinerIdentity(MAC), "127.0.0.9", 1.0)


def files(folder: Path) -> bytes:
    """Everything that lies in a folder but the key file."""
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.name != NAME)


def test_what_is_sealed_is_opened_again_and_never_looks_the_same(tmp_path: Path) -> None:
    box = SecretBox(tmp_path)
    one, other = box.seal("grün", "a"), box.seal("grün", "a")
    assert one != other
    assert one.startswith(PREFIX)
    assert "grün" not in one
    assert SecretBox(tmp_path).open(one, "a") == "grün"
    assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [NAME]


@pytest.mark.parametrize("change", ["about", "text", "cut", "garbage"])
def test_a_value_that_was_moved_or_changed_is_not_opened(tmp_path: Path, change: str) -> None:
    box = SecretBox(tmp_path)
    sealed, about = box.seal("secret", "miner:a:api_key"), "miner:a:api_key"
    if change == "about":
        about = "miner:b:api_key"
    elif change == "text":
        sealed = sealed[:-6] + ("AAAA" if sealed[-6:-2] != "AAAA" else "BBBB") + sealed[-2:]
    elif change == "cut":
        sealed = sealed[:20]
    else:
        sealed = PREFIX + "ü"
    with pytest.raises(HivedError, match=NAME):
        box.open(sealed, about)


def test_a_key_file_that_cannot_be_used_is_one_clear_line(tmp_path: Path) -> None:
    sealed = SecretBox(tmp_path).seal("secret", "a")
    path = tmp_path / NAME
    path.write_text("abc")
    for action in (
        lambda: SecretBox(tmp_path).open(sealed, "a"),
        lambda: SecretBox(tmp_path).seal("x", "a"),
        SecretBox(tmp_path).check,
    ):
        with pytest.raises(HivedError, match=f"{NAME} is damaged: it must hold 64 hexadecimal digits"):
            action()
    path.unlink()
    path.mkdir()
    with pytest.raises(HivedError, match=f"cannot use the key file .*{NAME}"):
        SecretBox(tmp_path).open(sealed, "a")
    with pytest.raises(HivedError, match="cannot use the key file"):
        SecretBox(tmp_path / NAME / "file" / "x").open(sealed, "a")


async def test_processes_that_start_together_agree_on_the_key(tmp_path: Path) -> None:
    sealed = await asyncio.gather(*(asyncio.to_thread(SecretBox(tmp_path).seal, f"text {i}", "a") for i in range(20)))
    box = SecretBox(tmp_path)
    assert [box.open(one, "a") for one in sealed] == [f"text {i}" for i in range(20)]


async def test_no_file_of_the_database_holds_a_plain_secret(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hived.db'}"
    create(url)
    async with Store.open(url) as store:
        row = await store.write(miners.saw, SIGHTING, node_id="n")
        await store.write(miners.keep_access, row.num, KEY, 2.0, password="the-first-password")
        await store.write(miners.set_password, MAC.upper(), PASSWORD, 3.0)
        found = await store.read(miners.by_mac, MAC)
        assert found is not None
        assert (found.access, found.unlock_password) == (KEY, PASSWORD)
        (target,) = await store.read(readings.due, 10.0, limit=5, unmanaged=True)
        assert target.access == KEY
        held = files(tmp_path)  # the log too
        assert MAC.encode() in held
        for secret in (KEY, PASSWORD, "the-first-password"):
            assert secret.encode() not in held


async def test_the_plain_secrets_of_an_older_hived_are_sealed_and_leave_no_trace(tmp_path: Path) -> None:
    url, path = f"sqlite:///{tmp_path / 'hived.db'}", tmp_path / "hived.db"
    create(url)
    async with Store.open(url) as store:
        for i in range(40):
            sighting = miners.Sighting(MinerIdentity(f"02:00:00:00:00:{i:02x}"), f"127.0.1.{i}", 1.0)
            await store.write(miners.saw, sighting, node_id="n")
    with closing(sqlite3.connect(path)) as old, old:
        old.execute("UPDATE miner SET api_key = 'an-earlier-plain-key-' || num")
        old.execute("UPDATE miner SET unlock_password = ?, api_key = ? || num", (PASSWORD, KEY))
    assert KEY.encode() in files(tmp_path)
    assert create(url) == []
    for trace in (KEY, PASSWORD, "an-earlier-plain-key"):
        assert trace.encode() not in files(tmp_path)
    before = path.read_bytes()
    create(url)
    assert path.read_bytes() == before, "a second run has nothing to do"
    assert integrity(url) == "ok"
    async with Store.open(url) as store:
        assert {(m.access, m.unlock_password) for m in await store.read(miners.known)} == {
            (f"{KEY}{i + 1}", PASSWORD) for i in range(40)
        }
        assert len(await store.read(readings.due, 10.0, limit=99, unmanaged=True)) == 40  # their other rows stayed


async def test_a_lost_key_file_hides_keys_and_no_miners_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite:///{tmp_path / 'hived.db'}"
    create(url)
    async with Store.open(url) as store:
        for i in range(3):
            sighting = miners.Sighting(MinerIdentity(f"02:00:00:00:00:0{i}"), f"127.0.1.{i}", 1.0)
            row = await store.write(miners.saw, sighting, node_id="n")
            await store.write(miners.keep_access, row.num, KEY, 2.0)
    (tmp_path / NAME).unlink()
    SecretBox(tmp_path).seal("another key is made", "a")
    with caplog.at_level(logging.WARNING, "hived"):
        async with Store.open(url) as store:
            assert [m.access for m in await store.read(miners.known)] == [None] * 3
            assert await store.read(readings.due, 10.0, limit=5, unmanaged=True) == []
    assert [record.name for record in caplog.records if record.levelno >= logging.WARNING] == [
        "hived.store.engine.secret_box"
    ]
    assert str(tmp_path / NAME) in caplog.text
    assert KEY not in caplog.text


async def test_miners_whose_keys_are_lost_hold_up_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = f"sqlite:///{tmp_path / 'hived.db'}"
    create(url)
    async with Store.open(url) as store:
        for i in range(9):
            sighting = miners.Sighting(MinerIdentity(f"02:00:00:00:00:0{i}"), f"127.0.1.{i}", 1.0)
            row = await store.write(miners.saw, sighting, node_id="n")
            await store.write(miners.keep_access, row.num, KEY, 2.0)
    (tmp_path / NAME).unlink()
    with caplog.at_level(logging.INFO, "hived.store.engine.secret_box"):
        async with Store.open(url) as store:
            await store.write(miners.keep_access, 9, "a new key", 3.0)
            found = [await store.read(readings.due, 10.0, limit=2, unmanaged=True) for _ in range(5)]
            assert [target.num for target in found[-1]] == [9]
            for num in range(1, 9):
                await store.write(miners.keep_access, num, "a new key", 3.0)
            assert all(m.access == "a new key" for m in await store.read(miners.known))
    told = [record.levelname for record in caplog.records if record.name == "hived.store.engine.secret_box"]
    assert told == ["WARNING", "INFO"]


async def test_plain_secrets_that_a_reader_holds_on_to_are_told_and_gone_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, path = f"sqlite:///{tmp_path / 'hived.db'}", tmp_path / "hived.db"
    create(url)
    async with Store.open(url) as store:
        await store.write(miners.saw, SIGHTING, node_id="n")
    monkeypatch.setitem(sqlite._PRAGMAS, "busy_timeout", 50)
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        old.execute("UPDATE miner SET unlock_password = ?", (PASSWORD,))
        old.execute("DELETE FROM keepsake WHERE name = 'secrets_are_sealed'")
        old.execute("BEGIN")
        old.execute("SELECT * FROM miner").fetchall()
        with pytest.raises(Transient, match="stop the daemons"):
            create(url)
        assert PASSWORD.encode() in files(tmp_path)
        old.execute("ROLLBACK")
        create(url)
        assert PASSWORD.encode() not in files(tmp_path)


async def test_a_store_is_not_opened_with_a_damaged_key_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'hived.db'}"
    create(url)
    other = tmp_path / "state"
    other.mkdir()
    (other / NAME).write_text("00")
    with pytest.raises(HivedError, match=str(other / NAME)):
        async with Store.open(url, other):
            pass
