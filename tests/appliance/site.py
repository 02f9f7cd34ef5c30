"""Miners behind a cable: in a network of their own, which the appliance is plugged into and pulled out of."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network

from tests.appliance import tools
from tests.appliance.machine import PORT, Machine
from tests.system.hosts import Host, lan


@dataclass(frozen=True, slots=True)
class Plan:
    """The addresses of that network."""

    subnet: IPv4Network
    prefix: str
    appliance: str
    miners: str
    """Of which the simulated ones take the first."""


CABLED = Plan(IPv4Network("10.77.0.0/24"), "10.77.0.", "10.77.0.2/24", "10.77.0.64/27")


class Cable:
    """Between an appliance and its miners; both ends are there all the time, as sockets of a computer are."""

    def __init__(self, machine: Machine, site: Host) -> None:
        self._machine, self._site = machine, site

    def plug(self) -> None:
        """Bring the link up; what gives the appliance its address does so again."""
        self._site.plug("eth0")
        self._machine.ip("link", "set", "eth0", "up")
        self._machine.ip("addr", "replace", CABLED.appliance, "dev", "eth0")

    def pull(self) -> None:
        """Let the link be down, and the address gone with it."""
        self._site.pull("eth0")
        self._machine.ip("addr", "flush", "dev", "eth0")


@contextmanager
def cabled(machine: Machine, miners: int) -> Iterator[Cable]:
    """Let simulated miners run behind a cable that is not plugged in yet."""
    with lan() as made:
        site = made.host("site")
        made.socket(site, "eth0", machine.leader, "eth0")
        site.ip("route", "add", "local", CABLED.miners, "dev", "lo")
        site.add("eth0", "10.77.0.1/24")
        site.pull("eth0")
        line = [*site.prefix, sys.executable, "-m", "hived.simulator.main", "fleet", "--steady", "--count", str(miners),
                "--subnet", CABLED.miners, "--port", str(PORT), "--allow-any-address", "--seed", "2"]  # fmt: skip
        program = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=tools.ROOT)
        try:
            yield Cable(machine, site)
        finally:
            program.terminate()
            _, said = program.communicate(timeout=10)
            assert program.returncode == 0, said.decode()
