"""Addresses that never answer, on loopback and without root: a network full of unplugged cables."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def darkness() -> Iterator[int]:
    """Yield a port on which every address of 127.0.0.0/8 swallows connection attempts without a word.

    A listener whose queue is full drops each SYN, as the kernel does for a cable that leads nowhere.
    """
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo\0")  # nobody outside can reach it
        listener.bind(("0.0.0.0", 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        for _ in range(4):  # the queue takes one; more than that it must refuse
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
        yield port
