"""Have a master prove who it is before anything secret is said to it, where no pinned certificate does that.

The node asks with a nonce; only who keeps the hash of its key, as the master does since the node joined, can answer.
"""

from __future__ import annotations

import hmac
import secrets
from typing import TYPE_CHECKING

from hived.clients.master.errors import NotWelcome, OtherKey
from hived.records import joining
from hived.records.net import over_tls
from hived.records.uplink import FoundMaster, Identity, Uplink

if TYPE_CHECKING:
    from hived.clients.master.client import MasterClient


async def proves(client: MasterClient, node_id: str, link: Uplink, pin: str | None = None) -> bool:
    """Tell whether who answers proves that it is the master of this node; False: it cannot be asked, as 0.1.0.

    `pin`: the public key that answers, None without TLS. OtherKey: it is somebody else; NotWelcome: the master does not
    know this node's key any more.
    """
    assert link.key is not None
    nonce = secrets.token_hex(32)
    hello = await client.hello(node_id=node_id, key_id=link.key.id, nonce=nonce)
    if hello.node_id != link.master_id:
        raise OtherKey(f"who answers at {client.url} is not {link.master_name}")
    if not hello.can_prove:
        return False
    if hello.proof is None:
        raise NotWelcome(f"{link.master_name} does not know this node's key")
    wanted = joining.proof(link.key.secret_hash, nonce, node_id, hello.node_id, pin)
    if not hmac.compare_digest(hello.proof, wanted):
        raise OtherKey(f"who answers at {client.url} cannot prove that it is {link.master_name}")
    return True


async def must_prove(client: MasterClient, node_id: str, link: Uplink, pin: str | None = None) -> None:
    """Return when the master has proven itself. OtherKey: it has not, or cannot be asked."""
    if not await proves(client, node_id, link, pin):
        raise OtherKey(f"who answers at {client.url} calls itself {link.master_name} and cannot prove it")


async def sees_master(client: MasterClient, node_id: str, link: Uplink) -> bool:
    """Have a master prove itself over a way without TLS; tell whether it did. One of 0.1.0 is taken at its word.

    OtherKey as above, and when a master that did so once does not know the question any more. From then on `client`
    sends no key over another connection.
    """
    if link.proven_at is not None:
        await must_prove(client, node_id, link)
        client.stays = True
    else:
        client.stays = await proves(client, node_id, link)
    return client.stays


async def find_over_tls(own: Identity, link: Uplink) -> FoundMaster:
    """Find the master of a node that joined it without TLS, on the same port over TLS, proven to be the same.

    Transient: it does not answer, or has no TLS. OtherKey, NotWelcome: as above.
    """
    assert link.url is not None
    from hived.clients.master.client import MasterClient, find  # aiohttp: a box without a master does not pay for it

    found = await find(over_tls(link.url), version=own.version)
    async with MasterClient(found.url, pin=found.pin, version=own.version) as client:
        await must_prove(client, own.node_id, link, found.seen)
    return found
