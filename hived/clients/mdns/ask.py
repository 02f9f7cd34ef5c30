"""Ask one box over mDNS whether it is there: our own question, and only an answer out of its own mouth counts.

The library asks for what it has not cached and accepts an answer from any box. Here the question comes from a port of
its own, so the answer comes back by unicast (RFC 6762 6.7), and the kernel says who sent it.
"""

from __future__ import annotations

import asyncio
import ipaddress
import secrets
import socket
from collections.abc import Collection, Sequence

import zeroconf
from zeroconf import DNSIncoming, DNSOutgoing, DNSQuestion  # type: ignore[attr-defined]  # public, if unlisted

from hived.clients.mdns import parse
from hived.errors import Transient, Unreadable

GROUP = "224.0.0.251"
PORT = 5353
ANSWER_S = (0.4, 0.6, 1.0)  # after each question; the LAN answers in a millisecond, a busy small box in tens

_TXT, _IN, _QUERY = 16, 1, 0


async def ask(full_name: str, node_id: str, addresses: Sequence[str], *, hurried: bool = False) -> str:
    """Return the address from which a node answered for its own record with its id. Transient when none did.

    `hurried`: ask once only, for many others wait.
    """
    reasons: list[str] = []
    patience = ANSWER_S[:1] if hurried else ANSWER_S
    for timeout_s in patience:
        try:
            return await _once(full_name, node_id, addresses, timeout_s)
        except TimeoutError:
            continue
        except OSError as err:
            reasons.append(err.strerror or str(err))
            await asyncio.sleep(timeout_s)
    raise Transient(reasons[-1] if len(reasons) == len(patience) else "no answer")


async def _once(full_name: str, node_id: str, addresses: Sequence[str], timeout_s: float) -> str:
    loop = asyncio.get_running_loop()
    family = socket.AF_INET6 if all(":" in address for address in addresses) else socket.AF_INET
    wanted = [address for address in addresses if (":" in address) is (family == socket.AF_INET6)]
    number = secrets.randbelow(65535) + 1
    try:
        question = _question(full_name, number)
    except (ValueError, zeroconf.Error) as err:
        raise Transient(f"a name that cannot be asked for: {err}") from err
    transport, mouth = await loop.create_datagram_endpoint(
        lambda: _Answers(full_name, node_id, number, wanted),
        family=family,
        local_addr=("::" if family == socket.AF_INET6 else "0.0.0.0", 0),  # noqa: S104  who answers is looked at
    )
    try:
        for address in wanted:
            if ipaddress.ip_address(address).is_loopback:
                # Several nodes of one machine share this address and port; only the group reaches the right one.
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
                transport.sendto(question, (GROUP, PORT))
            else:
                transport.sendto(question, (address, PORT))
        async with asyncio.timeout(timeout_s):
            return await mouth.answered
    finally:
        transport.close()
        if not mouth.answered.cancel() and not mouth.answered.cancelled():
            mouth.answered.exception()  # looked at, so that nobody complains of it when it came with the time-out


def _question(full_name: str, number: int) -> bytes:
    out = DNSOutgoing(_QUERY, multicast=False, id_=number)
    out.add_question(DNSQuestion(full_name, _TXT, _IN))
    return out.packets()[0]


class _Answers(asyncio.DatagramProtocol):
    """Waits for the answer of the right box to the right question."""

    def __init__(self, full_name: str, node_id: str, number: int, addresses: Collection[str]) -> None:
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._name, self._id, self._number, self._addresses = full_name.lower(), node_id, number, addresses
        self._errors = 0

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] in self._addresses and not self.answered.done() and self._says_so(data):
            self.answered.set_result(addr[0])

    def error_received(self, exc: Exception) -> None:
        self._errors += 1
        if self._errors >= len(self._addresses) and not self.answered.done() and isinstance(exc, OSError):
            self.answered.set_exception(exc)

    def _says_so(self, data: bytes) -> bool:
        message = DNSIncoming(data)
        if not message.valid or message.id != self._number or not message.is_response():
            return False
        for record in message.answers():
            if record.type == _TXT and record.name.lower() == self._name:
                try:
                    return parse.txt(getattr(record, "text", b"")).get("id") == self._id
                except Unreadable:
                    return False
        return False
