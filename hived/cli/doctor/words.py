"""What the checks of `hivectl doctor` share: a line of its report, and what another program says."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import dataclass
from functools import partial
from typing import Literal

TRY_S = 3.0


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, how it is, and what to do about it.

    ok: nothing is wrong; warn: it may be meant so; fail: somebody has to see to it.
    """

    state: Literal["ok", "warn", "fail"]
    name: str
    text: str
    step: str | None = None


ok, warn, fail = partial(Check, "ok"), partial(Check, "warn"), partial(Check, "fail")


async def output(program: str, *words: str) -> str | None:
    """Return what a program of this system prints; None when it is not there or does not answer."""
    path = shutil.which(program)
    if path is None:
        return None
    process = None
    try:
        async with asyncio.timeout(TRY_S):
            process = await asyncio.create_subprocess_exec(
                path, *words, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )  # fmt: skip
            out, _ = await process.communicate()
    except OSError:
        return None
    except TimeoutError:
        if process is not None:
            process.kill()
            await process.wait()
        return None
    return out.decode("utf-8", "replace")
