"""Requests that a public program makes from the description of the API: what is described is the answer, never a 500.

`make test` tries a few of each kind, `LONG=1` many, and sequences of them.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from hived.records.access import AREAS, ROLES, ApiSecret, Role
from hived.store import Database
from hived.store.access import tokens
from tests import nodes as fleet
from tests.api.farm import NOW, Api
from tests.mutated import LONG

CONFIG = Path(__file__).with_name("schemathesis.toml")
OF_NODES = "/api/v1/(ingest|limits|hello|nodes/me/.*)|/master/.*"
STREAM = "/api/v1/stream"  # does not end: it is heard for half a second each time
ALL = ("--max-examples", "100", "--phases", "examples,coverage,fuzzing,stateful", "--exclude-path", STREAM)
FEW = ("--phases", "examples,fuzzing", "--exclude-path", STREAM, "--max-examples")


def token_for(db: Database, role: Role) -> str:
    made = ApiSecret.new()
    tokens.add(db, made, name=role, role=role, scopes=AREAS, created_by="tests", at=NOW)
    return made.text


async def tried(api: Api, token: str, *options: str, folder: Path) -> None:
    """Have all of it tried with a token."""
    program = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")), "--config-file", str(CONFIG), "run",
        f"http://127.0.0.1:{api.port}/api/openapi.json", "-H", f"Authorization: Bearer {token}", "--no-color",
        "--warnings", "off", *options, cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await program.communicate()
    assert program.returncode == 0, said.decode()[-8000:]


pytestmark = [
    pytest.mark.timeout(3600 if LONG else 120),
    pytest.mark.sqlite_only("what is asked is the same on both, and so are the answers"),
]


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_gets_what_is_described(role: Role, api: Api, tmp_path: Path) -> None:
    token = await api.store.write(token_for, role)
    await tried(api, token, *(ALL if LONG else (*FEW, "2" if role == "admin" else "1")), folder=tmp_path)


async def test_a_node_gets_what_is_described(api: Api, tmp_path: Path) -> None:
    key = await api.store.write(fleet.let_in, "n1", NOW)
    await tried(
        api, key.text, *(ALL if LONG else (*FEW, "2")), "--include-path-regex", f"^({OF_NODES})$", folder=tmp_path
    )


async def test_the_stream_tells_what_is_described(api: Api, tmp_path: Path) -> None:
    token = await api.store.write(token_for, "viewer")
    cases = ("--max-examples", "100" if LONG else "2", "--phases", "fuzzing", "--request-timeout", "0.5")
    await tried(api, token, *cases, "--include-path", STREAM, folder=tmp_path)
