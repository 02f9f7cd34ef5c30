"""How the installed daemons start, or refuse to: --once, --check, bad configuration, missing or newer schema."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
import yaml

from hived.records.daemon import DAEMONS as KNOWN
from hived.simulator.miners.fleet import Fleet
from tests.runtime.config_of_0_1_0 import written
from tests.system.appliance import DAEMONS, PATIENCE_S, Appliance, Program, until
from tests.system.hosts import lan, possible

pytestmark = pytest.mark.system

EXIT_CONFIG = 78


async def starts(appliance: Appliance, *args: str) -> dict[str, Program]:
    """Start every daemon and return them all ended."""
    programs = {name: appliance.start(name, *args) for name in DAEMONS}
    for program in programs.values():
        await program.ended()
    return programs


async def test_once_is_one_round_of_each_daemons_work(appliance: Appliance, free_port: int) -> None:
    async with Fleet(8, subnet="127.34.14.0/28", steady=True) as fleet:
        appliance.configure(
            network={"subnets": ["127.34.14.0/28"], "port": fleet.port}, http={"addr": f"127.0.0.1:{free_port}"}
        )
        for name in DAEMONS:
            assert await appliance.start(name, "--once").ended() == 0
        assert appliance.number("SELECT count(*) FROM sweep") == 1
        assert appliance.number("SELECT count(*) FROM miner WHERE api_key IS NOT NULL") == 8
        assert [len(miner.keys) for miner in fleet.miners] == [1] * 8
        assert appliance.number("SELECT count(*) FROM status") == 8
        assert appliance.number("SELECT count(DISTINCT num) FROM chips") == 8


async def test_once_fails_when_the_round_failed(appliance: Appliance) -> None:
    with closing(sqlite3.connect(appliance.database)) as connection:
        connection.execute("BEGIN IMMEDIATE")  # somebody holds the database longer than anyone waits for it
        appliance.configure(network={"subnets": ["127.34.14.16/29"], "port": 9})
        discoverd = appliance.start("hive-discoverd", "--once")
        assert await discoverd.ended() == 1
    assert "database: database is locked" in discoverd.log


async def test_check_prints_the_configuration_without_secrets(appliance: Appliance) -> None:
    appliance.configure(network={"unlock_passwords": ["geheim"], "subnets": ["127.34.14.0/28"]})
    for name in DAEMONS:
        program = appliance.start(name, "--check")
        out, _ = program.process.communicate(timeout=PATIENCE_S)
        assert program.process.returncode == 0
        assert b"geheim" not in out
        shown = yaml.safe_load(out)
        assert shown["network"]["subnets"] == ["127.34.14.0/28"]
        assert shown["database"]["url"] == appliance.url


@pytest.mark.parametrize("args", [(), ("--check",)], ids=["start", "check"])
async def test_a_bad_configuration_is_one_line_and_exit_code_78(args: tuple[str, ...], appliance: Appliance) -> None:
    good = appliance.file.read_text("utf-8")
    appliance.file.write_text(good + "intervals:\n  discovery_second: 30\n", "utf-8")
    line = good.count("\n") + 2
    for name, program in (await starts(appliance, *args)).items():
        assert program.process.returncode == EXIT_CONFIG
        assert program.log == (
            f"{name}: {appliance.file}:{line}: intervals.discovery_second: unknown option,"
            " did you mean intervals.discovery_seconds?\n"
        )


async def test_a_configuration_with_every_option_of_0_1_0_still_starts_every_daemon(
    appliance: Appliance, free_port: int
) -> None:
    appliance.file.write_text(written(appliance.folder, free_port))
    running = {one.name: appliance.start(one.name) for one in KNOWN}
    for name, program in running.items():
        await until(lambda name=name: appliance.rows("SELECT name FROM daemon WHERE name = ?", name))
        assert program.log.count("http.loopback_login is no option any more and is ignored: ") == 1
        program.reload()
        await until(lambda program=program: "reloaded, changed: nothing" in program.log)
    for program in running.values():
        await program.stop()
        assert "Traceback" not in program.log


async def test_without_a_database_the_way_to_one_is_told(appliance: Appliance) -> None:
    appliance.database.unlink()
    for name, program in (await starts(appliance)).items():
        assert program.process.returncode == EXIT_CONFIG
        assert last_line(program) == (
            f"{name}: there is no database at {appliance.database}: run `hivectl migrate` first"
        )
    assert not appliance.database.exists()


async def test_a_database_without_a_schema_is_refused(appliance: Appliance) -> None:
    appliance.database.write_bytes(b"")
    for name, program in (await starts(appliance)).items():
        assert program.process.returncode == EXIT_CONFIG
        assert last_line(program).startswith(f"{name}: the database lacks ")
        assert last_line(program).endswith("run `hivectl migrate` first")
    assert appliance.rows("SELECT name FROM sqlite_master WHERE name IN ('miner', 'status')") == []


async def test_a_database_of_a_newer_hived_is_refused_and_left_as_it_is(appliance: Appliance) -> None:
    with closing(sqlite3.connect(appliance.database)) as connection, connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(schema_migration)")]
        (applied,) = connection.execute("SELECT * FROM schema_migration LIMIT 1").fetchall()
        newer = dict(zip(columns, applied, strict=True)) | {"name": "9999_from_the_future"}
        newer.pop("id", None)
        marks = ", ".join("?" * len(newer))
        connection.execute(f"INSERT INTO schema_migration ({', '.join(newer)}) VALUES ({marks})", list(newer.values()))
    before = appliance.rows("SELECT * FROM sqlite_master")
    for name, program in (await starts(appliance)).items():
        assert program.process.returncode == EXIT_CONFIG
        assert last_line(program) == (
            f"{name}: the database was written by a newer hived (it knows 9999_from_the_future):"
            " install that version again"
        )
    assert appliance.rows("SELECT * FROM sqlite_master") == before


def last_line(program: Program) -> str:
    assert "Traceback" not in program.log, program.log
    return program.log.splitlines()[-1]


@pytest.mark.root
@pytest.mark.skipif((REASON := possible()) is not None, reason=str(REASON))
async def test_an_address_that_comes_after_the_start_is_waited_for(appliance: Appliance) -> None:
    """After a power cut the router may be slower than the appliance that waits for its address."""
    appliance.configure(http={"addr": "10.71.0.1:8080"})
    with lan() as made:
        host = made.host("box")
        program = appliance.start("hive-apid", prefix=host.prefix)
        await until(lambda: "10.71.0.1:8080: Cannot assign requested address: waiting" in program.log)
        assert program.running()
        host.add("lo", "10.71.0.1/32")
        await until(lambda: "dashboard at http://10.71.0.1:8080" in program.log)
        appliance.configure(http={"addr": "10.71.0.2:8080"})
        program.reload()
        await until(lambda: "back to the old one: cannot listen on 10.71.0.2:8080" in program.log)
        await until(lambda: program.log.count("dashboard at http://10.71.0.1:8080") == 2)
        await program.stop()
