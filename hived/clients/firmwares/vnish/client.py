"""Talk to VNish / AnthillOS miners over HTTP: every call that finding them, keys, status and telemetry need.

What the document lets pass without a key is asked for without one; some firmware wants it all the same, and gets it.
Sources: the API document of 1.2.6, 1.2.7 and 1.3.4 and captures of real devices. All calls raise errors of
hived.errors only: Transient and its kinds (wait), Refused and its kinds (do not repeat), BadRequest (our mistake).
No message ever contains a key, a token or a password.
"""

from __future__ import annotations

import ipaddress
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import aiohttp

from hived import __version__
from hived.clients.firmwares.ends import Ends, remember
from hived.clients.firmwares.family import ConnectionWatch
from hived.clients.firmwares.http import CUT, MAX_SNIFF_BYTES, NotHttp, Reply, Request, is_bounded
from hived.clients.firmwares.vnish import parse, parse_steer
from hived.clients.firmwares.vnish.answers import heard, judge, not_vnish, refuses_password, retry_after
from hived.clients.firmwares.vnish.parse_boards import boards
from hived.clients.firmwares.vnish.parse_summary import summary
from hived.errors import (
    NO_ANSWER,
    AnotherDevice,
    BadCredentials,
    BadRequest,
    NotSupported,
    NotThisFirmware,
    Refused,
    Transient,
    Unreadable,
    WrongPassword,
)
from hived.records.firmware import Reach
from hived.records.miner import (
    ApiKey,
    HashboardChips,
    MinerIdentity,
    MinerReading,
    MinerSettings,
    ModelInfo,
    Preset,
    TuningReading,
)
from hived.records.steering import Said

BOARD_CALLS = ("/chains", "/boards", "/chips")
"""1.2, 1.3 and the older form that 1.2 has as well."""
KEY_LENGTH = 32
"""Characters of a key: the firmware takes no other length."""
WRITES = 3
"""How many times as long as for a reading is waited for an answer to a command: 10 to 30 s are in use elsewhere."""
SHORT = 4
"""Secrets with fewer characters ("x", "123") are none, and are not searched for in what a miner says."""
_HEADER_SAFE = re.compile(r"[!-~]{1,4096}")


class VnishClient:
    """Ask miners by address. `session` comes from `open_session` and is shared by all of them."""

    def __init__(self, session: aiohttp.ClientSession, *, port: int, timeout_s: float) -> None:
        if not is_bounded(session):
            raise ValueError("VnishClient needs a session of open_session()")
        self._session = session
        self._port = port
        self._timeout_s = timeout_s
        self._headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": f"hived/{__version__}",
        }
        self._board_calls: OrderedDict[str, str] = OrderedDict()
        self._want_key: OrderedDict[str, None] = OrderedDict()
        """Calls that the document lets pass, and that are closed at an address all the same."""
        self._ends = Ends(session, self._mac_at)

    async def identify(self, ip: str, watch: ConnectionWatch | None = None) -> MinerIdentity:
        """Return who answers at `ip` (GET /info, no credentials).

        NotThisFirmware, with `kind`, for everything that is no VNish; Unreadable for a VNish that cannot be read;
        Transient for no answer at all. Reads at most MAX_SNIFF_BYTES.
        """
        request = self._request(ip, "/info")
        request = replace(request, max_bytes=MAX_SNIFF_BYTES, sniff=True)
        try:
            reply = await self._ends.open(ip, request, watch)
        except NotHttp:
            raise NotThisFirmware("answers, but not in HTTP", "unknown") from None
        if not 200 <= reply.status < 300:
            raise not_vnish(reply)
        try:
            found = parse.identity(reply.body)
        except NotThisFirmware as err:
            if reply.fault == CUT and err.kind != "html":
                raise Transient(CUT, code="unreadable") from None
            raise
        if reply.fault:
            raise Unreadable(reply.fault)
        self._ends.told(ip, found.mac)
        return found

    async def model(self, reach: Reach) -> ModelInfo:
        """Return what the miner is made of (GET /model)."""
        return parse.model(await self._ask_openly(reach, "/model"))

    async def summary(self, reach: Reach, watch: ConnectionWatch | None = None, *, sure: bool = False) -> MinerReading:
        """Return one reading (GET /summary); an empty one between two states. `sure`: of nobody but `reach.mac`."""
        return summary(await self._ask_openly(reach, "/summary", watch, sure=sure), reach.unit)

    async def perf_summary(
        self, reach: Reach, watch: ConnectionWatch | None = None, *, sure: bool = False
    ) -> TuningReading:
        """Return the preset that runs now (GET /perf-summary)."""
        return parse.perf_summary(await self._ask_openly(reach, "/perf-summary", watch, sure=sure))

    async def boards(self, reach: Reach, watch: ConnectionWatch | None = None) -> tuple[HashboardChips, ...]:
        """Return every chip of every hashboard, from whichever of BOARD_CALLS answers with a list of them.

        What answered at this address before is tried first. NotSupported when none is there. A miner that says nothing
        at all is not asked for the next one.
        """
        ip = reach.ip
        first = self._board_calls.get(ip)
        failed: list[Transient | Refused] = []
        for path in sorted(BOARD_CALLS, key=lambda call: call != first):
            try:
                found = boards(await self._ask_openly(reach, path, watch), reach.unit)
            except (Transient, Refused) as err:
                if err.code in NO_ANSWER or isinstance(err, AnotherDevice):
                    raise
                failed.append(err)
                continue
            if all(isinstance(err, NotSupported) for err in failed):  # what is only ill may be well the next time
                remember(self._board_calls, ip, path)
            return found
        self._board_calls.pop(ip, None)
        lacking = NotSupported(f"none of {', '.join(BOARD_CALLS)} is there")
        raise next((err for err in failed if not isinstance(err, NotSupported)), lacking)

    async def presets(self, reach: Reach) -> tuple[Preset, ...]:
        """Return the ladder of presets, lowest first (GET /autotune/presets)."""
        return parse.presets(await self._ask(reach, "/autotune/presets", key=reach.access))

    async def settings(self, reach: Reach) -> MinerSettings:
        """Return the miner's own settings without any password (GET /settings); the miner refuses without a key."""
        return parse.settings(await self._ask(reach, "/settings", key=reach.access))

    async def asked(self, reach: Reach) -> parse_steer.Asked:
        """Return what the miner was asked for, with the pools' passwords (GET /settings)."""
        return parse_steer.asked(await self._ask(reach, "/settings", key=reach.access))

    async def pane(self, reach: Reach) -> parse_steer.Pane:
        """Return the state, and what waits for a restart (GET /status), of nobody but `reach.mac`."""
        return parse_steer.pane(await self._ask_openly(reach, "/status", sure=True))

    async def tell(
        self, reach: Reach, path: str, document: Mapping[str, Any] | None = None, secrets: Iterable[str] = ()
    ) -> Said:
        """Ask the miner, once, to do something (POST with the key): every yes is one, whatever it says beside.

        `secrets`: of the document; they are removed from what the miner says.
        """
        if reach.mac is None or reach.access is None:
            raise BadRequest("a miner is steered by its MAC and with a key: an address may be anybody's")
        request = self._request(reach.ip, path, method="POST", document=document, key=reach.access)
        reply = await self._send(reach, replace(request, timeout_s=WRITES * self._timeout_s))
        return heard(reply, (reach.access, *(secret for secret in secrets if len(secret) >= SHORT)))

    async def unlock(self, reach: Reach, password: str) -> str:
        """Return a bearer token for `password` (POST /unlock); WrongPassword, or LockedOut after too many."""
        request = self._request(reach.ip, "/unlock", method="POST", document={"pw": password})
        reply = await self._send(reach, request)
        if refuses_password(reply):
            raise WrongPassword(f"the miner refused the password (HTTP {reply.status})", retry_after(reply))
        return parse.token(judge(reply, (password,)))

    async def lock(self, reach: Reach, token: str) -> None:
        """Drop `token` on the miner (POST /lock); the answer is empty."""
        await self._ask(reach, "/lock", method="POST", bearer=token)

    async def api_keys(self, reach: Reach, token: str) -> tuple[ApiKey, ...]:
        """Return all keys that the miner knows, in clear (GET /apikeys)."""
        return parse.api_keys(await self._ask(reach, "/apikeys", bearer=token))

    async def add_api_key(self, reach: Reach, token: str, key: str, description: str) -> str:
        """Store `key` of KEY_LENGTH characters (POST /apikeys); return "inserted", "updated" or "nochanges"."""
        if len(key) != KEY_LENGTH or not _HEADER_SAFE.fullmatch(key):
            raise BadRequest(f"an API key has exactly {KEY_LENGTH} printable characters")
        document = {"key": key, "description": description}
        return parse.key_status(await self._ask(reach, "/apikeys", method="POST", bearer=token, document=document))

    async def delete_api_key(self, reach: Reach, token: str, key: str) -> None:
        """Remove `key` from the miner (POST /apikeys/delete); the answer is empty."""
        await self._ask(reach, "/apikeys/delete", method="POST", bearer=token, document={"key": key})

    async def check_key(self, reach: Reach, key: str) -> bool:
        """Say whether the miner takes `key` (GET /auth-check); NotThisFirmware when a login page answers."""
        try:
            parse.auth_check(await self._ask(reach, "/auth-check", key=key))
        except BadCredentials:
            return False
        return True

    async def _mac_at(self, ip: str, watch: ConnectionWatch | None) -> str:
        return (await self.identify(ip, watch)).mac

    async def _ask_openly(
        self, reach: Reach, path: str, watch: ConnectionWatch | None = None, *, sure: bool = False
    ) -> bytes:
        """Ask without the key, and with it where that is refused."""
        call = f"{reach.ip}{path}"
        if reach.access is None or call not in self._want_key:
            try:
                return await self._ask(reach, path, watch=watch, sure=sure)
            except Refused as err:
                if reach.access is None or isinstance(err, NotSupported | NotThisFirmware):
                    raise
            remember(self._want_key, call, None)
        return await self._ask(reach, path, key=reach.access, watch=watch)

    async def _ask(
        self,
        reach: Reach,
        path: str,
        *,
        method: str = "GET",
        document: Mapping[str, Any] | None = None,
        bearer: str | None = None,
        key: str | None = None,
        watch: ConnectionWatch | None = None,
        sure: bool = False,
    ) -> bytes:
        """Return the body of a yes to one call, else raise what `answers` makes of it."""
        request = self._request(reach.ip, path, method=method, document=document, bearer=bearer, key=key)
        secrets = [secret for secret in (bearer, key, (document or {}).get("key")) if secret]
        sure = sure or bool(secrets)
        reply = await (self._send(reach, request, watch) if sure else self._ends.open(reach.ip, request, watch))
        return judge(reply, secrets)

    async def _send(self, reach: Reach, request: Request, watch: ConnectionWatch | None = None) -> Reply:
        """Send to nobody but `reach.mac` where there is one."""
        if reach.mac is None:
            return await self._ends.open(reach.ip, request, watch)
        return await self._ends.secret(reach.ip, request, reach.mac, watch)

    def _request(
        self,
        ip: str,
        path: str,
        *,
        method: str = "GET",
        document: Mapping[str, Any] | None = None,
        bearer: str | None = None,
        key: str | None = None,
    ) -> Request:
        headers = dict(self._headers)
        for name, prefix, secret in (("Authorization", "Bearer ", bearer), ("x-api-key", "", key)):
            if secret is None:
                continue
            if not _HEADER_SAFE.fullmatch(secret):
                raise BadCredentials("the stored key or token cannot be sent")
            headers[name] = prefix + secret
        if document is not None:
            headers["Content-Type"] = "application/json"
        return Request(method, self._url(ip, path), self._timeout_s, headers, document)

    def _url(self, ip: str, path: str) -> str:
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            raise BadRequest("a miner is asked by its IP address, not by a name") from None
        host = f"[{address}]" if address.version == 6 else str(address)
        return f"http://{host}:{self._port}/api/v1{path}"
