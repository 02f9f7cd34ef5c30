"""What a child that sends may do: go to addresses that its parent gave it, read Python's own files, and nothing else.

The libraries that send look hosts up and open sockets by themselves. Here the first asks the parent, and the second is
refused by Python itself (PEP 578) unless the parent named the address. Such a hook cannot be taken away again.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Sequence
from typing import Any

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_READABLE = ("/etc/ssl", "/usr/share", "/usr/lib", "/etc/localtime", "/etc/mime.types", "/dev/null", "/dev/urandom")
_LOOKUPS = frozenset({"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"})
_NEVER = frozenset({
    "socket.bind", "socket.sendto", "socket.sendmsg", "socket.sethostname", "subprocess.Popen", "os.system", "os.exec",
    "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "pty.spawn", "os.remove", "os.rename",
    "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "os.link", "os.symlink", "os.truncate", "tempfile.mkstemp",
    "tempfile.mkdtemp",
})  # fmt: skip


class Fence:
    """Stands around this process once it is `close`d. `look`: asks the parent for the addresses of a host and port."""

    def __init__(self, look: Callable[[str, int], Sequence[tuple[str, int]]], more_files: Sequence[str] = ()) -> None:
        self._look = look
        self._given: dict[tuple[str, int], Sequence[tuple[str, int]]] = {}
        self._open: set[tuple[str, int]] = set()
        roots = (*filter(None, sys.path), sys.prefix, sys.base_prefix, sys.exec_prefix, *_READABLE, *more_files)
        self._roots = tuple(os.path.abspath(root) for root in roots)  # noqa: PTH100 - as it is written
        self._inside = tuple(f"{root}/" for root in self._roots)

    def close(self) -> None:
        """From here on this process is fenced in."""
        socket.getaddrinfo = self.addresses
        sys.addaudithook(self._watch)

    def addresses(self, host: Any, port: Any, family: int = 0, *_: Any, **__: Any) -> list[Any]:
        """Answer as `socket.getaddrinfo` would, with what the parent says; each host and port is asked for once."""
        name = host.decode("ascii") if isinstance(host, bytes) else str(host)
        wanted = (name, int(port or 0))
        if wanted not in self._given:
            self._given[wanted] = self._look(*wanted)
            self._open.update(self._given[wanted])
        answers: list[Any] = []
        for address, at in self._given[wanted]:
            kind = socket.AF_INET6 if ":" in address else socket.AF_INET
            if family in (0, kind):
                where = (address, at, 0, 0) if kind == socket.AF_INET6 else (address, at)
                answers.append((kind, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", where))
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no address")
        return answers

    def _watch(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "socket.connect":
            self._require_given(args[1])
        elif event == "open":
            self._require_readable(*args[:3])
        elif event in _LOOKUPS:
            raise socket.gaierror(socket.EAI_FAIL, "this process looks nothing up")
        elif event in _NEVER:
            raise PermissionError(f"{event} is not for a process that sends")

    def _require_given(self, where: Any) -> None:
        if not isinstance(where, tuple) or where[:2] not in self._open:
            raise PermissionError("this address was not given")

    def _require_readable(self, path: Any, mode: Any, flags: Any) -> None:
        if isinstance(path, int):
            return
        name = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - as it is written
        writes = any(sign in (mode or "") for sign in "wax+") or (isinstance(flags, int) and flags & _WRITES)
        if (writes and name != "/dev/null") or not (name in self._roots or name.startswith(self._inside)):
            raise PermissionError("this file is not for a process that sends")
