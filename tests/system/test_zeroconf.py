"""Real zeroconf between real daemons on hosts of their own: found, lost, moved, found again."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hived.records.enrolling import EnrollCode
from hived.records.peers import Master
from hived.services.nodes.announce import certificate_fingerprint
from hived.store import Store
from hived.store.nodes import peers
from tests.mutated import count
from tests.system.appliance import Appliance, Program, until
from tests.system.hosts import Host, Lan, lan, possible

REASON = possible()
pytestmark = [
    pytest.mark.system,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(REASON is not None, reason=str(REASON)),
]

# How soon it really is, `benchmarks/zeroconf.py` measures: a machine that runs tests may be busy.
FOUND_S = 20.0
GONE_S = 60.0
NONSENSE, INVENTED = count(2_500, 50_000), count(3_000, 10_000)
AT_ONCE_S = 10.0  # a goodbye needs no waiting for anybody's patience


class Box:
    """A host with an appliance on it, and how that sees the others."""

    def __init__(self, folder: Path, host: Host, name: str) -> None:
        folder.mkdir()
        self.host, self.name = host, name
        self.appliance = Appliance(folder, node={"name": name}, network={"subnets": []}, discoverd={"zeroconf": True})
        self.appliance.migrate()
        self.daemon: Program | None = None

    def start(self) -> Program:
        self.daemon = self.appliance.start("hive-discoverd", prefix=self.host.prefix)
        return self.daemon

    def sees(self, name: str) -> tuple[str, str | None]:
        """Return the state of a peer and the address where it was proven."""
        rows = self.appliance.rows("SELECT state, addresses FROM peer WHERE name = ?", name)
        return (rows[0][0], json.loads(rows[0][1])[0]) if rows else ("unknown", None)

    async def comes_to_see(self, name: str, state: str, *, within_s: float, at: str | None = None) -> float:
        """Return the seconds until a peer is in a state."""
        began = time.monotonic()

        def there() -> bool:
            found, address = self.sees(name)
            return found == state and at in (None, address)

        await until(there, within_s=within_s)
        return time.monotonic() - began

    async def starts(self) -> None:
        """Start the daemon and return when its own work has begun."""
        daemon = self.start()
        await until(lambda: "nothing is scanned" in daemon.log)

    def events(self) -> list[str]:
        return [kind for (kind,) in self.appliance.rows("SELECT kind FROM event ORDER BY id")]


Boxes = Callable[..., Box]


@pytest.fixture
def cables() -> Iterator[Lan]:
    with lan() as made:
        yield made


@pytest.fixture
def boxes(cables: Lan, tmp_path: Path) -> Iterator[Boxes]:
    """`boxes(name)`: a host and its appliance."""
    made: list[Box] = []

    def make(name: str) -> Box:
        made.append(Box(tmp_path / name, cables.host(name), name))
        return made[-1]

    yield make
    for box in made:
        box.appliance.close()


@pytest.fixture
async def pair(boxes: Boxes, cables: Lan) -> tuple[Box, Box]:
    """Two boxes on one cable that have found each other."""
    one, other = boxes("one"), boxes("other")
    cables.cable(one.host, "eth0", other.host, "eth0")
    one.host.add("eth0", "192.0.2.1/24")
    other.host.add("eth0", "192.0.2.2/24")
    await one.starts()
    await other.starts()
    await one.comes_to_see("other", "alive", within_s=FOUND_S, at="192.0.2.2")
    await other.comes_to_see("one", "alive", within_s=FOUND_S, at="192.0.2.1")
    return one, other


def running(box: Box) -> Program:
    assert box.daemon is not None
    assert box.daemon.running(), box.daemon.log
    assert "Traceback" not in box.daemon.log, box.daemon.log
    return box.daemon


def join(box: Box, url: str, code: str) -> None:
    hivectl = [str(Path(sys.executable).with_name("hivectl")), "--config", str(box.appliance.file)]
    ran = subprocess.run([*box.host.prefix, *hivectl, "join", url, code], capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr


async def test_two_boxes_find_each_other_and_a_clean_stop_is_known_at_once(pair: tuple[Box, Box]) -> None:
    one, other = pair
    await running(other).stop()
    await one.comes_to_see("other", "left", within_s=AT_ONCE_S)
    await other.starts()
    await one.comes_to_see("other", "alive", within_s=FOUND_S)
    assert one.events() == ["peer_found", "peer_left", "peer_found"]
    running(one)


async def test_a_reload_is_no_departure(pair: tuple[Box, Box]) -> None:
    one, other = pair
    await until(lambda: "announced by mDNS" in running(other).log)  # it is heard before it says so
    running(other).reload()
    await until(lambda: running(other).log.count("announced by mDNS") == 2)
    other.appliance.configure(discoverd={"zeroconf": False})
    running(other).reload()
    await one.comes_to_see("other", "left", within_s=2 * FOUND_S)
    assert one.events() == ["peer_found", "peer_left"], "the first reload was none"


async def test_a_killed_box_is_noticed_within_30_seconds(pair: tuple[Box, Box]) -> None:
    one, other = pair
    running(other).kill()
    await one.comes_to_see("other", "dead", within_s=GONE_S)
    await other.starts()
    await one.comes_to_see("other", "alive", within_s=FOUND_S)
    assert one.events() == ["peer_found", "peer_dead", "peer_found"]


async def test_a_pulled_cable_is_noticed_and_a_plugged_one_too(pair: tuple[Box, Box]) -> None:
    one, other = pair
    other.host.pull("eth0")
    await one.comes_to_see("other", "dead", within_s=GONE_S)
    await other.comes_to_see("one", "dead", within_s=GONE_S)
    other.host.plug("eth0")
    await one.comes_to_see("other", "alive", within_s=2 * FOUND_S)
    await other.comes_to_see("one", "alive", within_s=2 * FOUND_S)
    for box in pair:
        assert running(box).log.count("no network for mDNS") == 1


async def test_a_box_behind_a_switch_whose_packets_vanish_is_noticed_and_found_again(pair: tuple[Box, Box]) -> None:
    one, _ = pair
    one.host.ip("route", "add", "blackhole", "192.0.2.2/32")  # no interface goes down: only nothing arrives
    await one.comes_to_see("other", "dead", within_s=GONE_S)
    one.host.ip("route", "del", "blackhole", "192.0.2.2/32")
    await one.comes_to_see("other", "alive", within_s=GONE_S)


async def test_after_an_address_change_a_box_is_found_under_the_new_one(pair: tuple[Box, Box]) -> None:
    one, other = pair
    other.host.remove("eth0", "192.0.2.2/24")
    other.host.add("eth0", "192.0.2.77/24")
    await one.comes_to_see("other", "alive", within_s=2 * FOUND_S, at="192.0.2.77")
    assert one.events() == ["peer_found", "peer_moved"]
    assert one.appliance.number("SELECT count(*) FROM peer") == 1
    running(other)


async def test_a_second_interface_brings_its_neighbours_and_loses_none(
    pair: tuple[Box, Box], boxes: Boxes, cables: Lan
) -> None:
    one, _ = pair
    third = boxes("third")
    third.host.plug("lo")
    cables.cable(one.host, "eth1", third.host, "eth0")
    third.host.add("eth0", "198.51.100.3/24")
    await third.starts()
    one.host.add("eth1", "198.51.100.1/24")
    await one.comes_to_see("third", "alive", within_s=2 * FOUND_S, at="198.51.100.3")
    await third.comes_to_see("one", "alive", within_s=2 * FOUND_S, at="198.51.100.1")
    assert one.sees("other")[0] == "alive"
    assert one.events() == ["peer_found", "peer_found"]


async def test_a_network_that_comes_after_the_daemon_is_used(boxes: Boxes, cables: Lan) -> None:
    one, other = boxes("one"), boxes("other")
    await one.starts()
    await other.starts()
    await until(lambda: all("no network for mDNS" in running(box).log for box in (one, other)))
    cables.cable(one.host, "eth0", other.host, "eth0")
    one.host.add("eth0", "192.0.2.1/24")
    other.host.add("eth0", "192.0.2.2/24")
    await one.comes_to_see("other", "alive", within_s=2 * FOUND_S)
    await other.comes_to_see("one", "alive", within_s=2 * FOUND_S)
    for box in (one, other):
        log = running(box).log
        assert log.count("no network for mDNS") == 1
        assert "warning" not in log.replace("warning hived.services.miners.discover: network.subnets is empty", "")


async def test_a_host_without_zeroconf_sees_nobody_and_is_seen_by_nobody(
    pair: tuple[Box, Box], boxes: Boxes, cables: Lan
) -> None:
    one, _ = pair
    silent = boxes("silent")
    silent.appliance.configure(discoverd={"zeroconf": False})
    cables.cable(one.host, "eth1", silent.host, "eth0")
    one.host.add("eth1", "198.51.100.1/24")
    silent.host.add("eth0", "198.51.100.4/24")
    await silent.starts()
    await until(lambda: "192.0.2.1, 198.51.100.1" in running(one).log)
    await running(silent).stop()
    assert silent.appliance.number("SELECT count(*) FROM peer") == 0
    assert one.sees("silent")[0] == "unknown"
    assert "mDNS" not in (silent.daemon.log if silent.daemon else "")


async def test_thousands_of_invented_boxes_and_nonsense_hide_no_true_one(
    pair: tuple[Box, Box], boxes: Boxes, cables: Lan
) -> None:
    one, _ = pair
    flooder = boxes("flooder")
    cables.cable(one.host, "eth1", flooder.host, "eth0")
    one.host.add("eth1", "198.51.100.1/24")
    flooder.host.add("eth0", "198.51.100.66/24")
    await until(lambda: "192.0.2.1, 198.51.100.1" in running(one).log)
    flood = (
        "import sys; from tests import mdns; address = '198.51.100.66'\n"
        f"mdns.send(mdns.nonsense({NONSENSE // 5}), address)\n"
        f"for _ in sys.stdin: mdns.send(mdns.invented({INVENTED}, address), address)"
    )
    before = running(one).memory_mib
    with flooder.host.python(flood) as sending:
        assert sending.stdin is not None
        ghosts = "SELECT count(*) FROM peer WHERE name LIKE 'ghost%'"
        for _ in range(10):  # a busy machine loses most of a burst
            sending.stdin.write(b"again\n")
            sending.stdin.flush()
            with contextlib.suppress(AssertionError):
                await until(lambda: one.appliance.number(ghosts) >= 100, within_s=3.0)
                break
        await flooder.starts()
        await one.comes_to_see("flooder", "alive", within_s=2 * FOUND_S)
    assert one.appliance.number("SELECT count(*) FROM peer") <= 512
    assert one.appliance.number("SELECT count(*) FROM peer WHERE name LIKE 'odd%' OR name LIKE 'bytes%'") == 0
    assert one.sees("other")[0] == "alive"
    assert set(one.events()) == {"peer_found"}
    grown = running(one).memory_mib - before
    print(f"{NONSENSE + INVENTED} packets or more: {grown:+.0f} MiB")
    assert grown < 64
    await running(one).stop()


async def test_a_true_box_is_found_while_a_neighbour_goes_on_inventing_others(
    pair: tuple[Box, Box], boxes: Boxes, cables: Lan
) -> None:
    one, _ = pair
    late = boxes("late")
    cables.cable(one.host, "eth1", late.host, "eth0")
    one.host.add("eth1", "198.51.100.1/24")
    late.host.add("eth0", "198.51.100.66/24")
    await until(lambda: "192.0.2.1, 198.51.100.1" in running(one).log)
    flood = (
        "import sys, threading; from tests import mdns; stop = threading.Event()\n"
        "threading.Thread(target=lambda: (sys.stdin.read(), stop.set())).start()\n"
        "addresses = [f'198.51.100.{n}' for n in range(70, 250)]\n"
        "mdns.send(mdns.unending(stop, 'ghost', addresses), '198.51.100.66')"
    )
    with late.host.python(flood):
        await until(lambda: one.appliance.number("SELECT count(*) FROM peer WHERE name LIKE 'ghost%'") >= 200)
        await late.starts()
        await one.comes_to_see("late", "alive", within_s=2 * FOUND_S)
    assert one.appliance.number("SELECT count(*) FROM peer") <= 512
    assert one.sees("other")[0] == "alive"
    await running(one).stop()


@pytest.mark.parametrize(
    ("names", "lan_net"), [("br-{:012x}", "192.168.7"), ("docker{}", "203.0.113")], ids=["br", "docker"]
)
async def test_seventeen_container_bridges_do_not_hide_the_lan(
    names: str, lan_net: str, boxes: Boxes, cables: Lan
) -> None:
    """Docker numbers its bridges alike on every box, and by number they come before most LANs."""
    one, other, containers = boxes("one"), boxes("other"), cables.host("containers")
    cables.cable(one.host, "eth0", other.host, "eth0")
    for number, box in enumerate((one, other), 1):
        box.host.add("eth0", f"{lan_net}.{number}/24")
        for bridge in range(17, 34):
            name = names.format(bridge)[:15]
            cables.cable(box.host, name, containers, f"c{number}-{bridge}")
            box.host.add(name, f"172.{bridge}.0.1/16")
        await box.starts()
    await one.comes_to_see("other", "alive", within_s=FOUND_S, at=f"{lan_net}.2")
    await other.comes_to_see("one", "alive", within_s=FOUND_S, at=f"{lan_net}.1")
    assert one.events() == ["peer_found"], "neither a copy of itself nor a move"


@pytest.mark.parametrize("tls", ["off", "self-signed"])
async def test_a_master_is_found_by_its_door_and_no_more_when_that_is_shut(tls: str, boxes: Boxes, cables: Lan) -> None:
    one, head = boxes("one"), boxes("head")
    head.appliance.configure(http={"addr": "0.0.0.0:8443", "tls": tls})
    cables.cable(one.host, "eth0", head.host, "eth0")
    one.host.add("eth0", "192.0.2.1/24")
    head.host.add("eth0", "192.0.2.2/24")
    await one.starts()
    await head.starts()
    await one.comes_to_see("head", "alive", within_s=2 * FOUND_S)
    apid = head.appliance.start("hive-apid", prefix=head.host.prefix)

    async def masters() -> list[Master]:
        async with Store.open(one.appliance.url) as store:
            return await store.read(peers.masters)

    await until(masters)
    (found,) = await masters()
    assert (found.name, found.url, found.tls) == ("head", "https://192.0.2.2:8443", True)
    assert found.fingerprint == certificate_fingerprint(head.appliance.folder / "tls.crt")
    apid.kill()

    async def nobody() -> bool:
        return not await masters()

    await until(nobody, within_s=GONE_S)
    assert "peer_moved" in one.events()
    running(one)


async def test_a_master_that_announces_itself_is_offered_and_joined_on_a_word_alone(boxes: Boxes, cables: Lan) -> None:
    """With the defaults of the packages: what any host of the LAN can announce."""
    one, head = boxes("one"), boxes("head")
    head.appliance.configure(http={"addr": "0.0.0.0:8443"}, syncd={"master": "off"})
    cables.cable(one.host, "eth0", head.host, "eth0")
    one.host.add("eth0", "192.0.2.1/24")
    head.host.add("eth0", "192.0.2.2/24")
    await one.starts()
    await head.starts()
    head.appliance.start("hive-apid", prefix=head.host.prefix)
    syncd = one.appliance.start("hive-syncd", prefix=one.host.prefix)
    offer = "head (https://192.0.2.2:8443) offers itself as master"
    await until(lambda: offer in syncd.log, within_s=3 * FOUND_S)
    assert f"no master yet: {offer}" in one.appliance.hivectl("status")
    assert one.appliance.rows("SELECT state FROM uplink") == []
    assert head.appliance.rows("SELECT id FROM node WHERE role = 'node'") == []
    code = json.loads(head.appliance.hivectl("--json", "enroll-code", code=0))["code"]
    join(one, "http://192.0.2.2:8443", code)
    await until(lambda: bool(head.appliance.rows("SELECT id FROM node WHERE role = 'node' AND contact_at IS NOT NULL")))
    ((url, pin, consent),) = one.appliance.rows("SELECT url, pin, consent FROM uplink")
    assert (url, consent) == ("https://192.0.2.2:8443", "code")
    assert EnrollCode.read(code).key == pin[:20]
    await until(lambda: "joined head at https://192.0.2.2:8443" in syncd.log)
    assert await syncd.stop() < FOUND_S
    running(one)


async def test_a_taken_port_5353_costs_one_warning_and_nothing_else(boxes: Boxes, cables: Lan) -> None:
    one, other = boxes("one"), boxes("other")
    cables.cable(one.host, "eth0", other.host, "eth0")
    one.host.add("eth0", "192.0.2.1/24")
    squatter = (
        "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 5353));"
        " print('bound', flush=True); sys.stdin.read()"
    )
    with one.host.python(squatter) as held:
        assert held.stdout is not None
        assert held.stdout.readline().strip() == b"bound"
        await one.starts()
        await until(lambda: "zeroconf failed (1)" in running(one).log)
    await until(lambda: "zeroconf recovered" in running(one).log)
    assert running(one).log.count("warning") <= 2  # the other one: nothing is scanned
    await running(one).stop()
