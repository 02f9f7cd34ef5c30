"""The layers hold: who may import whom, and that no file outgrows a reader."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

HIVED = Path(__file__).parent.parent / "hived"
FILES = sorted(HIVED.rglob("*.py"))
MAX_LINES = 400

# What each room may use besides itself and errors.py, and why no more.
ROOMS: dict[str, tuple[set[str], str]] = {
    "records": (set(), "records are what everybody talks about: they know nobody"),
    "runtime": (set(), "the runtime knows systemd and files, not miners"),
    "documents": ({"records", "runtime"}, "a document is made of records: whoever has them may show them"),
    "clients": (
        {"records", "runtime"},
        "a client turns bytes into records; what is done with them is a service's matter",
    ),
    "store": ({"records", "runtime"}, "the store keeps records; who they come from is a service's matter"),
    "services": (
        {"records", "runtime", "documents", "clients", "store"},
        "a service joins clients and store, whoever calls it",
    ),
    "api": (
        {"records", "runtime", "documents", "services", "store"},
        "the API never talks to a miner: it writes rows, a daemon acts",
    ),
    "daemons": (
        {"records", "runtime", "documents", "clients", "store", "services", "api"},
        "daemons wire what is below them",
    ),
    "cli": (
        {"records", "runtime", "documents", "clients", "store", "services"},
        "hivectl works without any daemon: it shares documents with the API, not the code that serves them",
    ),
    "simulator": ({"records", "runtime"}, "the stand-ins must not share the code that is tried against them"),
}
# The wings of a room are folders of one subject each, the same on every floor. What each may use besides its own, the
# files at the top of a room and what is SHARED.
WINGS: dict[str, tuple[set[str], str]] = {
    "miners": (set(), "what a miner is has nothing to do with who else looks at it"),
    "collecting": (set(), "what is collected has nothing to do with miners, and goes on without a master"),
    "access": (set(), "who may do something does not depend on what it is"),
    "nodes": ({"miners", "collecting", "access"}, "nodes carry what the others made; the box they run on is no matter"),
    "appliance": ({"miners", "collecting", "access", "nodes"}, "the box holds all of it"),
    "alerts": ({"miners", "collecting", "access", "nodes", "appliance"}, "alerts look at all, and nothing needs them"),
    "integrations": (
        {"miners", "collecting", "access", "nodes", "appliance", "alerts"},
        "other programs are told of everything, and nothing waits for them",
    ),
    "http": ({"access"}, "every wing is served through it: it knows who asks, not what is asked for"),
    "engine": (set(), "every wing's rows are kept by it: it knows none of them"),
    "schema": (set(), "tables know tables"),
}
SHARED = {"http", "engine", "schema"}
WITH_WINGS = {"store", "services", "api"}
# Packages that one room alone knows, so that replacing them is the matter of one room.
OWNED = {
    "peewee": "store",
    "playhouse": "store",
    "psycopg": "store",
    "ollama": "clients",
    "httpx": "clients",
    "zeroconf": "clients",
    "argon2": "services",
    "aiomqtt": "clients",
    "paho": "clients",
}
# For the tests alone.
NEVER = {"pyasic", "pytest", "hypothesis", "freezegun", "schemathesis", "openapi_spec_validator", "jsonschema_rs"}


def imported_names(path: Path) -> Iterator[str]:
    """Yield the full dotted name of everything a file imports, wherever in it."""
    package = ("hived", *path.relative_to(HIVED).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join((*start, *filter(None, [node.module])))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def complaints(path: Path) -> Iterator[str]:
    parts = path.relative_to(HIVED).parts
    room = parts[0] if len(parts) > 1 else ""
    if room and room not in ROOMS:
        yield f"the room {room} is not in the table of this test: say what it may use and why"
        return
    allowed, why = ROOMS.get(room, (set(), "what lies at the top is open to all and knows nobody"))
    for name in imported_names(path):
        head, _, rest = name.partition(".")
        target, _, within = rest.partition(".")
        if head == "hived" and (HIVED / target).is_dir() and target not in allowed | {room}:
            yield f"imports {name}: {why}"
        elif head == "hived" and {room, target} <= WITH_WINGS and not _may_use(parts[1], within.partition(".")[0]):
            yield f"imports {name}: {WINGS[parts[1]][1]}"
        elif OWNED.get(head, room) != room:
            yield f"imports {name}: only {OWNED[head]} knows {head}"
        elif head in NEVER:
            yield f"imports {name}: that is for tests"


def _may_use(own: str, other: str) -> bool:
    """Tell whether what lies in one part of a room may use another part: a wing, or a file at the top of it."""
    return own not in WINGS or other not in WINGS or other in {own, *WINGS[own][0], *SHARED}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HIVED)))
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    assert list(complaints(path)) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(HIVED)))
def test_a_file_can_be_read_in_one_sitting(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines < MAX_LINES, f"{lines} lines: two subjects live here, give each its own file"


@pytest.mark.parametrize(
    ("place", "line", "reason"),
    [
        ("clients/x.py", "from hived.store import miners", "matter"),
        ("store/x.py", "import hived.clients.firmwares.vnish", "matter"),
        ("api/x.py", "from hived import clients", "never talks to a miner"),
        ("cli/x.py", "from hived.api import stream", "shares documents"),
        ("services/x.py", "from ..daemons import polld", "whoever calls it"),
        ("simulator/x.py", "from hived.services.poll_status import x", "stand-ins"),
        ("x.py", "from hived.records import miner", "knows nobody"),
        ("api/x.py", "from peewee import Model", "only store"),
        ("cli/x.py", "import pytest", "tests"),
        ("attic/x.py", "import os", "not in the table"),
        ("services/miners/x.py", "from hived.store.nodes import contacts", "who else looks"),
        ("api/collecting/x.py", "from hived.api.miners.totals import totals", "nothing to do with miners"),
        ("store/access/x.py", "from ..nodes import nodes", "does not depend"),
        ("api/nodes/x.py", "import hived.services.appliance.tls", "the box they run on"),
        ("api/http/x.py", "from hived.store.nodes import node_keys", "who asks"),
        ("store/engine/x.py", "from hived.store.miners import miners", "knows none"),
        ("store/schema/x.py", "from hived.store.nodes import nodes", "tables know tables"),
    ],
)
def test_a_forbidden_import_is_found_with_its_reason(
    place: str, line: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"def late():\n    {line}\n")
    monkeypatch.setattr(f"{__name__}.HIVED", tmp_path)
    (complaint,) = complaints(path)
    assert reason in complaint


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("services/x.py", "from hived.store import miners"),
        ("clients/x.py", "from hived.errors import Transient"),
        ("runtime/x.py", "from hived import __version__"),
        ("store/x.py", "from .db import Database"),
        ("services/nodes/x.py", "from hived.services.miners import steering"),
        ("services/appliance/x.py", "from hived.store.nodes import uplink"),
        ("store/miners/x.py", "from hived.store import commands"),
        ("store/miners/x.py", "from hived.store.engine import dialect"),
        ("api/miners/x.py", "from hived.api.http import access"),
        ("api/http/x.py", "from hived.store.access import tokens"),
        ("api/x.py", "from hived.api.nodes import join"),
        ("api/collecting/x.py", "from hived.documents import miners"),
        ("store/miners/x.py", "import hived.store"),
    ],
)
def test_an_allowed_import_is_no_complaint(
    place: str, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for room in ROOMS:
        (tmp_path / room).mkdir()
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(line)
    monkeypatch.setattr(f"{__name__}.HIVED", tmp_path)
    assert list(complaints(tmp_path / place)) == []
