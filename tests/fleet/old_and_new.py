"""A box of 0.1.0 with a box of today, both ways: what a node knows must arrive at its master row by row.

    python -m tests.fleet.old_and_new --miners 50 --contributions 500 --slots 288

The real daemons of both: the old ones from the commit of 0.1.0, taken out of git's history, with the libraries of
today. They find and poll the same simulated miners; rollups and contributions are put into the node's database by its
own version. An order goes the other way.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from hived.records.streams import STREAMS
from hived.simulator.miners.fleet import Fleet
from tests import access
from tests.fleet.world import free_port
from tests.system.appliance import PATIENCE_S, Appliance, Program, until

COMMIT = "6e9096a"
"""0.1.0."""
REPOSITORY = Path(__file__).parents[2]
NODE, MASTER = "node-0", "master"
_ENTRIES = {"hivectl": "hived.cli.main:main"}
_OURS = {"id", "node_name", "pending", "failing", "silent", "chips", "status_id", "efficiency_j_per_th"}
"""What a box says by itself: its own numbers, whose the miner is to it, chips, which stay there, J/TH in two ways."""
_OURS_OF_MODELS = {"created_at", "refreshed_at", "firmware_versions"}

PREPARE = """
import sys, time
from pathlib import Path
from hived.store import create
from tests import access
create(f"sqlite:///{sys.argv[1]}")
access.admit_into(Path(sys.argv[1]))
"""
FILL = """
import sys, time
from hived.store import database_of
from hived.store.schema import Miner, Rollup5m
from tests import collected
path, said, slots = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
db, at = database_of(f"sqlite:///{path}"), time.time()
with db.connection_context(), db.atomic():
    source = collected.add_source(db, at)
    for n in range(said):
        collected.describe(db, collected.collect(db, source, n, at), at, node_id="node-0")
    names = [name for name in Rollup5m._meta.sorted_field_names if name not in ("at", "num", "n", "hashing_n")]
    for num in [miner.num for miner in Miner.select(Miner.num).bind(db)]:
        for slot in range(slots):
            start = at // 300 * 300 - 300 * (slots - slot)
            values = {name: None if n == num % 5 else 10.5 + n + slot for n, name in enumerate(names)}
            Rollup5m.insert(at=start, num=num, n=20, hashing_n=slot % 21, **values).execute(db)
"""


class NoHistory(Exception):
    """Git does not have the commit of 0.1.0 here."""


def release(folder: Path) -> Path:
    """Return a folder with the source of 0.1.0. NoHistory says how to get it."""
    try:
        packed = subprocess.run(
            ["git", "-C", str(REPOSITORY), "archive", COMMIT, "hived", "tests"], capture_output=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError) as err:
        said = getattr(err, "stderr", b"").decode(errors="replace").strip() or str(err)
        raise NoHistory(f"commit {COMMIT} (0.1.0) is not here ({said}): git fetch --unshallow") from err
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    # It told systemd by a library that comes as source only, which is no longer installed. No manager listens here.
    (folder / "sdnotify.py").write_text("class SystemdNotifier:\n    socket = None\n")
    return folder


class Box(Appliance):
    """An appliance of one version: `tree` is the source of an older one, None today's."""

    def __init__(self, folder: Path, tree: Path | None, **sections: dict[str, Any]) -> None:
        folder.mkdir()
        super().__init__(folder, **sections)
        self.tree = tree

    def run(self, script: str, *words: object) -> None:
        """Run a Python script with the code of this box's version."""
        tree = self.tree or REPOSITORY
        words_ = [str(self.database), *map(str, words)]
        subprocess.run([sys.executable, "-c", script, *words_], cwd=tree, env=self._environ(), check=True, timeout=60)

    def command(self, name: str, *words: str) -> list[str]:
        module, _, function = _ENTRIES.get(name, f"hived.daemons.entry:{name.removeprefix('hive-')}").partition(":")
        code = f"import sys; sys.argv[0] = '{name}'; from {module} import {function} as run; sys.exit(run())"
        start = [sys.executable, "-c", code] if self.tree else [str(Path(sys.executable).with_name(name))]
        return [*start, "--config", str(self.file), *words]

    def begin(self, name: str, *words: str) -> Program:
        """Start a daemon of this box's version."""
        err = self.folder / f"{len(self._programs):02d}-{name}.log"
        with err.open("wb") as sink:
            process = subprocess.Popen(
                self.command(name, *words), env=self._environ(), cwd=self.folder, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=sink,
            )  # fmt: skip
        self._programs.append(Program(process, err))
        return self._programs[-1]

    async def ask(self, *words: str) -> Any:
        """Run hivectl of this box's version and return the document it prints."""
        child = await asyncio.create_subprocess_exec(
            *self.command("hivectl", "--json", *words), env=self._environ(), cwd=self.folder,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await child.communicate()
        assert child.returncode == 0, f"hivectl {' '.join(words)}: {err.decode()}"
        return json.loads(out)

    def version(self) -> str:
        return "today" if self.tree is None else "0.1.0"

    def _environ(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("HIVED_", "PYTHONPATH"))}
        return kept | ({"PYTHONPATH": str(self.tree)} if self.tree else {})


@dataclass(slots=True)
class Verdict:
    """What the run came to; `wrong` is empty when all is well."""

    node: str
    master: str
    seconds: float = 0.0
    rows: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return it for people."""
        counts = ", ".join(f"{count} {name}" for name, count in self.rows.items())
        head = f"node {self.node}, master {self.master}: {counts} compared in {self.seconds:.0f} s"
        return "\n".join(
            [
                head,
                *(one[:300] for one in self.wrong[:40]),
                f"{len(self.wrong)} WRONG" if self.wrong else "all there, all alike",
            ]
        )


async def run(
    folder: Path, tree: Path, *, old_node: bool, miners: int, contributions: int, slots: int, patience_s: float
) -> Verdict:
    """Let a node and a master of the two versions meet, and compare what the one has with what the other knows."""
    began = time.monotonic()
    port = free_port()
    with ExitStack() as stack:
        url = f"http://127.0.0.1:{port}"
        subnet = f"127.{35 + old_node}.0.0/24"
        fleet = Fleet(miners, subnet=subnet, steady=True)
        async with asyncio.timeout(patience_s), fleet:
            node = Box(
                folder / "node", tree if old_node else None, node={"name": NODE, "id": NODE}, syncd={"master": url},
                network={"subnets": [subnet], "port": fleet.port},
                intervals={"discovery_seconds": 1, "status_seconds": 1, "telemetry_seconds": 60},
            )  # fmt: skip
            stack.callback(node.close)
            master = Box(folder / "master", None if old_node else tree, node={"name": MASTER, "id": MASTER},
                         syncd={"master": "off"})  # fmt: skip
            stack.callback(master.close)
            for box in (node, master):
                await asyncio.to_thread(box.run, PREPARE)
            apid = master.begin("hive-apid", "--addr", f"127.0.0.1:{port}")
            await _site(node, miners)
            await asyncio.to_thread(node.run, FILL, contributions, slots)
            verdict = Verdict(node.version(), master.version())
            async with aiohttp.ClientSession(headers=access.BEARER) as http:
                await until(lambda: _listens(http, url))
                await node.ask("join", url, (await master.ask("enroll-code"))["code"])
                syncd = node.begin("hive-syncd")
                await _caught_up(node, master)
                mac = fleet.miners[0].mac
                async with http.patch(f"{url}/api/miners/{mac}", json={"managed": True}) as reply:
                    assert reply.status == 200, await reply.text()
                await syncd.stop()  # the next one begins with a contact
                syncd = node.begin("hive-syncd")
                await until(lambda: _managed(node) == _managed(master) == [mac])
                await _caught_up(node, master)
                await syncd.stop()
                own_port = free_port()
                own = node.begin("hive-apid", "--addr", f"127.0.0.1:{own_port}")
                await until(lambda: _listens(http, f"http://127.0.0.1:{own_port}"))
                with suppress(AssertionError):  # the master's list follows its database within a second
                    await until(lambda: _alike(verdict, http, f"http://127.0.0.1:{own_port}", url))
                await own.stop()
                await apid.stop()
            for name, sql in _TABLES.items():
                _compare_rows(verdict, name, _rows(node, sql), _rows(master, sql))
            verdict.wrong += [line for program in (syncd, apid) for line in program.log.splitlines() if _bad(line)]
            verdict.seconds = time.monotonic() - began
            return verdict


async def _site(node: Box, miners: int) -> None:
    """Let the node find and poll its miners, and stop."""
    daemons = [node.begin("hive-discoverd"), node.begin("hive-polld")]
    polled = (
        "SELECT COUNT(*) FROM health JOIN miner USING (num) WHERE status_at IS NOT NULL AND model_alias IS NOT NULL"
    )
    await until(lambda: _number(node, polled) == miners, within_s=PATIENCE_S + miners)
    for daemon in daemons:
        await daemon.stop()


async def _caught_up(node: Box, master: Box) -> None:
    """Wait until the master holds the node's newest rows and its latest statuses."""
    for what, sql in _NEWEST.items():
        wanted = _rows(node, sql)
        held = _HELD.format(what) if what in STREAMS else sql
        await until(lambda held=held, wanted=wanted: _rows(master, held) >= wanted)
    assert _rows(master, _NEWEST["latest"]) == _rows(node, _NEWEST["latest"])


_HELD = "SELECT seq FROM sync_point WHERE peer = 'node-0' AND stream = '{}'"
_NEWEST = {
    "miners": "SELECT MAX(seq) FROM miner", "contributions": "SELECT MAX(seq) FROM contribution",
    "events": "SELECT MAX(id) FROM event", "rollups": "SELECT COUNT(*) FROM rollup_5m",
    "latest": "SELECT mac, status_at FROM health JOIN miner USING (num) ORDER BY mac",
}  # fmt: skip
_TABLES = {
    "rollups": "SELECT miner.mac, at, n, hashing_n, hashrate_min_hs, hashrate_mean_hs, hashrate_max_hs,"
               " expected_hashrate_mean_hs, power_min_w, power_mean_w, power_max_w, chip_temp_min_c,"
               " chip_temp_mean_c, chip_temp_max_c FROM rollup_5m JOIN miner USING (num) ORDER BY mac, at",
    "events": "SELECT event.at, event.kind, event.detail, miner.mac FROM event LEFT JOIN miner USING (num)"
              " WHERE COALESCE(event.node_id, 'node-0') = 'node-0' AND kind NOT IN ('node_joined') ORDER BY event.at",
    "contributions": "SELECT artifact.url, artifact.title, json_remove(artifact.facts, '$.text'), artifact.licence_uri,"
                     " artifact.image_url,"
                     " contribution.id, contribution.kind, contribution.content, contribution.content_hash,"
                     " contribution.input_hash, contribution.model, contribution.model_digest,"
                     " contribution.prompt_version, contribution.collected_at FROM contribution"
                     " JOIN artifact ON artifact.id = contribution.artifact_id ORDER BY contribution.id",
}  # fmt: skip


def _compare_rows(verdict: Verdict, name: str, sent: list[Any], held: list[Any]) -> None:
    verdict.rows[name] = len(sent)
    here, there = Counter(sent), Counter(held)
    verdict.wrong += [f"{name}: {row} is at the node alone" for row in (here - there).elements()]
    verdict.wrong += [f"{name}: {row} is at the master alone" for row in (there - here).elements()]


async def _alike(verdict: Verdict, http: aiohttp.ClientSession, own: str, master: str) -> bool:
    verdict.wrong.clear()
    _compare(verdict, await _shown(http, own), await _shown(http, master))
    return not verdict.wrong


def _compare(verdict: Verdict, own: dict[str, Any], seen: dict[str, Any]) -> None:
    for name in own:
        verdict.rows[name] = len(own[name])
        verdict.wrong += [f"{name}: {key} is not at both" for key in own[name].keys() ^ seen[name].keys()]
        for key in own[name].keys() & seen[name].keys():
            verdict.wrong += _differences(own[name][key], seen[name][key], f"{name} {key}")


def _differences(own: Any, seen: Any, path: str) -> list[str]:
    """Return where two documents say different things; what only one of the versions tells is not compared."""
    if isinstance(own, dict) and isinstance(seen, dict):
        names = (own.keys() & seen.keys()) - _OURS
        return [found for name in sorted(names) for found in _differences(own[name], seen[name], f"{path}.{name}")]
    if isinstance(own, list) and isinstance(seen, list) and len(own) == len(seen):
        return [f for i, one in enumerate(own) for f in _differences(one, seen[i], f"{path}[{i}]")]
    return [] if own == seen else [f"{path}: {own!r} at the node, {seen!r} at the master"]


async def _shown(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    """Return what a box shows of miners, with their latest statuses, and of their models."""
    found = {}
    for name, path, key in (("miners", "api/miners", "id"), ("models", "api/models", "alias")):
        async with http.get(f"{url}/{path}") as reply:
            found[name] = {one[key]: one for one in await reply.json()}
    for model in found["models"].values():
        for name in _OURS_OF_MODELS:
            del model[name]
    return found


async def _listens(http: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with http.get(f"{url}/api/miners") as reply:
            return reply.status == 200
    except aiohttp.ClientConnectorError:
        return False


def _managed(box: Box) -> list[str]:
    return [mac for (mac,) in _rows(box, "SELECT mac FROM miner WHERE managed")]


def _rows(box: Box, sql: str) -> list[tuple[Any, ...]]:
    """Ask a box's database. Times travel in microseconds, so numbers are compared to the millisecond."""
    with closing(sqlite3.connect(f"file:{box.database}?mode=ro", uri=True, timeout=5)) as connection:
        rows = connection.execute(sql).fetchall()
    return [tuple(round(value, 3) if isinstance(value, float) else value for value in row) for row in rows]


def _number(box: Box, sql: str) -> int:
    return int(_rows(box, sql)[0][0] or 0)


def _bad(line: str) -> bool:
    return any(word in line for word in (" error ", "Traceback", "not understood", "does not understand", "set aside"))


def main() -> int:
    """Run it from the command line; the exit code is 1 when anything is missing, and 2 without 0.1.0."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--miners", type=int, default=50)
    parser.add_argument("--contributions", type=int, default=500)
    parser.add_argument("--slots", type=int, default=288, help="stretches of five minutes for each miner")
    parser.add_argument("--patience", type=float, default=600.0, metavar="SECONDS")
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory() as place:
        try:
            tree = release(Path(place) / "0.1.0")
        except NoHistory as err:
            print(err, file=sys.stderr)
            return 2
        for old_node in (True, False):
            folder = Path(place) / f"old-node-{old_node}"
            folder.mkdir()
            verdict = asyncio.run(run(
                folder, tree, old_node=old_node, miners=args.miners, contributions=args.contributions,
                slots=args.slots, patience_s=args.patience,
            ))  # fmt: skip
            print(verdict.text())
            good = good and not verdict.wrong
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
