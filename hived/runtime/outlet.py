"""A file that a command writes: private, there whole or not at all, and opened by whoever began the command."""

from __future__ import annotations

import os
import secrets
import signal
from contextlib import suppress
from pathlib import Path
from typing import NoReturn, Self

from hived.errors import HivedError


class Outlet:
    """A draft without the file's name. `finish` gives it that; leaving the block without it removes the draft.

    `stream`: where to write. `replaces`: whether there is a file of this name, or a link.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._draft = f".hived-{secrets.token_hex(8)}"
        self._keeper: tuple[int, int] | None = None
        self._ended = False
        try:
            self._folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC
            self.stream = os.fdopen(os.open(self._draft, flags, 0o600, dir_fd=self._folder), "wb")
        except OSError as err:
            raise HivedError(f"cannot write in {self.path.parent}: {err.strerror}") from err
        self.replaces = self.path.name in os.listdir(self._folder)  # noqa: PTH208 - by its descriptor

    def keep(self) -> None:
        """Leave the last step to a process that stays who this one is now. Call it before any thread begins."""
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(writing)
            self._wait(reading)
        os.close(reading)
        self._keeper = pid, writing

    def finish(self) -> None:
        """Put what was written on the disk and give it the file's name."""
        self.stream.flush()
        os.fsync(self.stream.fileno())
        self._end(b"+")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stream.close()
            if not self._ended:
                self._end(b"")
        finally:
            os.close(self._folder)

    def _end(self, word: bytes) -> None:
        self._ended = True
        if self._keeper is None:
            self._last_step(word)
            return
        pid, writing = self._keeper
        os.write(writing, word)
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        if code := os.waitstatus_to_exitcode(status):
            raise OSError(code, os.strerror(code), str(self.path))

    def _wait(self, reading: int) -> NoReturn:
        # Ctrl-C reaches both. How it ends, the other one says, by a word or by its end.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        code = 1
        try:
            self._last_step(os.read(reading, 1))
            code = 0
        except OSError as err:
            code = err.errno or 1
        finally:
            os._exit(code)

    def _last_step(self, word: bytes) -> None:
        """Give the draft its name, or, without a word, remove it."""
        try:
            if word:
                os.rename(self._draft, self.path.name, src_dir_fd=self._folder, dst_dir_fd=self._folder)
                os.fsync(self._folder)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(self._draft, dir_fd=self._folder)
