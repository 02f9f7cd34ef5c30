"""A master as small as can be, over real HTTP: it keeps what it is sent, and misbehaves as it is told."""

from __future__ import annotations

import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from backports import zstd

from hived.records import joining
from hived.records.streams import STREAMS, WIRE
from hived.records.times import to_text
from tests.clients.master.tls import Certificate

Fault = Callable[["SmallMaster", str, dict[str, Any]], Awaitable[web.Response | None]]


class SmallMaster:
    """`faults` are asked before a call is answered: (master, path, document) -> a response, or None to go on."""

    def __init__(self, clock: Callable[[], float], certificate: Certificate | None = None) -> None:
        self.clock, self.certificate = clock, certificate
        self.id, self.name = "m-1", "site-master"
        self.url = ""
        self.keys: dict[str, tuple[str, str]] = {}
        """{key id: (hash of the secret, pending | active | revoked)}."""
        self.phrases: dict[str, str] = {}
        self.codes = {"GOODCODE"}
        self.held: dict[tuple[str, str], int] = {}
        self.items: dict[str, dict[tuple[str, int], dict[str, Any]]] = {stream: {} for stream in STREAMS}
        self.latest: dict[str, dict[str, Any]] = {}
        self.models: dict[str, dict[str, Any]] = {}
        self.contacts: list[dict[str, Any]] = []
        self.orders: list[dict[str, Any]] = []
        self.done: dict[int, dict[str, Any]] = {}
        self.log: list[tuple[str, str]] = []
        """(path, stream) of every call, whatever came of it."""
        self.faults: list[Fault] = []
        self.limits: dict[str, Any] = {
            "items": 500, "contribution_items": 100, "body_bytes": 1 << 20, "encodings": ["gzip", "zstd"],
            "wire": WIRE,
        }  # fmt: skip
        self.skew_s = 0.0
        self.used: list[str] = []
        self.proves = True
        """Whether it knows the question for a proof: 0.1.0 does not."""

    # -- what a test asks ------------------------------------------------------------------------------------------

    def approve(self) -> None:
        """Let in whoever waits."""
        self.keys = {name: (secret, "active" if state == "pending" else state)
                     for name, (secret, state) in self.keys.items()}  # fmt: skip

    def revoke(self) -> None:
        self.keys = {name: (secret, "revoked") for name, (secret, _) in self.keys.items()}

    def seqs(self, stream: str) -> list[int]:
        """Return the numbers that are held of a stream, whatever epoch."""
        return sorted(seq for _, seq in self.items[stream])

    def calls(self, path: str) -> int:
        return sum(1 for name, _ in self.log if name == path)

    # -- what it answers -------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v1/")
        body = await request.read()
        packed = request.headers.get("Content-Encoding")
        if packed is not None:
            body = zstd.decompress(body) if packed == "zstd" else gzip.decompress(body)
        doc: dict[str, Any] = json.loads(body) if body else {}
        self.log.append((path, doc.get("stream", "")))
        for fault in list(self.faults):
            refused = await fault(self, path, doc)
            if refused is not None:
                return refused
        if path == "hello":
            pin = self.certificate.pin if self.certificate else None
            proof = {"proof": self._proof(request.query, pin)} if self.proves else {}
            return web.json_response({"product": "hived", "role": "master", "node_id": self.id, "name": self.name,
                                      "version": "0.1.0", "pin": pin, **proof})  # fmt: skip
        if path == "join":
            return self._join(doc)
        key = joining.read_key(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if key is None or self.keys.get(key.id) != (key.secret_hash, "active"):
            return web.json_response({"error": "this needs a key"}, status=401)
        if key.id not in self.used:
            self.used.append(key.id)
            self.keys = {name: (secret, state if name == key.id or state == "pending" else "revoked")
                         for name, (secret, state) in self.keys.items()}  # fmt: skip
        if path == "nodes/me/keys":
            self.keys[doc["key_id"]] = (doc["key_hash"], "active")
            return web.json_response({"status": "active"})
        return self._contact(doc) if path == "nodes/me/contact" else self._ingest(doc)

    def _proof(self, asked: Mapping[str, str], pin: str | None) -> str | None:
        secret_hash, _ = self.keys.get(asked.get("key_id", ""), (None, None))
        return secret_hash and joining.proof(secret_hash, asked["nonce"], asked["node_id"], self.id, pin)

    def _join(self, doc: dict[str, Any]) -> web.Response:
        code, key_id = doc.get("code"), doc["key_id"]
        if code is not None and code not in self.codes:
            return web.json_response({"error": "this code is wrong"}, status=403)
        state = "active" if code else self.keys.get(key_id, ("", "pending"))[1]
        if state == "revoked":
            return web.json_response({"error": "this key was revoked"}, status=403)
        self.keys[key_id] = (doc["key_hash"], state)
        pin = self.certificate.pin if self.certificate else None
        self.phrases[key_id] = joining.phrase(doc["node_id"], doc["key_hash"], pin)
        told = {"status": "approved" if state == "active" else "pending", "phrase": self.phrases[key_id],
                "master": {"node_id": self.id, "name": self.name}}  # fmt: skip
        return web.json_response(told, status=200 if state == "active" else 202)

    def _contact(self, doc: dict[str, Any]) -> web.Response:
        self.contacts.append(doc)
        for one in doc["done"]:
            self.done[one["id"]] = one["result"]
            self.orders = [order for order in self.orders if order["id"] != one["id"]]
        held = {stream: self.held.get((doc["epoch"], stream), 0) for stream in STREAMS}
        return web.json_response({"at": to_text(self.clock() + self.skew_s), "node_id": self.id, "name": self.name,
                                  "held": held, "orders": self.orders, "limits": self.limits})  # fmt: skip

    def _ingest(self, doc: dict[str, Any]) -> web.Response:
        stream, epoch, place = doc["stream"], doc["epoch"], (doc["epoch"], doc["stream"])
        held = self.held.get(place, 0)
        for one in doc.get("latest", ()):
            self.latest[one["mac"]] = one
        for one in doc.get("models", ()):
            self.models[one["alias"]] = one
        if not doc["last_seq"]:
            return web.json_response({"stream": stream, "seq": held, "rejected": []})
        if doc["first_seq"] > held + 1:
            return web.json_response({"stream": stream, "seq": held, "outcome": "gap"})
        for one in doc["items"]:
            assert doc["first_seq"] <= one["seq"] <= doc["last_seq"]
            if one["seq"] > held:
                self.items[stream][epoch, one["seq"]] = one
        self.held[place] = max(held, doc["last_seq"])
        return web.json_response({"stream": stream, "seq": self.held[place], "rejected": []})


@asynccontextmanager
async def serving(master: SmallMaster, port: int = 0) -> AsyncIterator[SmallMaster]:
    """Let a master answer on loopback."""
    app = web.Application(client_max_size=1 << 24)

    async def late(request: web.Request) -> web.Response:
        return await master.handle(request)  # looked up each time: a test may have put another one there

    app.router.add_route("*", "/{tail:.*}", late)
    runner = web.AppRunner(app, auto_decompress=False, shutdown_timeout=0.1)
    await runner.setup()
    context = master.certificate.context() if master.certificate else None
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context, reuse_address=True).start()
    host, bound = runner.addresses[0][:2]
    master.url = f"{'https' if context else 'http'}://{host}:{bound}"
    try:
        yield master
    finally:
        await runner.cleanup()


def on(path: str, answer: Callable[[dict[str, Any]], web.Response | None], *, times: int = 10**9) -> Fault:
    """A fault of one call, so many times: what `answer` returns for its document, None lets it pass."""
    left = [times]

    async def fault(_: SmallMaster, called: str, doc: dict[str, Any]) -> web.Response | None:
        if called != path or left[0] <= 0:
            return None
        found = answer(doc)
        left[0] -= found is not None
        return found

    return fault


def status(code: int, **headers: str) -> Callable[[dict[str, Any]], web.Response]:
    return lambda _: web.json_response({"error": f"status {code}"}, status=code, headers=headers)
