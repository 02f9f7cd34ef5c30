"""What a node says of itself by zeroconf."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from hived import __version__
from hived.daemons import peers
from hived.daemons.peers import announcement, certificate
from hived.records.peers import Announcement
from hived.runtime import config as configuration
from hived.runtime.config import Config
from hived.services.appliance import certificates
from hived.services.nodes.announce import certificate_fingerprint


def config(folder: Path, text: str) -> Config:
    file = folder / "hived.yaml"
    state = folder / "state"
    state.mkdir(exist_ok=True)
    file.write_text(f"{text}\nnode: {{name: head, state_dir: '{state}'}}\n")
    return configuration.load(file, env={}, flags={})


def test_without_zeroconf_the_daemon_does_not_even_load_it() -> None:
    code = "import hived.daemons.discoverd, sys; assert not {'zeroconf', 'ifaddr'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


NODE = Announcement("me", "head", "node", __version__)


def test_a_box_without_a_running_api_is_a_node(tmp_path: Path) -> None:
    assert announcement(config(tmp_path, ""), "me", is_master=False) == NODE


def test_a_master_tells_the_port_and_path_of_its_api(tmp_path: Path) -> None:
    told = config(tmp_path, "http: {addr: '0.0.0.0:9000'}")
    certificates.own(told.state_dir, ["head"], ["192.0.2.1"], time.time())
    found = announcement(told, "me", is_master=True)
    shown = certificate_fingerprint(certificate(told))
    assert found == Announcement("me", "head", "master", __version__, 9000, "/api/v1", tls=True, fingerprint=shown), (
        "nodes come over TLS whatever browsers do"
    )


@pytest.mark.parametrize(("interfaces", "role"), [("[]", "node"), ("[192.0.2.1]", "node"), ("[127.0.0.1]", "master")])
def test_an_api_that_only_this_machine_reaches_is_announced_only_there(
    interfaces: str, role: str, tmp_path: Path
) -> None:
    told = config(tmp_path, f"http: {{addr: '127.0.0.1:9000'}}\ndiscoverd: {{zeroconf_interfaces: {interfaces}}}")
    certificates.own(told.state_dir, ["head"], ["192.0.2.1"], time.time())
    assert announcement(told, "me", is_master=True).role == role


@pytest.mark.parametrize("tls", ["off", "self-signed"])
def test_it_is_a_master_as_soon_as_its_certificate_is_there(tls: str, tmp_path: Path) -> None:
    told: Any = config(tmp_path, f"http: {{addr: '0.0.0.0:9000', tls: {tls}}}")
    assert announcement(told, "me", is_master=True) == NODE
    made, _ = certificates.own(told.state_dir, ["head"], ["192.0.2.1"], time.time())
    assert (certificate(told), peers.OWN_CERTIFICATE) == (made, certificates.CERT_NAME)
    found = announcement(told, "me", is_master=True)
    shown = certificates.look(made, told.state_dir / certificates.KEY_NAME)
    assert (found.role, found.tls, found.fingerprint) == ("master", True, shown.fingerprint)


def test_the_operators_own_certificate_is_the_one_that_is_told(tmp_path: Path) -> None:
    made, key = certificates.own(tmp_path, ["head"], ["192.0.2.1"], time.time())
    told = config(tmp_path, f"http: {{addr: '0.0.0.0:9000', tls: {{cert: '{made}', key: '{key}'}}}}")
    assert certificate(told) == made
    assert announcement(told, "me", is_master=True).fingerprint is not None
