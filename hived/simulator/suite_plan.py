"""What `make run` starts: boxes with their configuration, the simulated world around them, and ports for all of it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hived.records.daemon import APID, EVERY_NODE

MUSEUM_HOST = "127.21.0.1"
MODELS = ("sim-describer:1b", "sim-describer:3b", "sim-describer:4b", "sim-describer:8b")
OWN_PACE_MS = 250  # slow enough to watch, quick enough not to wait
MAX_NODES = 8  # each brings six programs; a laptop carries so many
SITE_MINERS, FLEET_MINERS = 60, 20
"""Simulated miners of a site when it is alone, and when there are several sites."""
SLOTS = 8  # suites that may run on one machine at a time
FIRST_CONTROL, FIRST_PORT, PORTS_OF_A_SLOT = 8190, 8200, 60
FIRST_HTTP = 8080


@dataclass(frozen=True, slots=True)
class Site:
    """The simulated miners and the model of one box."""

    number: int
    miners: int
    port: int
    control: int
    model_port: int

    @property
    def subnet(self) -> str:
        return f"127.{20 + 2 * self.number}.0.0/20"

    @property
    def model(self) -> str:
        return MODELS[self.number % len(MODELS)]

    def programs(self) -> list[list[str]]:
        """Return the command lines of the stand-ins. The seed makes the MACs of each site its own."""
        return [
            [
                "hive-sim", "fleet", "--count", str(self.miners), "--subnet", self.subnet, "--port", str(self.port),
                "--control", f"127.0.0.1:{self.control}", "--seed", str(self.number + 1),
            ],
            ["hive-sim", "ollama", "--listen", f"127.0.0.1:{self.model_port}", "--model", self.model],
        ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """One appliance: its folder, whether it is the master, its simulated site or its real networks."""

    name: str
    folder: Path
    master_url: str
    """Where its master is; that of the master's own box is itself."""
    http: tuple[str, int] | None = None
    """Where hive-apid listens; None: this box is no master."""
    site: Site | None = None
    subnets: tuple[str, ...] = ()
    museum: str = ""

    @property
    def config(self) -> Path:
        return self.folder / "hived.yaml"

    @property
    def database(self) -> Path:
        return self.folder.resolve() / "hived.db"

    def daemons(self) -> list[list[str]]:
        """Return the command lines of its daemons, in the order of their start."""
        names = (APID, *EVERY_NODE) if self.http is not None else EVERY_NODE
        return [[name, "--config", str(self.config)] for name in names]

    def configuration(self) -> str:
        """Return the text of its configuration file."""
        # JSON is YAML: whatever stands in a path or an argument is quoted right.
        sections: dict[str, dict[str, object]] = {
            "node": {"name": self.name, "site": self.name},
            "database": {"url": f"sqlite:///{self.database}"},
            "network": {"subnets": list(self.subnets), "port": 80},
            "discoverd": {"zeroconf_interfaces": ["127.0.0.1"]},
            "syncd": {"master": "off" if self.http is not None else self.master_url},
        }
        if self.http is not None:
            host, port = self.http
            sections["http"] = {"addr": f"{host}:{port}"}
        if self.site is not None:
            site = self.site
            sections["network"] = {"subnets": [site.subnet], "port": site.port}
            sections["minerd"] = {"autostart": True, "allow_hosts": [self.museum], "own_pace_ms": OWN_PACE_MS}
            sections["ollama"] = {"host": f"http://127.0.0.1:{site.model_port}", "model": site.model}
        lines = [f"{name}: {json.dumps(section)}" for name, section in sections.items()]
        return "# written by `make run` each time it starts\n" + "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class Plan:
    """A master, the nodes that join it, and the museum that all of them collect from."""

    master: Box
    nodes: tuple[Box, ...]
    museum: str
    """host:port of the simulated collection; "": there is none."""

    @property
    def boxes(self) -> tuple[Box, ...]:
        return (self.master, *self.nodes)

    def world(self) -> list[list[str]]:
        """Return the command lines of the simulated world."""
        lines = [["hive-sim", "collection", "--addr", self.museum, "--crawl-delay", "0"]] if self.museum else []
        return lines + [line for box in self.boxes if box.site is not None for line in box.site.programs()]


def plan(
    var: Path, *, subnets: tuple[str, ...], nodes: int, miners: int, http: tuple[str, int | None], slot: int
) -> Plan:
    """Lay out what is to run. `miners`: of each simulated site, 0: the usual number. Ports are free ones."""
    ports, controls = Ports(FIRST_PORT + slot * PORTS_OF_A_SLOT), Ports(FIRST_CONTROL + slot * PORTS_OF_A_SLOT)
    host, port = http
    where = (host, port if port is not None else Ports(FIRST_HTTP + slot).free(host))
    url = f"http://{'127.0.0.1' if where[0] in ('', '0.0.0.0') else where[0]}:{where[1]}"  # noqa: S104  compared
    if subnets:
        # Simulated and real miners never meet in one database.
        return Plan(Box("site", var / "site", url, where, subnets=subnets), (), "")
    museum = f"{MUSEUM_HOST}:{ports.free(MUSEUM_HOST)}"
    count = miners or (FLEET_MINERS if nodes else SITE_MINERS)
    sites = [
        Site(number, count, ports.free(f"127.{20 + 2 * number}.0.1"), controls.free(), ports.free())
        for number in range(nodes + 1)
    ]
    folder = var / "fleet" if nodes else var
    first = Box("master" if nodes else "simulated", folder / ("master" if nodes else "simulated"), url, where, sites[0],
                museum=museum)  # fmt: skip
    others = [
        Box(f"node-{site.number}", folder / f"node-{site.number}", url, None, site, museum=museum) for site in sites[1:]
    ]
    return Plan(first, tuple(others), museum)


def controls() -> list[tuple[str, int]]:
    """Return where the fleets of suites that may run here are steered, the first of each suite first."""
    return [
        ("127.0.0.1", FIRST_CONTROL + slot * PORTS_OF_A_SLOT + number)
        for number in range(MAX_NODES + 1)
        for slot in range(SLOTS)
    ]


class Ports:
    """Hands out ports that nobody listens on, each once."""

    def __init__(self, first: int) -> None:
        self._next = first

    def free(self, host: str = "127.0.0.1") -> int:
        """Return the next free port of an address; after 50 taken ones the next, whose user then complains."""
        for port in range(self._next, self._next + 50):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with suppress(OSError):
                    probe.bind((host, port))
                    self._next = port + 1
                    return port
        self._next += 1
        return self._next - 1


@contextmanager
def own_slot() -> Iterator[int]:
    """Hold a number that no other suite on this machine has, so that two started together never want the same port."""
    held: socket.socket | None = None
    for slot in range(SLOTS):
        name = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            name.bind(f"\0hived-make-run-{slot}")  # an abstract name: gone with the process, however that ends
        except OSError:
            name.close()
            continue
        held = name
        break
    try:
        yield slot
    finally:
        if held is not None:
            held.close()
