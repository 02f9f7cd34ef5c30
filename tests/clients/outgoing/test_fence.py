"""A fenced process goes where its parent said, whatever a library tries, and touches nothing else of this host."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

from hived.clients.outgoing.fence import Fence

ROOT = Path(__file__).parents[3]

# Each line is tried after the fence is closed, and what came of it is told.
TRIES = """
socket.create_connection(("given.example", 80), 5).close()
socket.create_connection(("other.example", 80), 5)
socket.socket().connect(("127.0.0.1", {port}))
socket.socket().connect(("127.0.0.1", {other}))
socket.socket().connect_ex(("127.0.0.1", {other}))
socket.socket(socket.AF_UNIX).connect("/run/x")
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("127.0.0.1", {other}))
socket.socket().bind(("127.0.0.1", 0))
socket.gethostbyname("localhost")
socket.gethostbyaddr("127.0.0.1")
__import__("_socket").getaddrinfo("localhost", 80)
subprocess.run(["true"])
os.system("true")
os.fork()
os.posix_spawn("/bin/true", ["true"], {{}})
open({secret!r})
open({secret!r}, "rb")
os.open({secret!r}, os.O_RDONLY)
pathlib.Path({secret!r}).read_text()
open({new!r}, "w")
open(json.__file__, "ab")
open("/usr/share/../../" + {secret!r})
os.open({new!r}, os.O_WRONLY | os.O_CREAT)
os.rename({secret!r}, {new!r})
os.remove({secret!r})
os.mkdir({new!r})
tempfile.TemporaryFile()
open(json.__file__).close()
open("/dev/null", "w").close()
ssl.create_default_context()
__import__("email.mime.text")
"""
FREE = (1, 3, 28, 29, 30, 31)

PROGRAM = """
import json, os, pathlib, socket, ssl, subprocess, sys, tempfile
from hived.clients.outgoing.fence import Fence
def look(host, port):
    if host == "given.example":
        return [("127.0.0.1", {port})]
    raise socket.gaierror(1, "the parent says no")
Fence(look).close()
for line in {lines!r}:
    try:
        exec(line)
    except BaseException as err:
        print(json.dumps(type(err).__name__))
    else:
        print(json.dumps(None))
"""


def test_nothing_but_what_was_given_is_reached_or_read(tmp_path: Path) -> None:
    secret, new = tmp_path / "secret", tmp_path / "new"
    secret.write_text("x")
    with socket.create_server(("127.0.0.1", 0)) as given, socket.create_server(("127.0.0.1", 0)) as other:
        port, closed = given.getsockname()[1], other.getsockname()[1]
        lines = TRIES.format(port=port, other=closed, secret=str(secret), new=str(new)).strip().split("\n")
        ran = subprocess.run(
            [sys.executable, "-P", "-c", PROGRAM.format(port=port, lines=lines)], capture_output=True, text=True,
            check=True, env={"PYTHONPATH": str(ROOT), "PATH": ""}, timeout=60, cwd=tmp_path,
        )  # fmt: skip
        other.setblocking(False)
        told = [json.loads(line) for line in ran.stdout.splitlines()]
        assert len(told) == len(lines)
        assert [number for number, err in enumerate(told, 1) if err is None] == list(FREE)
        assert set(told) <= {None, "PermissionError", "gaierror", "FileNotFoundError"}
        try:
            other.accept()
        except BlockingIOError:
            reached = False
        else:
            reached = True
    assert not reached
    assert secret.read_text() == "x"
    assert not new.exists()


def test_addresses_are_told_as_the_system_would() -> None:
    asked: list[tuple[str, int]] = []

    def look(host: str, port: int) -> list[tuple[str, int]]:
        asked.append((host, port))
        return [("fd00::1", port), ("10.0.0.1", port)]

    fence = Fence(look)
    found = fence.addresses("a.example", 25, 0, socket.SOCK_STREAM)
    assert [info[0] for info in found] == [socket.AF_INET6, socket.AF_INET]
    assert [info[4] for info in found] == [("fd00::1", 25, 0, 0), ("10.0.0.1", 25)]
    assert [info[4] for info in fence.addresses(b"a.example", "25", socket.AF_INET)] == [("10.0.0.1", 25)]
    assert asked == [("a.example", 25)]
