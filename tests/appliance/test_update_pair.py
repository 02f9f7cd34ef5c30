"""A master and a node of 0.1.0, joined without TLS, updated by dpkg: they go on, and one command secures them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.appliance import tools
from tests.appliance.machine import (
    MINERS,
    NODE_UNITS,
    OLD_NODE_UNITS,
    OLD_UNITS,
    PORT,
    SUBNET,
    UNITS,
    Machine,
    machine,
    wait,
)
from tests.appliance.tools import Packages

MASTER_IP, NODE_IP = "192.0.2.1", "192.0.2.2"
URL = f"http://{MASTER_IP}:8080"
CABLE = "cable0"
WITHIN_S = 60.0
MASTER_CONFIG = (
    "node: {name: head, id: head}\nsyncd: {master: 'off'}\nhttp: {addr: '0.0.0.0:8080'}\n"
    "discoverd: {zeroconf: false}\nnetwork: {subnets: [127.30.0.0/30]}\n"
)
NODE_CONFIG = (
    f"node: {{name: shed, id: shed}}\nsyncd: {{master: '{URL}'}}\ndiscoverd: {{zeroconf: false}}\n"
    f"network: {{subnets: [{SUBNET}], port: {PORT}}}\nintervals: {{discovery_seconds: 3, status_seconds: 5}}\n"
)
IS_SECURE = "SELECT coalesce(max(secure), 0) FROM node WHERE id = 'shed'"


def test_a_pair_of_0_1_0_goes_on_after_the_update_and_one_command_secures_it(
    packages: Packages, released: Packages, folder: Path
) -> None:
    with machine("trixie", folder) as head, machine("trixie", folder) as shed:
        _boot(head, shed)
        shed.simulate(packages)
        _install(head, released.files, MASTER_CONFIG)
        _install(shed, [released.node], NODE_CONFIG)
        head.all_active(OLD_UNITS)
        shed.all_active(OLD_NODE_UNITS)
        _hivectl(shed, "join", URL, json.loads(_hivectl(head, "enroll-code", "--json"))["code"])
        _news(head, shed, MINERS)

        _update(head, packages.files, packages.version)
        head.all_active(UNITS)
        shed.all_active(OLD_NODE_UNITS)
        _news(head, shed, MINERS)

        _update(shed, [packages.node], packages.version)
        shed.all_active(NODE_UNITS)
        _news(head, shed, MINERS)
        assert head.number(IS_SECURE) == 0
        assert "hivectl secure" in shed.journal("hive-syncd")
        assert "hivectl secure" in _next_steps(shed)
        assert "on shed: hivectl secure" in _next_steps(head)

        _hivectl(shed, "secure")
        wait(lambda: head.number(IS_SECURE) == 1, "the node comes over TLS", WITHIN_S, lambda: _journals(head, shed))
        _news(head, shed, MINERS)
        assert not [step for site in (head, shed) for step in _next_steps(site) if "secure" in step]
        assert "Traceback" not in _journals(head, shed)


def _boot(head: Machine, shed: Machine) -> None:
    """Start both, with a cable between them and nothing else."""
    for site in (head, shed):
        site.boot()
    ends = (head, MASTER_IP), (shed, NODE_IP)
    tools.run("ip", "link", "add", CABLE, "netns", str(head.leader), "type", "veth", "peer", "name", CABLE, "netns",
              str(shed.leader))  # fmt: skip
    for site, address in ends:
        site.ip("address", "add", f"{address}/24", "dev", CABLE)
        site.ip("link", "set", CABLE, "up")


def _install(site: Machine, debs: Any, config: str) -> None:
    site.put("/etc/hived/conf.d/site.yaml", config.encode())
    site.apt("install", *_brought(site, debs))


def _update(site: Machine, debs: Any, version: str) -> None:
    said = site.run("dpkg", "--force-confold", "-i", *_brought(site, debs))
    assert "applied " in said
    assert f"{version} starts" in site.journal("hive-syncd")


def _brought(site: Machine, debs: Any) -> list[str]:
    for deb in debs:
        site.put(f"/root/{deb.name}", deb.read_bytes())
    return [f"/root/{deb.name}" for deb in debs]


def _news(head: Machine, shed: Machine, miners: int) -> None:
    """Wait until the master has statuses of all the node's miners that are newer than now."""
    now = head.run("date", "+%s").strip()
    query = f"SELECT count(*) FROM miner JOIN health USING (num) WHERE node_id = 'shed' AND status_at > {now}"
    wait(lambda: head.number(query) == miners, "the master has news of all miners", WITHIN_S,
         lambda: _journals(head, shed))  # fmt: skip


def _next_steps(site: Machine) -> list[str]:
    """Return what `hivectl doctor` says is to be done; it fails while there is something."""
    said = site.try_("runuser", "-u", "hived", "--", "hivectl", "--json", "doctor").out
    return [str(check["next"]) for check in json.loads(said)["checks"] if check.get("next")]


def _hivectl(site: Machine, *words: str) -> str:
    return site.run("runuser", "-u", "hived", "--", "hivectl", *words)


def _journals(head: Machine, shed: Machine) -> str:
    return f"head:\n{head.journal()[-4000:]}\nshed:\n{shed.journal()[-4000:]}"
