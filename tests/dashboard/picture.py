"""Make the pictures of README and docs: pages of `make run`, as a browser shows them.

.venv/bin/python -m tests.dashboard.picture docs/fleet.png
.venv/bin/python -m tests.dashboard.picture --steering docs
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.dashboard import browser
from tests.fleet.world import free_port

MINERS = 60
WIDTH, HEIGHT = 1200, 720
SIZES = {"": (1280, 720), "-phone": (390, 780)}
UNTIL = f"document.querySelectorAll('#app tbody tr').length > 12 && document.body.innerText.includes('{MINERS}')"
SETTLED_S = 40.0  # all have been asked, a few faults are seen, the totals are those of the whole site
BOX = ".miners tbody tr:nth-child({}) .c-select"
_MANAGED = """(async () => {
  for (const one of (await (await fetch('/api/v1/rows')).json()).rows)
    await fetch(`/api/miners/${one.id}`, {method: 'PATCH', headers: {'Content-Type': 'application/json'},
      body: '{"managed": true}'});
})()"""


@asynccontextmanager
async def site() -> AsyncIterator[browser.Page]:
    """Start the suite on a free port and log in; yield the page when the whole simulated site is on it."""
    program = browser.find()
    if program is None:
        sys.exit(browser.MISSING)
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as profile:
        at = f"127.0.0.1:{free_port()}"
        suite = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hived.simulator.suite", "--miners", str(MINERS), "--var", folder, "--http", at,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert suite.stdout is not None
        try:
            async for line in suite.stdout:
                if "/login#code=" in (link := line.decode().strip()):
                    break
            await asyncio.sleep(SETTLED_S)
            with browser.running(program, Path(profile)) as devtools:
                async with browser.Devtools.connect(devtools) as tools, tools.page(width=WIDTH, height=HEIGHT) as page:
                    await page.go(link)
                    await page.wait_for(UNTIL, within=SETTLED_S)
                    yield page
        finally:
            with suppress(ProcessLookupError):
                suite.terminate()
            await suite.wait()


async def fleet(out: Path) -> None:
    """Take the README's picture."""
    async with site() as page:
        await page.screenshot(out)


async def steering(folder: Path) -> None:
    """Take the pictures of an order from the selection to its undoing, as a desk and as a phone show them."""
    async with site() as page:
        await page.evaluate(_MANAGED)
        for kind, (width, height) in SIZES.items():
            await page.size(width, height)
            await page.go_to("/?sort=address")
            await page.wait_for("document.querySelector('.c-select')")
            for row in (3, 8):
                await page.click(BOX.format(row))
            await page.click(BOX.format(14), shift=True)
            await page.evaluate("scrollTo(0, 0)" if not kind else "document.querySelector('.miners').scrollIntoView()")
            await page.screenshot(folder / f"steering-selection{kind}.png")
            await page.click(".actionbar .all")
            await page.click("[data-verb=pause]")
            await page.wait_for("document.querySelector('dialog .effect')")
            await page.evaluate("document.querySelector('dialog .advanced').open = true")
            await page.screenshot(folder / f"steering-preview{kind}.png")
            await page.click("dialog [type=submit]")
            await page.wait_for("document.querySelector('[data-state=confirmed]')", within=SETTLED_S)
            await page.screenshot(folder / f"steering-progress{kind}.png")
            await page.wait_for("document.querySelector('.head .badge').innerText !== 'running'", within=300)
            await page.click(".undo")
            await page.wait_for("document.querySelector('dialog .effect')")
            await page.click("dialog [type=submit]")
            await page.wait_for("document.querySelector('.head').innerText.includes('Undoes')")
            await page.wait_for("document.querySelector('[data-state=confirmed]')", within=SETTLED_S)
            await page.screenshot(folder / f"steering-undo{kind}.png")
            await page.wait_for("document.querySelector('.head .badge').innerText !== 'running'", within=300)


if __name__ == "__main__":
    asyncio.run(steering(Path(sys.argv[2])) if sys.argv[1] == "--steering" else fleet(Path(sys.argv[1])))
