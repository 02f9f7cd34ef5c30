"""The dashboard of a machine without a network, in a browser outside it: as an operator opens it the first time."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from tests.appliance.machine import Machine
from tests.dashboard.browser import Devtools, Page, find, running

USER, PASSWORD = "anna", "a long enough sentence"
_RELAY = """
import asyncio, socket, sys

async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()

async def serve(reader, writer):
    try:
        there, back = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    except OSError:
        writer.close()
        return
    await asyncio.gather(pump(reader, back), pump(there, writer))

async def main():
    door = await asyncio.start_server(serve, sock=socket.socket(fileno=int(sys.argv[1])))
    print("open", flush=True)
    await door.serve_forever()

asyncio.run(main())
"""
"""Takes connections on a socket of this machine's network, and is itself on the network of the other one."""


@contextmanager
def relayed(machine: Machine, port: int = 8080) -> Iterator[str]:
    """Yield the URL under which a port of the machine is reached from here."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        line = ["nsenter", "-t", str(machine.leader), "-n", sys.executable, "-c", _RELAY, str(door.fileno()), str(port)]
        process = subprocess.Popen(line, pass_fds=[door.fileno()], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"open\n"
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            process.terminate()
            process.communicate(timeout=10)


@asynccontextmanager
async def browser() -> AsyncIterator[Page]:
    """A page of a Chromium of its own."""
    program = find()
    assert program is not None, "apt install chromium"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, running(program, Path(profile)) as url:
        async with Devtools.connect(url) as tools, tools.page() as page:
            yield page


async def make_the_first_admin(page: Page, url: str, code: str) -> None:
    """Do what the journal says: open /setup and enter the code."""
    await page.go(f"{url}/setup", until="document.querySelector('.credentials')")
    for name, text in (("code", code), ("user", USER), ("password", PASSWORD), ("again", PASSWORD)):
        await page.evaluate(f"document.querySelector('[name={name}]').select()")
        await page.type(text)
    await page.click(".credentials button")
    await page.wait_for("location.pathname === '/' && document.querySelector('.who')")
