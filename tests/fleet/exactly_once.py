"""Every contribution reaches the master exactly once, while everything is killed and cut for the whole run.

    python -m tests.fleet.exactly_once --contributions 100000 --database postgresql

Nodes describe objects, a fifth of them objects that the other nodes have too and some of them twice, while hive-syncd
and hive-apid are killed (kill -9) and the links are cut. At the end the master must hold what the nodes said last.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from peewee import fn

from hived.records.bubbles import KINDS
from hived.records.canonical import url_key
from hived.store import Database, Store
from hived.store.engine.db import tuples
from hived.store.schema import Artifact, Contribution, SyncPoint
from tests.fleet import objects
from tests.fleet.postgres import private_postgresql
from tests.fleet.world import NodeBox, World, database_of, world

OVERLAP = 0.2
TWICE = 0.02  # described again with other words, so that the first must be replaced
CHUNK = 50  # contributions of one transaction on a node


@dataclass(slots=True)
class Verdict:
    """What the run came to; `wrong` is empty when all is well."""

    contributions: int
    artifacts: int
    seconds: float
    faults: dict[str, int]
    wrong: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return it for people."""
        faults = ", ".join(f"{count} x {name}" for name, count in sorted(self.faults.items()))
        rate = self.contributions / self.seconds
        first = (
            f"{self.contributions:,} contributions to {self.artifacts:,} artifacts in {self.seconds:.0f} s"
            f" ({rate:,.0f} a second) under faults: {faults}"
        )
        lines = [first, *self.wrong[:20]]
        return "\n".join([*lines, "all there, each once" if not self.wrong else f"{len(self.wrong)} WRONG"])


def shares(contributions: int, nodes: int) -> list[list[int]]:
    """Return the numbers of the objects that each node describes: a fifth of them are the same on all nodes."""
    each = contributions // nodes
    shared = list(range(int(each * OVERLAP)))
    own = each - len(shared)
    return [shared + list(range(len(shared) + node * own, len(shared) + (node + 1) * own)) for node in range(nodes)]


async def run(
    folder: Path, *, contributions: int, nodes: int, seed: int, master_url: str | None, apids: int, pause_s: float,
    least_faults: int, patience_s: float,
) -> Verdict:  # fmt: skip
    """Run it in a folder and return what the master holds. `pause_s`: mean seconds between two faults."""
    began = time.monotonic()
    async with world(folder, nodes=nodes, seed=seed, master_url=master_url, apids=apids) as place:
        mine = shares(contributions, nodes)
        versions: list[dict[int, int]] = [{} for _ in mine]
        async with asyncio.timeout(patience_s):
            working = asyncio.create_task(_work(place, mine, versions, seed))
            try:
                await _faults_until(place, working, pause_s, least_faults)
                await working
            finally:
                working.cancel()
            await place.heal()
            async with database_of(place.master.box) as store:
                await _caught_up(place, store)
                found = await store.read(_found)
        wrong = _compare(found, _expected(place.nodes, versions))
        artifacts = len({number for share in mine for number in share})
        return Verdict(sum(map(len, mine)), artifacts, time.monotonic() - began, place.faults, wrong)


async def _work(place: World, mine: Sequence[Sequence[int]], versions: list[dict[int, int]], seed: int) -> None:
    """Let every node describe its objects, and wait until the master holds about all of it."""
    await asyncio.gather(
        *(_describe(node, share, said, seed) for node, share, said in zip(place.nodes, mine, versions, strict=True))
    )
    total = 2 * sum(map(len, mine))  # what was read, and what is said
    async with database_of(place.master.box) as store:
        while await store.read(_count) < total:
            await asyncio.sleep(0.2)


async def _describe(node: NodeBox, share: Sequence[int], said: dict[int, int], seed: int) -> None:
    rng = random.Random(f"{seed} {node.name}")
    order = rng.sample(list(share), len(share))
    async with database_of(node.box) as store:
        for start in range(0, len(order), CHUNK):
            chunk = order[start : start + CHUNK]
            await store.write(objects.describe, chunk, node.name, time.time())
            said.update(dict.fromkeys(chunk, 1))
            again = [number for number in chunk if rng.random() < TWICE]
            if again:
                await store.write(objects.describe, again, node.name, time.time(), 2)
                said.update(dict.fromkeys(again, 2))
            await asyncio.sleep(0)


async def _faults_until(place: World, working: asyncio.Task[None], pause_s: float, least: int) -> None:
    while not working.done() or sum(place.faults.values()) < least:
        await asyncio.sleep(place.rng.expovariate(1 / pause_s))
        await place.fault()


async def _caught_up(place: World, store: Store) -> None:
    """Wait until the master holds the last number of every node."""
    last = {}
    for node in place.nodes:
        async with database_of(node.box) as own:
            last[node.name] = await own.read(_last_seqs)
    while await store.read(_held) != last:
        await asyncio.sleep(0.2)


def _count(db: Database) -> int:
    return int(Contribution.select().bind(db).count())


def _last_seqs(db: Database) -> dict[str, int]:
    last = Contribution.select(Contribution.kind, fn.MAX(Contribution.seq)).group_by(Contribution.kind)
    of_kind = dict(tuples(last, db))
    return {stream: of_kind[kind] for stream, kind in KINDS.items()}


def _held(db: Database) -> dict[str, dict[str, int]]:
    query = SyncPoint.select(SyncPoint.peer, SyncPoint.stream, SyncPoint.seq).where(SyncPoint.stream.in_(list(KINDS)))
    found: dict[str, dict[str, int]] = {}
    for peer, stream, seq in tuples(query, db):
        found.setdefault(peer, {})[stream] = seq
    return found


Found = Counter[tuple[str, str, str]]
"""(URL key, node, summary, or of facts the title) -> how often it is there."""


def _found(db: Database) -> tuple[Counter[str], Found]:
    keys = Counter(key for (key,) in tuples(Artifact.select(Artifact.url_key), db))
    query = Contribution.select(Artifact.url_key, Contribution.node_id, Contribution.content).join(Artifact)
    said: Found = Counter()
    for key, node_id, content in tuples(query, db):
        told = json.loads(content)
        said[(key, node_id, told.get("summary") or told["title"])] += 1
    return keys, said


def _expected(nodes: Sequence[NodeBox], versions: Sequence[dict[int, int]]) -> set[tuple[str, str, str]]:
    keys: dict[int, str] = {}
    return {
        (keys.setdefault(n, url_key(objects.url_of(n))), node.name, words)
        for node, said in zip(nodes, versions, strict=True)
        for n, version in said.items()
        for words in (objects.summary_of(n, node.name, version), objects.an_object(n).title)
    }


def _compare(found: tuple[Counter[str], Found], expected: set[tuple[str, str, str]]) -> list[str]:
    keys, said = found
    wrong = [f"artifact {key} is there {count} times" for key, count in keys.items() if count > 1]
    wrong += [f"artifact {key} is missing" for key in {key for key, _, _ in expected} - keys.keys()]
    wrong += [f"artifact {key} was never described" for key in keys.keys() - {key for key, _, _ in expected}]
    wrong += [f"bubble {bubble} is there {count} times" for bubble, count in said.items() if count > 1]
    wrong += [f"bubble {bubble} is missing" for bubble in expected - said.keys()]
    return wrong + [f"bubble {bubble} is too many" for bubble in said.keys() - expected]


def main() -> int:
    """Run it from the command line; the exit code is 1 when anything is missing or there twice."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--contributions", type=int, default=100_000)
    parser.add_argument("--nodes", type=int, default=4)
    parser.add_argument("--seed", type=int, default=int(hashlib.sha256(str(time.time()).encode()).hexdigest()[:6], 16))
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--pause", type=float, default=2.0, help="mean seconds between two faults (2)")
    parser.add_argument("--patience", type=float, default=3000.0, help="seconds after which it has failed (3000)")
    args = parser.parse_args()
    print(f"seed {args.seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder, private_postgresql(args.database == "postgresql") as url:
        trial = run(
            Path(folder), contributions=args.contributions, nodes=args.nodes, seed=args.seed, master_url=url,
            apids=2 if url else 1, pause_s=args.pause, least_faults=20, patience_s=args.patience,
        )  # fmt: skip
        verdict = asyncio.run(trial)
    print(verdict.text())
    return 1 if verdict.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
