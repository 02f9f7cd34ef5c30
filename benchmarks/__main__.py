"""`python -m benchmarks`: run all benchmarks or one of them, print tables, write benchmarks.json."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType

from benchmarks import (
    api_list,
    collect_10000,
    describe,
    find_1000,
    flood,
    full_nodes,
    ingest,
    invented,
    metrics,
    mqtt,
    odd_site,
    siege,
    site_1000,
    steer_1000,
    store,
    store_postgres,
    zeroconf,
)
from benchmarks.report import Result, table, write

BENCHMARKS: dict[str, Callable[[float | None], Result]] = {
    module.NAME: module.run
    for module in (
        site_1000,
        steer_1000,
        odd_site,
        siege,
        flood,
        invented,
        find_1000,
        store,
        store_postgres,
        ingest,
        full_nodes,
        api_list,
        metrics,
        mqtt,
        collect_10000,
        zeroconf,
    )
}  # fmt: skip


def main() -> int:
    """Return 0 when everything that has to hold did, else 1."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--only", choices=[*BENCHMARKS, describe.NAME], action="append", help="run this one (may be repeated)"
    )
    parser.add_argument("--seconds", type=float, help="how long each measures, instead of its own default")
    parser.add_argument("--output", type=Path, default=Path("benchmarks.json"), help="default: benchmarks.json")
    parser.add_argument("--ollama", metavar="URL", help="describe: a real model server; default: a simulated one")
    parser.add_argument("--model", default="llama3.2:1b", help="describe: the model to ask there (llama3.2:1b)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="describe: where to keep the model's answers")
    args = parser.parse_args()
    benchmarks = BENCHMARKS | {
        describe.NAME: partial(describe.run, ollama=args.ollama, model=args.model, record=args.record)
    }
    signal.signal(signal.SIGTERM, _leave)
    results: list[Result] = []
    for name in args.only or benchmarks:
        result = benchmarks[name](args.seconds)
        results.append(result)
        print(table(result), flush=True)
        write(args.output, results)
    missed = [f"{r.name}: {f.name}" for r in results for f in r.figures if not f.good]
    for line in missed:
        print(f"not as it has to be: {line}", file=sys.stderr)
    return 1 if missed else 0


def _leave(_signum: int, _frame: FrameType | None) -> None:
    """End through every `with` block, so that no program stays behind."""
    sys.exit(1)


if __name__ == "__main__":
    sys.exit(main())
