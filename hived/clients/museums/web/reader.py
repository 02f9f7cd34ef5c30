"""Where a page is parsed: a small one here, any other in a child process that can be stopped.

lexbor is fast on real pages (milliseconds), but its time grows with depth times size: 200,000 nested elements, one MB,
took 302 s on the machine this was written on. Nothing within the process could stop that.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import resource
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hived.clients.fetch import Orders
from hived.clients.museums.web.parse import Page, parse_page
from hived.errors import Transient, Unreadable
from hived.records.artifact import CollectedObject, Licence

# What the worst page of this size takes on the machine this was written on: below a second.
SMALL_BYTES = 64 * 1024  # 16,000 attributes of one element
SMALL_TAGS = 1000  # all nested in each other
SMALL_REPEATS = 100_000  # elements that HTML's rules open again in each block, times the blocks
DEADLINE_S = 10.0
CPU_S = 10
MEMORY_BYTES = 768 * 1024 * 1024

_OPENED_AGAIN = re.compile(r"<(?:a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)(?![a-z0-9-])", re.IGNORECASE)
_ROOT = Path(__file__).parents[4]  # where hived is


async def read_page(html: str, url: str, read_at: float, robots_tags: Sequence[str] = ()) -> Page:
    """Return what a page holds; Unreadable when that takes more time or memory than any real page does."""
    if _is_small(html):
        return parse_page(html, url, read_at, robots_tags)
    task = json.dumps({"url": url, "read_at": read_at, "robots_tags": list(robots_tags)})
    try:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-s", "-m", "hived.clients.museums.web.reader",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env={"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", "")},
        )  # fmt: skip
    except OSError as err:
        raise Transient(f"no process to read a large page in: {err.strerror}") from None
    try:
        async with asyncio.timeout(DEADLINE_S):
            told, complaint = await child.communicate(f"{task}\n{html}".encode("utf-8", "replace"))
    except TimeoutError:
        raise Unreadable(f"the page takes more than {DEADLINE_S:.0f} s to read: it is nested to do harm") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0 or not told:
        last = complaint.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
        raise Unreadable(f"the page takes more time or memory to read than a real one does ({last or 'stopped'})")
    return _from_json(told)


def _is_small(html: str) -> bool:
    """Say whether no page of this size can take long, whatever is in it."""
    tags = html.count("<")
    return len(html) <= SMALL_BYTES and tags <= SMALL_TAGS and tags * len(_OPENED_AGAIN.findall(html)) <= SMALL_REPEATS


def main() -> int:
    """Read one page from standard input, write what it holds to standard output."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    task, _, html = sys.stdin.buffer.read().partition(b"\n")
    page = parse_page(html.decode("utf-8", "replace"), **json.loads(task))
    sys.stdout.write(json.dumps(asdict(page)))
    return 0


def _from_json(told: bytes) -> Page:
    doc: dict[str, Any] = json.loads(told)
    facts: dict[str, Any] = doc["object"]
    facts["licence"] = Licence(**facts["licence"]) if facts["licence"] is not None else None
    for name in ("makers", "tags"):
        facts[name] = tuple(facts[name])
    return Page(CollectedObject(**facts), Orders(**doc["orders"]), tuple(doc["links"]))


if __name__ == "__main__":
    raise SystemExit(main())
