"""A real Chromium, driven over the DevTools protocol: just enough to see what a person would see."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp

MISSING = "needs Chromium: apt install chromium"
START_S = 20.0  # the first start on a busy machine, with an empty profile
WAIT_S = 30.0
LOOK_S = 0.03  # between two looks at the page
SHIFT = 8  # among the modifiers of the DevTools protocol

_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-extensions",
    "--disable-dev-shm-usage", "--disable-background-timer-throttling", "--hide-scrollbars", "--mute-audio",
    "--remote-debugging-port=0",
)  # fmt: skip


def find() -> str | None:
    """Return the program, None when it is not installed."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def running(program: str, profile: Path) -> Iterator[str]:
    """Run Chromium with an empty profile; yield the URL of its DevTools."""
    command = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
    environment = {**os.environ, "HOME": str(profile)}
    with (profile / "log.txt").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            yield _devtools(process, profile)
        finally:
            process.terminate()
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=5)


def _devtools(process: subprocess.Popen[bytes], profile: Path) -> str:
    told = profile / "DevToolsActivePort"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        lines = told.read_text().splitlines() if told.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(LOOK_S)
    raise AssertionError(f"Chromium did not start: {(profile / 'log.txt').read_text()[-2000:]}")


# An element is true enough; what is not there yet is not true.
_LOOK = "(() => { try { const v = (%s); return v instanceof Node ? true : v } catch (e) { return null } })()"


class Moved(AssertionError):
    """The document went away while it was asked something."""


class Devtools:
    """One connection to the browser: numbered calls, and events for each page's session."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.pages: dict[str, Page] = {}

    @classmethod
    @asynccontextmanager
    async def connect(cls, url: str) -> AsyncIterator[Devtools]:
        """Connect; closing the connection leaves the browser running."""
        async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
            tools = cls(socket)
            reading = asyncio.create_task(tools._read())
            try:
                yield tools
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)

    async def call(self, method: str, session: str | None = None, /, **params: Any) -> dict[str, Any]:
        """Call a method and return its result; AssertionError with what the browser said when it failed."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        await self._socket.send_json(message)
        async with asyncio.timeout(START_S):
            reply = await self._waiting[number]
        if "navigated" in str(reply.get("error")):
            raise Moved(f"{method}: {reply['error']}")
        assert "error" not in reply, f"{method}: {reply['error']}"
        result: dict[str, Any] = reply["result"]
        return result

    async def _read(self) -> None:
        async for message in self._socket:
            document = message.json()
            if "id" in document:
                waiting = self._waiting.pop(document["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(document)
            elif (page := self.pages.get(document.get("sessionId", ""))) is not None:
                page.heard(document["method"], document["params"])

    @asynccontextmanager
    async def page(self, *, width: int = 1440, height: int = 900, dark: bool = False) -> AsyncIterator[Page]:
        """Open a page with a storage of its own; 500 wide and less counts as a phone."""
        context = (await self.call("Target.createBrowserContext", disposeOnDetach=True))["browserContextId"]
        target = (await self.call("Target.createTarget", url="about:blank", browserContextId=context))["targetId"]
        session = (await self.call("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]
        page = self.pages[session] = Page(self, session)
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                await page.call(f"{domain}.enable")
            await page.size(width, height)
            await page.prefer(dark=dark)
            yield page
        finally:
            del self.pages[session]
            await self.call("Target.disposeBrowserContext", browserContextId=context)


@dataclass
class Page:
    """One tab. `problems` collects errors of the console, exceptions and what the content policy refused."""

    tools: Devtools
    session: str
    problems: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    async def call(self, method: str, /, **params: Any) -> dict[str, Any]:
        return await self.tools.call(method, self.session, **params)

    def heard(self, method: str, params: dict[str, Any]) -> None:
        """Keep what matters of an event."""
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.problems.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.problems.append(" ".join(str(arg.get("value", arg.get("description"))) for arg in params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}".strip())
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])

    def foreign_requests(self, origin: str) -> list[str]:
        """Return the requests that left the origin; `data:` and `about:` go nowhere."""
        home = urlsplit(origin)
        return [
            url
            for url in self.requests
            if (parts := urlsplit(url)).scheme not in ("data", "about", "blob") and parts[:2] != home[:2]
        ]

    async def size(self, width: int, height: int) -> None:
        """Set the size of the window in CSS pixels."""
        phone = width <= 500
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone
        )
        await self.call("Emulation.setTouchEmulationEnabled", enabled=phone)

    async def prefer(self, *, dark: bool) -> None:
        """Set what the system prefers."""
        value = "dark" if dark else "light"
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": value}])

    async def go(self, url: str, *, until: str = "document.querySelector('#app h1')") -> None:
        """Load a URL and wait until an expression is true in it."""
        await self.call("Page.navigate", url=url)
        await self.wait_for(f"location.href !== 'about:blank' && document.readyState === 'complete' && !!({until})")

    async def go_to(self, query: str) -> None:
        """Follow a link within the page that is shown."""
        await self.evaluate(
            f"(a => {{ a.href = {query!r}; document.body.append(a); a.click(); a.remove() }})"
            "(document.createElement('a'))"
        )

    async def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression, awaited when it is a promise."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]["exception"]["description"]
        return result["result"].get("value")

    async def wait_for(self, expression: str, *, within: float = WAIT_S) -> Any:
        """Return the value of an expression as soon as it is true; AssertionError after `within` seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            with suppress(Moved):
                if value := await self.evaluate(_LOOK % expression):
                    return value
            await asyncio.sleep(LOOK_S)
        shown = await self.evaluate("document.body.innerText.slice(0, 1500)")
        raise AssertionError(f"not true within {within:g} s: {expression}\n{self.problems}\n{shown}")

    async def text(self, selector: str) -> str:
        """Return the visible text of the first element that fits, blanks that break no line as blanks."""
        return str(await self.evaluate(f"document.querySelector({selector!r}).innerText")).replace("\xa0", " ")

    async def click(self, selector: str, *, shift: bool = False) -> None:
        """Click the mouse in the middle of the first element that fits; again when it moved away meanwhile.

        What is still loading above an element pushes it down, on a busy machine between looking and letting go.
        """
        look = (
            "(e => { window.clicked = null; e.scrollIntoView({block: 'nearest'});"
            " addEventListener('click', m => { window.clicked = e.contains(m.target) }, {capture: true, once: true});"
            " const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + b.height / 2] })"
            f"(document.querySelector({selector!r}))"
        )
        missed = True
        while missed:
            x, y = await self.wait_for(look)
            for kind in ("mousePressed", "mouseReleased"):
                await self.call(
                    "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1,
                    modifiers=SHIFT if shift else 0,
                )  # fmt: skip
            missed = False
            with suppress(Moved):  # another document: it was hit
                missed = await self.evaluate("window.clicked === false")

    async def type(self, text: str) -> None:
        """Type into what has the focus."""
        await self.call("Input.insertText", text=text)

    async def key(self, name: str, code: int = 0, text: str = "", *, shift: bool = False) -> None:
        """Press a key, such as ArrowDown; `text` is what it types."""
        press = {"key": name, "code": name, "windowsVirtualKeyCode": code, "modifiers": SHIFT if shift else 0}
        await self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **press)
        await self.call("Input.dispatchKeyEvent", type="keyUp", **press)

    async def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write what is to be seen as PNG."""
        shot = await self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        await asyncio.to_thread(path.write_bytes, base64.b64decode(shot["data"]))
