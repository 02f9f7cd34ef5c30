"""The check sits where the socket is opened: names that change their mind, pools, retries and own hosts meet it."""

from __future__ import annotations

import socket
from ipaddress import ip_address

import aiohttp
import pytest
from yarl import URL

from hived.clients.fetch import Fetcher, Reply
from hived.clients.fetch.fetch import Kind
from hived.clients.fetch.guard import Guard, GuardedResolver
from hived.errors import Blocked, Transient
from hived.records.hosts import OwnHosts
from tests.clients.fetch.outside import Names, OpenGate, Outside, running_site
from tests.clients.peer import Peer, reply

PAGE = reply(200, b"hello", Content_Type="text/plain")


async def test_a_name_that_answers_loopback_the_second_time_is_blocked() -> None:
    names = Names()
    names.set("rebind.museum.test", ["93.184.216.34"], ["127.0.0.1"])
    resolver = GuardedResolver(Guard(OwnHosts()), names)
    (first,) = await resolver.resolve("rebind.museum.test", 80)
    assert first["host"] == "93.184.216.34"
    with pytest.raises(Blocked, match=r"127\.0\.0\.1, loopback"):
        await resolver.resolve("rebind.museum.test", 80)


async def test_every_address_of_a_name_has_to_pass() -> None:
    names = Names()
    names.set("mixed.museum.test", ["93.184.216.34", "fd00::1"])
    with pytest.raises(Blocked, match="fd00::1"):
        await GuardedResolver(Guard(OwnHosts()), names).resolve("mixed.museum.test", 80)


async def test_of_many_good_addresses_only_a_few_are_tried() -> None:
    names = Names()
    names.set("wide.museum.test", [f"93.184.216.{i}" for i in range(40)])
    assert len(await GuardedResolver(Guard(OwnHosts()), names).resolve("wide.museum.test", 80)) == 6


async def test_an_answer_that_changes_between_look_up_and_connection_is_stopped_at_the_socket(outside: Outside) -> None:
    guard = Guard(OwnHosts())
    outside.names.set("rebind.museum.test", ["127.0.0.1"])  # what no resolver of ours has checked
    connector = aiohttp.TCPConnector(resolver=outside.names, socket_factory=guard.open_socket, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        for url in (f"http://rebind.museum.test:{outside.site.port}/", outside.url("/")):
            with guard.asking(URL(url)) as asked, pytest.raises(aiohttp.ClientConnectorError):
                await session.get(url)
            assert asked.refused is not None
            assert "127.0.0.1, loopback" in asked.refused
    assert outside.site.connections == 0


async def test_with_several_addresses_the_bad_one_is_stopped_at_the_socket_all_the_same(outside: Outside) -> None:
    guard = Guard(OwnHosts.of(["127.9.0.1"]))
    outside.names.set("two.museum.test", ["127.0.0.1", "127.0.0.2", "::1"])
    connector = aiohttp.TCPConnector(resolver=outside.names, socket_factory=guard.open_socket, use_dns_cache=False)
    url = URL(f"http://two.museum.test:{outside.site.port}/")
    async with aiohttp.ClientSession(connector=connector) as session:
        with guard.asking(url) as asked, pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
    assert asked.refused is not None
    assert outside.site.connections == 0


@pytest.mark.parametrize("name", ["127.0.0.1", "own.museum.test"])
async def test_what_was_allowed_when_the_url_was_checked_is_checked_again_at_the_socket(
    name: str, outside: Outside
) -> None:
    outside.names.set("own.museum.test", ["127.0.0.1"])
    outside.says("/", 200, b"hello")
    fetchers: list[Fetcher] = []

    class RevokingGate(OpenGate):
        async def admit(self, url: URL, *, kind: Kind) -> None:
            fetchers[0].guard.own = OwnHosts()  # the operator changed his mind while the request waited its turn

    gate = RevokingGate()
    async with outside.fetcher(allow_hosts=["127.0.0.1", "own.museum.test"], gate=gate) as fetcher:
        fetchers.append(fetcher)
        with pytest.raises(Blocked, match=r"127\.0\.0\.1, loopback: minerd\.allow_hosts"):
            await fetcher.get(f"http://{name}:{outside.site.port}/")
    assert outside.site.connections == 0
    assert gate.noted == [("/", None, None)]


@pytest.mark.parametrize(
    "where",
    [("127.0.0.1", 80), ("::1", 80, 0, 0), ("::ffff:10.0.0.1", 80, 0, 0), ("fe80::1", 80, 0, 3), ("localhost", 80)],
)
def test_no_socket_is_opened_for_a_private_address_even_when_nobody_said_who_asks(where: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in where[0] else socket.AF_INET
    with pytest.raises(OSError, match=r"allow_hosts|no address"):
        Guard(OwnHosts()).open_socket((family, socket.SOCK_STREAM, 6, "", where))


def test_the_socket_is_for_the_port_that_was_asked() -> None:
    guard = Guard(OwnHosts.of(["127.0.0.1"]))
    with guard.asking(URL("http://127.0.0.1:8080/")), pytest.raises(OSError, match="port 22"):
        guard.open_socket((socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 22)))


async def _pooled(outside: Outside, elsewhere: Peer, fetcher: Fetcher) -> tuple[str, Reply]:
    """Fetch once from a name at 127.9.0.1, which the operator allowed; then it moves to 127.0.0.1."""
    outside.names.set("moving.museum.test", ["127.9.0.1"], ["127.0.0.1"])
    url = f"http://moving.museum.test:{elsewhere.port}/"
    return url, await fetcher.get(url, stay_on=[f"moving.museum.test:{elsewhere.port}"])


async def test_a_kept_connection_goes_on_to_the_address_that_was_checked(outside: Outside) -> None:
    async with running_site("127.9.0.1") as elsewhere, outside.fetcher(allow_hosts=["127.9.0.0/16"]) as fetcher:
        elsewhere.answers["GET /"] = PAGE
        url, _ = await _pooled(outside, elsewhere, fetcher)
        again = await fetcher.get(url, stay_on=[f"moving.museum.test:{elsewhere.port}"])
        assert again.body == b"hello"
        assert elsewhere.connections == 1
        assert outside.names.asked == ["moving.museum.test"]


@pytest.mark.parametrize("politely", [True, False])
async def test_when_a_kept_connection_has_to_be_opened_anew_the_new_address_is_checked(
    outside: Outside, politely: bool
) -> None:
    async with running_site("127.9.0.1") as elsewhere, outside.fetcher(allow_hosts=["127.9.0.0/16"]) as fetcher:
        closing = {"Connection": "close"} if politely else {}
        elsewhere.answers["GET /"] = reply(200, b"hello", Content_Type="text/plain", **closing)
        url, _ = await _pooled(outside, elsewhere, fetcher)
        elsewhere.hang_up()  # the retry of a request that met a closed connection is aiohttp's own
        async with running_site("127.0.0.1", elsewhere.port) as trap:
            with pytest.raises(Blocked, match=r"127\.0\.0\.1, loopback"):
                await fetcher.get(url, stay_on=[f"moving.museum.test:{elsewhere.port}"])
            assert trap.connections == 0


async def test_a_kept_connection_of_an_own_host_is_not_lent_to_another_name(outside: Outside) -> None:
    own = f"own.museum.test:{outside.site.port}"
    outside.names.set("own.museum.test", ["127.0.0.1"])
    outside.names.set("other.museum.test", ["127.0.0.1"])
    outside.says("/", 200, b"hello")
    other = f"other.museum.test:{outside.site.port}"
    async with outside.fetcher(allow_hosts=[own]) as fetcher:
        assert (await fetcher.get(f"http://{own}/")).status == 200
        with pytest.raises(Blocked, match=r"other\.museum\.test is at 127\.0\.0\.1"):
            await fetcher.get(f"http://{other}/", stay_on=[other])
    assert outside.site.connections == 1


@pytest.mark.parametrize(
    ("allowed", "url", "passes"),
    [
        (["127.0.0.1"], "http://127.0.0.1:8181/", True),
        (["127.0.0.1/32"], "http://127.0.0.1:8181/", True),
        (["127.0.0.0/8"], "http://127.3.4.5/", True),
        (["127.0.0.1:8181"], "http://127.0.0.1:8181/", True),
        (["127.0.0.1:8181"], "http://127.0.0.1:8182/", False),
        (["127.0.0.1:8181"], "http://127.0.0.1/", False),
        (["127.0.0.1"], "http://127.0.0.2/", False),
        (["127.0.0.1"], "http://[::ffff:127.0.0.1]/", False),
        (["127.0.0.1"], "http://localhost/", False),
        (["localhost"], "http://localhost:99/", True),
        (["localhost:99"], "http://localhost:99/", True),
        (["localhost:99"], "http://localhost/", False),
        (["NAS.Lan"], "http://nas.lan/", True),
        (["nas.lan"], "http://x.nas.lan/", False),
        (["nas"], "http://nas/", True),
        (["[::1]:8181"], "http://[::1]:8181/", True),
        (["::1"], "http://[::1]:5/", True),
        (["fd00::/8"], "http://[fd00::7]/", True),
        (["169.254.0.0/16"], "http://169.254.1.1/", True),
        (["museum.test"], "http://museum.test:8181/", True),
        ([], "http://museum.test:8181/", False),
    ],
)
def test_allow_hosts_means_what_it_says_and_no_more(allowed: list[str], url: str, passes: bool) -> None:
    guard = Guard(OwnHosts.of(allowed))
    if passes:
        assert str(guard.check(url)) == url
        assert guard.own.covers(URL(url).raw_host or "", URL(url).port)
    else:
        with pytest.raises(Blocked):
            guard.check(url)
        assert not guard.own.covers(URL(url).raw_host or "", URL(url).port)


@pytest.mark.parametrize(
    ("address", "passes"),
    [
        *(("192.168.1.7", True), ("127.0.0.1", True), ("93.184.216.34", True), ("fd00::1", True)),
        *(("169.254.169.254", False), ("0.0.0.0", False), ("224.0.0.1", False), ("::ffff:127.0.0.1", False)),
    ],
)
def test_an_own_name_may_be_private_but_never_something_that_no_host_is(address: str, passes: bool) -> None:
    guard = Guard(OwnHosts.of(["nas.lan"]))
    if passes:
        guard.check_address("nas.lan", 80, ip_address(address))
    else:
        with pytest.raises(Blocked):
            guard.check_address("nas.lan", 80, ip_address(address))


@pytest.mark.parametrize(
    "entry", ["", "a b", "http://x", "x:0", "x:99999", "10.0.0.1/8", "x/y", "u@h", "*.museum.test"]
)
def test_an_own_host_that_is_none_is_an_error(entry: str) -> None:
    with pytest.raises(ValueError):
        OwnHosts.of([entry])


@pytest.mark.parametrize(
    ("hosts", "url", "passes"),
    [
        (["museum.test"], "https://museum.test/x", True),
        (["Museum.Test"], "https://museum.test/x", True),
        (["museum.test"], "https://www.museum.test/", False),
        (["museum.test"], "https://notmuseum.test/", False),
        (["museum.test"], "https://museum.test.evil.test/", False),
        (["museum.test"], "https://museum.test:8443/", False),
        (["museum.test:8443"], "https://museum.test:8443/", True),
        (["museum.test:8443"], "https://museum.test/", False),
        (["museum.test:22", "b.test"], "https://b.test/", True),
        (["8.8.8.8"], "https://8.8.8.8/", True),
        (["127.0.0.1:80"], "http://127.0.0.1/", False),
        ([], "https://museum.test/", False),
    ],
)
def test_a_source_stays_on_its_hosts_and_ports(hosts: list[str], url: str, passes: bool) -> None:
    guard = Guard(OwnHosts())
    if passes:
        assert str(guard.check(url, hosts)) == url
    else:
        with pytest.raises(Blocked):
            guard.check(url, hosts)


async def test_no_proxy_of_the_environment_is_asked(outside: Outside, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, f"http://{outside.home}")
    outside.names.set("gone.museum.test", ["127.9.0.1"])
    async with outside.fetcher(allow_hosts=["127.9.0.0/16"]) as fetcher:
        with pytest.raises(Transient, match="connection refused"):
            await fetcher.get("http://gone.museum.test/", kind="api")
    assert outside.site.connections == 0


async def test_a_name_without_an_address_is_waited_for(outside: Outside, fetcher: Fetcher) -> None:
    with pytest.raises(Transient, match="cannot be looked up"):
        await fetcher.get("https://nobody.museum.test/?key=SECRET")
    outside.names.set("empty.museum.test", [])
    with pytest.raises(Transient, match="cannot be looked up"):
        await fetcher.get("https://empty.museum.test/")
