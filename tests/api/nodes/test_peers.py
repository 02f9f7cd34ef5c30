"""Other boxes, as zeroconf shows them."""

from __future__ import annotations

from hived.records.peers import Peer
from hived.store.nodes import peers
from tests.api.farm import NOW, Api


async def test_peers_come_with_their_state_and_what_is_here_comes_first(api: Api) -> None:
    rig = Peer("rig", "b", "node", None, ("192.0.2.8",), 0, None, False, None, "dead", NOW, NOW, NOW, 3, "no answer")
    head = Peer(
        "head", "a", "master", "0.1.0", ("192.0.2.7",), 8443, "/api/v1", True, "ab" * 32, "alive", NOW, NOW, NOW
    )
    assert await api.get("/api/v1/peers") == []
    await api.do(peers.save, [rig, head])
    found = await api.get("/api/v1/peers")
    assert found[0] == {
        "name": "head", "node_id": "a", "role": "master", "state": "alive", "since": "2027-01-15T08:00:00.000Z",
        "version": "0.1.0", "addresses": ["192.0.2.7"], "port": 8443, "url": "https://192.0.2.7:8443", "tls": True,
        "fingerprint": "ab" * 32, "seen_at": "2027-01-15T08:00:00.000Z", "verified_at": "2027-01-15T08:00:00.000Z",
        "reason": None,
    }  # fmt: skip
    assert [found[1][key] for key in ("name", "state", "port", "url", "reason")] == [
        "rig", "dead", None, None, "no answer"
    ]  # fmt: skip
