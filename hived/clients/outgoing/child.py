"""A process that sends something and ends: apprise and what it loads are gone from memory then.

It gets its task as one line of JSON, asks its parent where a host is by a line and gets a line, and writes a line for
each answer, to which the parent says to go on. Nothing of it is in its arguments or environment, which everybody on a
host may read.
"""

from __future__ import annotations

import json
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from hived.clients.outgoing import by_apprise, by_http
from hived.clients.outgoing.fence import Fence
from hived.clients.outgoing.limits import CPU_S, MEMORY_BYTES
from hived.records.outgoing import Answered

Job = dict[str, Any]
DOES: dict[str, Callable[[Job], Iterator[Answered]]] = {
    "notify": by_apprise.notify,
    "check": by_apprise.check,
    "request": by_http.request,
}


class Parent:
    """The other end of standard input and output."""

    def __init__(self) -> None:
        self.refused: str | None = None
        """Why a host must not be reached."""

    def hear(self) -> Any:
        """Return the parent's next line; end when there is no parent any more."""
        line = sys.stdin.buffer.readline()
        if not line:
            raise SystemExit(1)
        return json.loads(line)

    def tell(self, **said: Any) -> None:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()

    def look(self, host: str, port: int) -> Sequence[tuple[str, int]]:
        """Return where a host may be reached; gaierror when it must not be, or is nowhere."""
        self.tell(look=[host, port])
        answer = self.hear()
        if "refused" in answer:
            self.refused = answer["refused"]
            raise socket.gaierror(socket.EAI_NONAME, self.refused)
        return [(address, at) for address, at in answer["places"]]


def main() -> int:
    """Carry out one task."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # it would hold the passwords
    parent = Parent()
    task = parent.hear()
    work = DOES[task["do"]]
    Fence(parent.look, [task["ca"]] if task.get("ca") else []).close()
    signal.setitimer(signal.ITIMER_REAL, task["job_s"])  # the signal ends the process, whatever it waits for
    for answered in work(task):
        why = parent.refused if not answered.ok and answered.status is None else None
        parent.tell(ok=answered.ok, status=answered.status, said=why or answered.said)
        parent.hear()  # it has written that down; a parent that was killed says nothing, and nothing more is sent
        signal.setitimer(signal.ITIMER_REAL, task["job_s"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
