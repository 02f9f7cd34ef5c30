"""Hosts of their own on one machine: network namespaces, joined by cables that can be pulled. Needs root."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Host:
    """A network namespace. What is given to `command` runs in it."""

    def __init__(self, name: str) -> None:
        self.name = name

    @property
    def prefix(self) -> tuple[str, ...]:
        """What a command line begins with so that it runs on this host."""
        return ("ip", "netns", "exec", self.name)

    def ip(self, *args: str) -> None:
        """Run `ip` on this host."""
        _ip("-n", self.name, *args)

    @contextmanager
    def python(self, code: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run Python on this host until its standard input is closed, at the end of the block."""
        line = [*self.prefix, sys.executable, "-c", code]
        process = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            yield process
        finally:
            process.communicate(timeout=10)

    def add(self, interface: str, address: str) -> None:
        self.ip("addr", "add", address, "dev", interface)

    def remove(self, interface: str, address: str) -> None:
        self.ip("addr", "del", address, "dev", interface)

    def plug(self, interface: str) -> None:
        self.ip("link", "set", interface, "up")

    def pull(self, interface: str) -> None:
        self.ip("link", "set", interface, "down")


class Lan:
    """Makes hosts and cables; names are unique, so that tests may run side by side."""

    def __init__(self) -> None:
        self._tag = uuid.uuid4().hex[:6]
        self._hosts: list[Host] = []
        self._cables = 0

    def host(self, name: str) -> Host:
        made = Host(f"hv{self._tag}{name}")
        _ip("netns", "add", made.name)
        self._hosts.append(made)
        made.plug("lo")
        return made

    def cable(self, one: Host, one_end: str, other: Host, other_end: str) -> None:
        """Join two hosts; both ends are plugged in, without addresses."""
        self._cables += 1
        ends = [f"v{self._tag}{self._cables}{side}" for side in "ab"]
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        for end, host, name in ((ends[0], one, one_end), (ends[1], other, other_end)):
            _ip("link", "set", end, "netns", host.name)
            host.ip("link", "set", end, "name", name)
            host.plug(name)

    def socket(self, host: Host, end: str, pid: int, interface: str) -> None:
        """Give a host a cable whose other end is an interface, not up yet, in the network of a process."""
        self._cables += 1
        ends = [f"v{self._tag}{self._cables}{side}" for side in "ab"]
        _ip("link", "add", ends[0], "type", "veth", "peer", "name", ends[1])
        _ip("link", "set", ends[0], "netns", host.name)
        host.ip("link", "set", ends[0], "name", end)
        _ip("link", "set", ends[1], "netns", str(pid), "name", interface)

    def close(self) -> None:
        """Remove everything; the ends of cables go with their hosts."""
        for host in self._hosts:
            subprocess.run(["ip", "netns", "del", host.name], check=False, capture_output=True)


@contextmanager
def lan() -> Iterator[Lan]:
    """A LAN of which nothing is left afterwards."""
    made = Lan()
    try:
        yield made
    finally:
        made.close()


def possible() -> str | None:
    """Return why no namespace can be made here, None when it can."""
    if os.geteuid() != 0:
        return "needs root for network namespaces: sudo make test"
    probe = f"hv{uuid.uuid4().hex[:6]}probe"
    done = subprocess.run(["ip", "netns", "add", probe], check=False, capture_output=True, text=True)
    if done.returncode:
        return f"network namespaces cannot be made: {done.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", probe], check=False, capture_output=True)
    return None if Path("/run/netns").exists() else "no /run/netns"


def _ip(*args: str) -> None:
    done = subprocess.run(["ip", *args], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"ip {' '.join(args)}: {done.stderr.strip()}"
