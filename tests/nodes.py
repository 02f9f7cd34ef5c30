"""Nodes as their master meets them: keys, batches and items in the form in which they travel."""

from __future__ import annotations

from typing import Any

from hived.records.artifact import CC0
from hived.records.joining import NodeKey, new_key
from hived.records.node import Contact, Wish
from hived.records.streams import WIRE, rollup_seq
from hived.records.times import to_text
from hived.store import Database
from hived.store.nodes import contacts, nodes

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
MASTER = "id-1"
EPOCH = "e1"


def let_in(db: Database, /, node_id: str, at: float, *, name: str | None = None) -> NodeKey:
    """Let a node ask, approve it, and return its key."""
    key = new_key()
    wish = Wish(node_id, name or node_id, "North field", "0.1.0", key.id, key.secret_hash)
    nodes.ask(db, wish, own_id=MASTER, pin=None, address="127.0.0.1", now=at)
    nodes.approve(db, node_id, None, by="tests", now=at)
    return key


def bearer(key: NodeKey) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.text}"}


def contact(at: float, **changes: Any) -> Contact:
    fields: dict[str, Any] = {
        "version": "0.1.0", "name": "shed", "site": None, "epoch": EPOCH, "at": at, "newest": {}, "oldest_at": {},
        "health": {},
    }  # fmt: skip
    return Contact(**(fields | changes))


def touch(db: Database, /, node_id: str, at: float, *, secure: bool = True, **changes: Any) -> None:
    """Let a node say that it is there."""
    contacts.save(db, node_id, contact(at, **changes), address="127.0.0.1", secure=secure, now=at)


def batch(node_id: str, stream: str, first: int, last: int, items: list[Any], **more: Any) -> dict[str, Any]:
    return {
        "wire": WIRE, "node_id": node_id, "epoch": EPOCH, "stream": stream, "first_seq": first, "last_seq": last,
        "items": items,
    } | more  # fmt: skip


def said(seq: int, n: int, words: str = "A tall vase.", at: float = NOW, **changes: Any) -> dict[str, Any]:
    """A contribution about the n-th object."""
    artifact = {
        "title": f"Amphora {n}", "provider": "met", "object_id": str(n), "source_name": "The Met",
        "licence": {"uri": CC0, "field": "isPublicDomain", "scope": "work", "read_at": to_text(at)},
        "facts": {"makers": ["Exekias"], "date_text": "ca. 530 B.C."}, "image_url": f"https://m.example/{n}.jpg",
    }  # fmt: skip
    return {
        "seq": seq, "id": f"{seq:064x}", "url": f"https://museum.example/objects/{n}", "kind": "description",
        "content": {"title": "An amphora", "summary": words, "tags": ["vase"], "seconds": 1.5}, "content_hash": "0",
        "input_hash": "1", "model": "llama3.2:1b", "model_digest": "sha256:00", "prompt_version": 1,
        "collected_at": to_text(at), "artifact": artifact | changes.pop("artifact", {}),
    } | changes  # fmt: skip


def read_of(seq: int, n: int, at: float = NOW, **artifact: Any) -> dict[str, Any]:
    """What a node read of the n-th object."""
    told = said(seq, n, at=at, kind="facts", artifact=artifact)
    return {name: told[name] for name in ("seq", "id", "url", "kind", "collected_at", "artifact")}


def mac_of(n: int) -> str:
    return f"02:0e:7e:00:{n >> 8 & 255:02x}:{n & 255:02x}"


def miner(seq: int, n: int, at: float = NOW, **changes: Any) -> dict[str, Any]:
    return {
        "seq": seq, "mac": mac_of(n), "ip": f"10.0.{n >> 8}.{n & 255}", "online": True, "managed": False,
        "model_alias": "s19", "model_name": "Antminer S19", "hostname": f"rig-{n}", "firmware": "vnish",
        "firmware_version": "1.2.6",
        "platform": "xil", "serial": f"S{n}", "has_key": True, "created_at": to_text(at), "updated_at": to_text(at),
    } | changes  # fmt: skip


def rollup(num: int, at: float, n: int = 20, **changes: Any) -> dict[str, Any]:
    return {
        "seq": rollup_seq(at, num), "mac": mac_of(num), "at": to_text(at), "n": n, "hashing_n": n,
        "hashrate_min_hs": 90e12, "hashrate_mean_hs": 95e12, "hashrate_max_hs": 99e12,
        "expected_hashrate_mean_hs": 96e12, "power_min_w": 2900.0, "power_mean_w": 3000.0, "power_max_w": 3100.0,
        "chip_temp_min_c": 60.0, "chip_temp_mean_c": 65.0, "chip_temp_max_c": 71.0,
    } | changes  # fmt: skip


def latest(n: int, at: float = NOW, **changes: Any) -> dict[str, Any]:
    status = {
        "at": to_text(at), "state": "mining", "preset": "3050", "hashrate_hs": 95.5e12, "average_hashrate_hs": 95e12,
        "expected_hashrate_hs": 96e12, "power_w": 3010.0, "state_s": 7200.0, "chip_temp_max_c": 71.0,
        "pcb_temp_max_c": 58.0, "partial": False, "reported_power_w": 3005.0, "fan_duty_percent": 64.0,
        "fans": [{"index": 0, "rpm": 4100, "max_rpm": 6000, "status": "ok"}, {"index": 1, "rpm": 0, "status": "lost"}],
        "hashboards": [{"index": 1, "state": "mining", "hashrate_hs": 31.8e12, "power_w": 1000.0}],
        "pools": [{"index": 0, "url": "pool.example:3333", "user": "farm.w1", "kind": "user", "status": "active"}],
        "extra": {},
    }  # fmt: skip
    return {
        "mac": mac_of(n), "state": "mining", "preset": "3050", "seen_at": to_text(at), "failures": 0,
        "last_error": None, "last_error_at": None, "error_count": 0, "status": status | changes.pop("status", {}),
    } | changes  # fmt: skip


def fleet_sums(seq: int, at: float = NOW // 300 * 300) -> dict[str, Any]:
    return {
        "seq": seq, "at": to_text(at), "model": "s19", "n": 5, "miners": 3.0, "online": 2.0, "hashing": 2.0,
        "unseen": 0.0, "hashrate_hs": 190e12, "expected_hs": 300e12, "unseen_hs": None, "power_w": 6000.0,
        "lost_offline_hs": 100e12, "lost_failure_hs": 0.0, "lost_dead_board_hs": 0.0, "lost_stopped_hs": 0.0,
        "lost_limited_hs": 0.0, "lost_weak_hs": 10e12, "lost_tuning_hs": 0.0, "lost_unreadable_hs": 0.0,
    }  # fmt: skip


def event(seq: int, n: int | None = None, at: float = NOW, kind: str = "reboot") -> dict[str, Any]:
    return {"seq": seq, "at": to_text(at), "mac": None if n is None else mac_of(n), "kind": kind, "detail": {"n": seq}}
