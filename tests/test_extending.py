"""docs/extending.md is true: each example touches as many files as it says, fits in and works."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from hived.simulator.miners.fleet import Fleet
from hived.store import database_of
from tests import access, extending
from tests.dashboard import conftest as dashboard
from tests.extending import promised, sections
from tests.services.nodes.node import fill
from tests.system.appliance import Appliance, Program, appliance_in, until

MOST = {
    "A family of firmware": 1,
    "A measure of a miner": 4,
    "A measure of a board": 3,
    "An event kind": 1,
    "An order for a daemon": 2,
    "A route with a page": 5,
    "An option": 2,
    "A daemon": 4,
}
"""Files of the product; a family's folder and the place that uses a thing come on top."""
PAGE = extending.PAGE.read_text()
GUARDS = (
    "test_rooms", "test_neutral", "test_units", "test_man_pages", "test_config_sample", "records/test_measures",
    "records/test_events", "dashboard/test_files",
)  # fmt: skip
MAC = "02:00:00:00:00:01"

chromium, open_page = dashboard.chromium, dashboard.open_page

Extend = Callable[[str], Path]


def python(tree: Path, *args: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(tree)}
    line = [sys.executable, *args]
    return subprocess.run(line, cwd=tree, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def extend(tmp_path: Path) -> Extend:
    """Apply a section to a copy of the tree."""

    def applied(title: str) -> Path:
        tree = extending.copy_of_the_tree(tmp_path / "tree")
        for change in sections(PAGE)[title].changes:
            change.apply(tree)
        return tree

    return applied


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with appliance_in(tmp_path) as made:
        yield made


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_has_a_section_for_each_thing_and_nothing_else() -> None:
    assert set(sections(PAGE)) == set(promised(PAGE)) == set(MOST)


@pytest.mark.parametrize("title", MOST)
def test_a_thing_touches_as_many_files_as_the_page_says_and_no_more_than_it_may(title: str) -> None:
    files = sections(PAGE)[title].files()
    assert len(files) == promised(PAGE)[title], sorted(files)
    assert len(files) <= MOST[title]


def test_all_examples_together_keep_the_rules_of_the_house(tmp_path: Path) -> None:
    tree = extending.copy_of_the_tree(tmp_path / "tree")
    changes = [change for section in sections(PAGE).values() for change in section.changes]
    for change in changes:
        change.apply(tree)
    sources = sorted({change.path for change in changes if change.path.endswith(".py")})
    for order in (["check"], ["format", "--check", "--diff"]):
        tidy = python(tree, "-m", "ruff", *order, "--no-cache", *sources)
        assert tidy.returncode == 0, tidy.stdout + tidy.stderr
    guarded = python(tree, "-m", "pytest", *(f"tests/{name}.py" for name in GUARDS))
    assert guarded.returncode == 0, guarded.stdout


def test_a_block_that_says_no_file_is_found() -> None:
    with pytest.raises(AssertionError, match="which file"):
        sections("\n## A thing\nLook:\n\n```python\nx = 1\n```\n")


@pytest.mark.parametrize("line", ["there is no such line", "import"])
def test_a_line_that_is_not_there_once_is_found(line: str, tmp_path: Path) -> None:
    page = f"\n## A thing\n\n`x.py`, after `{line}`:\n\n```python\nx = 1\n```\n"
    (tmp_path / "x.py").write_text("import a\nimport b\n")
    (change,) = sections(page)["A thing"].changes
    with pytest.raises(AssertionError, match="lines with"):
        change.apply(tmp_path)


# -- each of them works ------------------------------------------------------------------------------------------------


@pytest.fixture
def site(appliance: Appliance, monkeypatch: pytest.MonkeyPatch) -> Appliance:
    """An appliance whose programs run in the changed copy: `tree` beside its files."""
    monkeypatch.setenv("PYTHONPATH", str(appliance.folder / "tree"))
    return appliance


async def once(site: Appliance, name: str) -> str:
    """Run one round of a daemon and return what it wrote."""
    program = site.start(name, "--once")
    assert await program.ended() == 0, program.log
    return program.log


class Api:
    """hive-apid of a site."""

    def __init__(self, site: Appliance, port: int) -> None:
        site.configure(http={"addr": f"127.0.0.1:{port}"})
        self.program = site.start("hive-apid")
        self.url = f"http://127.0.0.1:{port}"

    async def call(
        self, path: str, body: Any = None, headers: dict[str, str] = access.BEARER, method: str = "GET"
    ) -> tuple[int, str]:
        """Return status and body; 0 while nobody listens."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10), headers=headers) as http,
                http.request(method, self.url + path, json=body) as reply,
            ):
                return reply.status, await reply.text()
        except aiohttp.ClientConnectorError:
            return 0, self.program.log

    async def listens(self) -> bool:
        return (await self.call("/healthz"))[0] == 200

    async def get(self, path: str) -> Any:
        status, text = await self.call(path)
        assert status == 200, text
        return json.loads(text)

    async def post(self, path: str, body: Any) -> Any:
        status, text = await self.call(path, body, method="POST")
        assert 200 <= status < 300, text
        return json.loads(text)


async def test_the_family_of_firmware_is_found_read_and_shown(extend: Extend, site: Appliance) -> None:
    extend("A family of firmware")
    ip = "127.37.0.1"

    async def abacus(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answer = {"abacus": "7.1", "mac": MAC, "ths": 20.5, "watts": 700, "state": "mining"}
        if (await reader.readline()).strip() in (b"who", b"how"):
            writer.write(json.dumps(answer).encode() + b"\n")
        writer.close()

    async with await asyncio.start_server(abacus, ip, 4029):
        site.configure(network={"subnets": [f"{ip}/32"]})
        await once(site, "hive-discoverd")
        await once(site, "hive-polld")
    (shown,) = json.loads(site.hivectl("miners", "list", "--json", code=0))
    assert (shown["firmware"], shown["firmware_version"], shown["state"]) == ("abacus", "7.1", "mining")
    assert (shown["model_name"], shown["features"], shown["last_error"]) == ("Abacus One", [], None)
    assert (shown["latest_status"]["hashrate_ths"], shown["latest_status"]["power_consumption"]) == (20.5, 700)


def change(site: Appliance, sql: str) -> None:
    with closing(sqlite3.connect(site.database)) as database:
        database.executescript(sql)


async def polled_once(site: Appliance) -> str:
    """Let the daemons find and read one simulated miner, and return its MAC."""
    site.hivectl("migrate", code=0)
    async with Fleet(1, subnet="127.37.2.0/29", steady=True) as fleet:
        site.configure(network={"subnets": [fleet.subnet], "port": fleet.port})
        await once(site, "hive-discoverd")
        await once(site, "hive-polld")
        return fleet.miners[0].mac


async def test_the_measure_of_a_miner_arrives_in_status_history_and_rollup(
    extend: Extend, site: Appliance, free_port: int
) -> None:
    extend("A measure of a miner")
    mac = await polled_once(site)
    (told,) = site.rows("SELECT error_hashrate_hs / 1e12 FROM status")[0]
    assert told > 0
    change(site, "UPDATE status SET at = at - 900; UPDATE health SET status_at = status_at - 900")
    polld = site.start("hive-polld")
    await until(lambda: site.rows("SELECT 1 FROM rollup_5m"))
    await polld.stop()
    api = Api(site, free_port)
    await until(api.listens)
    shown = await api.get(f"/api/miners/{mac}")
    assert shown["latest_status"]["error_hashrate_ths"] == pytest.approx(told)
    for hours in (4, 48):
        history = await api.get(f"/api/v1/miners/{mac}/history?hours={hours}")
        assert history["error_hashrate_ths"] == [pytest.approx(told)], hours
        lines = {line["title"]: (line["name"], line["quantity"], line["unit"]) for line in history["series"]}
        assert lines["errors"] == ("error_hashrate_ths", "Hashrate", "TH/s")


async def test_the_measure_of_a_board_arrives_in_the_api(extend: Extend, site: Appliance, free_port: int) -> None:
    extend("A measure of a board")
    mac = await polled_once(site)
    api = Api(site, free_port)
    await until(api.listens)
    boards = (await api.get(f"/api/miners/{mac}"))["latest_status"]["chains"]
    assert [80 < board["hashrate_percent"] < 120 for board in boards] == [True, True, True]


async def test_the_event_kind_has_its_words_in_api_and_hivectl(extend: Extend, site: Appliance, free_port: int) -> None:
    extend("An event kind")
    async with Fleet(1, subnet="127.37.1.0/29", steady=True) as fleet:
        site.configure(network={"subnets": [fleet.subnet], "port": fleet.port})
        await once(site, "hive-discoverd")
        fleet.miners[0].settings["network"]["hostname"] = "shelf-3"
        await once(site, "hive-discoverd")
    api = Api(site, free_port)
    await until(api.listens)
    assert {"kind": "hostname_changed", "title": "Renamed"} in await api.get("/api/v1/events/kinds")
    (event,) = await api.get("/api/v1/events?kind=hostname_changed")
    assert event["sentence"].startswith("is now called shelf-3, was ")
    assert (event["title"], event["tone"]) == ("Renamed", "idle")
    assert "is now called shelf-3, was " in site.hivectl("events", code=0)


async def test_the_order_is_carried_out_here_and_on_another_node(
    extend: Extend, site: Appliance, tmp_path: Path, free_port: int
) -> None:
    extend("An order for a daemon")
    api = Api(site, free_port)
    site.configure(node={"id": "head", "name": "head"}, syncd={"master": "off"})
    (tmp_path / "shed").mkdir()
    with appliance_in(tmp_path / "shed", node={"id": "shed"}, syncd={"master": api.url}) as shed:
        daemons = []
        for where in (site, shed):
            filled(where)
            change(where, "UPDATE miner SET api_key = 'a key'")
            daemons.append(where.start("hive-syncd"))
        await until(api.listens)
        code = json.loads(site.hivectl("--json", "enroll-code", code=0))["code"]
        shed.hivectl("join", api.url, code, code=0)
        order = {"verb": "forget_key", "args": {"mac": MAC}}
        given = [
            await api.post("/api/v1/commands", order),
            await api.post("/api/v1/commands", order | {"node_id": "shed"}),
        ]

        async def both_are_done() -> bool:
            assert all(daemon.running() for daemon in daemons), "".join(daemon.log for daemon in daemons)
            results = [(await api.get(f"/api/v1/commands/{one['id']}"))["result"] for one in given]
            return results == [{"ok": True}, {"ok": True}]

        await until(both_are_done)
        for where in (site, shed):
            assert where.rows("SELECT mac FROM miner WHERE api_key IS NULL") == [(MAC,)]
    status, text = await api.call("/api/v1/commands", {"verb": "forget_key", "args": {"mac": "x"}}, method="POST")
    assert (status, "expected a MAC" in text) == (400, True)


def filled(site: Appliance) -> None:
    database = database_of(site.url)
    with database.session(), database.atomic():
        fill(database, time.time(), rigs=2)
    database.shut()


async def test_the_route_answers_whoever_may_ask_and_the_page_is_served(
    extend: Extend, site: Appliance, free_port: int
) -> None:
    extend("A route with a page")
    filled(site)
    api = Api(site, free_port)
    await until(api.listens)
    path = "/api/v1/miners/firmwares"
    assert await api.get(path) == [{"firmware": "vnish", "version": None, "miners": 2}]
    assert (await api.call(path, headers={}))[0] == 401
    assert (await api.call(path, method="POST"))[0] == 405
    status, index = await api.call("/firmwares", headers={})
    module = "/static/js/miners/firmwares.js"
    assert (status, f'<link rel="modulepreload" href="{module}">' in index) == (200, True)
    status, text = await api.call(module, headers={})
    assert (status, "export function FirmwaresPage" in text) == (200, True)


@pytest.mark.browser
async def test_the_page_is_shown_and_has_a_link(
    extend: Extend, site: Appliance, free_port: int, open_page: dashboard.OpenPage
) -> None:
    extend("A route with a page")
    filled(site)
    api = Api(site, free_port)
    await until(api.listens)
    async with open_page() as page:
        link = json.loads(site.hivectl("login-link", "--json"))["link"]
        await page.go(
            link.replace("/login#", "/login?next=/firmwares#"), until="document.querySelector('.plain-table tbody tr')"
        )
        assert (await page.text(".plain-table tbody")).split() == ["vnish", "-", "2"]
        assert await page.text("nav a[href='/firmwares']") == "Firmwares"
        assert page.problems == []


async def test_the_option_is_read_from_file_and_environment_shown_and_used(extend: Extend, site: Appliance) -> None:
    extend("An option")

    async def check(seconds: int | str) -> tuple[int, str]:
        site.configure(ollama={"load_seconds": seconds})
        return await ended(site.start("hive-minerd", "--check"))

    async def ended(program: Program) -> tuple[int, str]:
        assert program.process.stdout is not None
        return await program.ended(), program.process.stdout.read().decode() + program.log

    code, bad = await check("long")
    assert (code, "ollama.load_seconds: expected a number" in bad) == (78, True), bad
    code, good = await check(90)
    assert (code, "load_seconds: 90 " in good) == (0, True), good
    code, told = await ended(site.start("hive-minerd", "--check", HIVED_OLLAMA__LOAD_SECONDS="60"))
    assert (code, "load_seconds: 60 " in told) == (0, True), told
    await once(site, "hive-minerd")


async def test_the_daemon_runs_and_is_known_to_all_that_read_the_table(extend: Extend, site: Appliance) -> None:
    tree = extend("A daemon")
    filled(site)
    begin = [
        sys.executable,
        "-Pc",
        "import sys; from hived.daemons import entry; del sys.argv[0]; sys.exit(entry.tallyd())",
    ]
    check = site.start("hive-tallyd", "--check", prefix=begin)
    assert await check.ended() == 0, check.log
    first = site.start("hive-tallyd", "--once", prefix=begin)
    assert await first.ended() == 0, first.log
    assert "2 of 2 miners hash: 200.0 TH/s" in first.log
    daemon = site.start("hive-tallyd", prefix=begin)
    await until(lambda: site.number("SELECT COUNT(*) FROM daemon WHERE name = 'hive-tallyd'") == 1)
    shown = json.loads(site.hivectl("status", "--json"))["daemons"]
    assert [one["alive"] for one in shown if one["name"] == "hive-tallyd"] == [True]
    await daemon.stop()
    man = python(tree, "packaging/man_pages.py", str(tree), str(tree / "man"))
    assert man.returncode == 0, man.stderr
    assert "counts once a minute" in (tree / "man/man8/hive-tallyd.8").read_text()
