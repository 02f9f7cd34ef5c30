"""Make the README's picture: the fleet page of `make run`, as a browser shows it.

.venv/bin/python -m tests.dashboard.picture docs/fleet.png
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.dashboard import browser
from tests.fleet.world import free_port

MINERS = 60
WIDTH, HEIGHT = 1200, 720
UNTIL = f"document.querySelectorAll('#app tbody tr').length > 12 && document.body.innerText.includes('{MINERS}')"
SETTLED_S = 40.0  # all have been asked, a few faults are seen, the totals are those of the whole site


async def main(out: Path) -> None:
    """Start the suite on a free port, wait until the whole simulated site is on the page, take the picture."""
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
                    await page.screenshot(out)
        finally:
            with suppress(ProcessLookupError):
                suite.terminate()
            await suite.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
