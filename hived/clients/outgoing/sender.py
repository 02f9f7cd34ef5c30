"""Send something by a child process: memory, time and the way are bounded, and what it loaded is gone afterwards."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hived.clients.outgoing.egress import Places
from hived.clients.outgoing.limits import AT_ONCE, JOB_S, MAX_LINE
from hived.errors import Blocked, Transient
from hived.records.outgoing import Answered, Message

_ROOT = Path(__file__).parents[3]  # where hived is
_SLACK_S = 5.0
NOBODY = "the process that sends ended without an answer"

Heard = Callable[[Answered], Awaitable[None]]


class Sender:
    """Sends, so many at once. `ca`: of whom certificates must come, a file; None: of those whom this host trusts."""

    def __init__(self, *, ca: Path | None = None, job_s: float = JOB_S, at_once: int = AT_ONCE) -> None:
        self._ca, self._job_s = ca, job_s
        self._free = asyncio.Semaphore(at_once)

    async def notify(self, url: str, message: Message, places: Places, *, configured: bool = False) -> Answered:
        """Send a message to a channel. `configured`: its URL is one of the configuration. Transient: no process."""
        words = {"title": message.title, "body": message.body, "tone": message.tone}
        answers = await self._run({"do": "notify", "url": url, "configured": configured, **words}, places)
        return answers[0]

    async def check(self, url: str, *, configured: bool = False) -> Answered:
        """Tell whether the URL of a channel can be used, and what is wrong with it. Nothing is sent."""
        return (await self._run({"do": "check", "url": url, "configured": configured}, _nowhere))[0]

    async def request(
        self, url: str, jobs: Sequence[Mapping[str, Any]], places: Places, heard: Heard | None = None
    ) -> list[Answered]:
        """Send requests {method, body, headers} to one URL, one after the other, up to the first that fails.

        `heard` is called with each answer as it comes.
        """
        return await self._run({"do": "request", "url": url, "jobs": list(jobs)}, places, heard)

    async def _run(self, task: dict[str, Any], places: Places, heard: Heard | None = None) -> list[Answered]:
        async with self._free:
            child = await self._begin()
            try:
                common = {"ca": str(self._ca) if self._ca else None, "job_s": self._job_s}
                return await self._talk(child, task | common, places, heard)
            finally:
                with suppress(ProcessLookupError):
                    child.kill()
                await child.wait()

    async def _begin(self) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-s", "-m", "hived.clients.outgoing.child",
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
                env={"PYTHONPATH": str(_ROOT), "PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8",
                     "NETRC": "/dev/null"},
                cwd="/", limit=MAX_LINE,
            )  # fmt: skip
        except OSError as err:
            raise Transient(f"no process to send with: {err.strerror}") from None

    async def _talk(
        self, child: asyncio.subprocess.Process, task: dict[str, Any], places: Places, heard: Heard | None
    ) -> list[Answered]:
        assert child.stdin is not None
        answers: list[Answered] = []
        said: dict[str, Any] | None = task
        while said is not None:
            reply = said
            if "look" in said:
                reply = await _looked_up(places, *said["look"])
            elif said is not task:
                answers.append(Answered(said["ok"], said["status"], said["said"]))
                if heard is not None:
                    await heard(answers[-1])
            with suppress(ConnectionError):  # it ended: the next line says so
                child.stdin.write(json.dumps(reply).encode() + b"\n")
                await child.stdin.drain()
            said = await self._next(child, answers)
        expected = len(task["jobs"]) if "jobs" in task else 1
        if len(answers) < expected and all(answer.ok for answer in answers):
            answers.append(Answered(False, None, NOBODY))
        return answers

    async def _next(self, child: asyncio.subprocess.Process, answers: list[Answered]) -> dict[str, Any] | None:
        """Return the child's next line, None at its end; one that takes too long has failed."""
        assert child.stdout is not None
        try:
            async with asyncio.timeout(self._job_s + _SLACK_S):
                line = await child.stdout.readline()
                if line:
                    return dict(json.loads(line))
                if await child.wait() == -signal.SIGALRM:
                    raise TimeoutError
        except TimeoutError:
            answers.append(Answered(False, None, "no answer in time"))
        except ValueError:  # too long, or cut off
            answers.append(Answered(False, None, NOBODY))
        return None


async def _looked_up(places: Places, host: str, port: int) -> dict[str, Any]:
    try:
        return {"places": list(await places(host, port))}
    except (Blocked, Transient) as err:
        return {"refused": str(err)}


async def _nowhere(host: str, port: int) -> Sequence[tuple[str, int]]:
    raise Blocked(f"{host}:{port} is not asked while a channel is checked")
