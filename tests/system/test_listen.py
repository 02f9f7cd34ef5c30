"""Where hive-apid listens on hosts with and without IPv6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import hosts
from tests.system.appliance import Appliance, appliance_in, until

pytestmark = [pytest.mark.system, pytest.mark.skipif(bool(hosts.possible()), reason=str(hosts.possible()))]

PORT = 8080
ASK = """
import sys, urllib.request
for host in sys.stdin:
    try:
        code = urllib.request.urlopen(f"http://{host.strip()}/healthz", timeout=20).status
    except OSError as err:
        code = err
    print(host.strip(), code, flush=True)
"""


@pytest.fixture
def lan() -> Iterator[hosts.Lan]:
    with hosts.lan() as made:
        yield made


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    with appliance_in(tmp_path) as made:
        yield made


@pytest.fixture(params=["with IPv6", "without IPv6"])
def host(request: pytest.FixtureRequest, lan: hosts.Lan) -> Iterator[tuple[hosts.Host, bool]]:
    """A host whose name localhost has an address of each kind, the newer one first; and whether it has IPv6."""
    made = lan.host("h")
    with_ipv6 = request.param == "with IPv6"
    of_its_own = Path("/etc/netns") / made.name
    of_its_own.mkdir(parents=True)
    (of_its_own / "hosts").write_text("::1 localhost\n127.0.0.1 localhost\n")
    with made.python(f"open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w').write('{int(not with_ipv6)}')"):
        pass
    yield made, with_ipv6
    (of_its_own / "hosts").unlink()
    of_its_own.rmdir()


@pytest.mark.parametrize("where", ["localhost", "[::]"])
async def test_every_address_that_can_be_had_is_used(
    appliance: Appliance, host: tuple[hosts.Host, bool], where: str
) -> None:
    there, with_ipv6 = host
    appliance.configure(http={"addr": f"{where}:{PORT}"})
    program = appliance.start("hive-apid", prefix=there.prefix)
    await until(lambda: "dashboard at" in program.log)
    assert "waiting" not in program.log
    with there.python(ASK) as asking:
        out, _ = asking.communicate(f"127.0.0.1:{PORT}\nlocalhost:{PORT}\n[::1]:{PORT}\n".encode(), timeout=60)
    told = dict(line.split(f":{PORT} ", 1) for line in out.decode().splitlines())
    assert (told["127.0.0.1"], told["localhost"]) == ("200", "200"), program.log
    assert (told["[::1]"] == "200") == with_ipv6
    await program.stop()


async def test_an_address_that_is_not_there_is_waited_for(appliance: Appliance, host: tuple[hosts.Host, bool]) -> None:
    there, _ = host
    appliance.configure(http={"addr": f"192.0.2.7:{PORT}"})
    program = appliance.start("hive-apid", prefix=there.prefix)
    await until(lambda: "Cannot assign requested address: waiting" in program.log)
    there.add("lo", "192.0.2.7/32")
    await until(lambda: "dashboard at" in program.log)
    await program.stop()
