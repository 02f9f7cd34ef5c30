"""A password from where it cannot be seen: a terminal without echo, or standard input."""

from __future__ import annotations

import getpass
import sys

from hived.cli.context import CommandContext, WrongUsage, interruptible
from hived.errors import BadRequest


def read(context: CommandContext, of: str, *, longest: int, twice: bool = False) -> str:
    """Return what was typed, or the first line of standard input, which may have `longest` characters and one more."""
    with interruptible():
        if context.args.password_stdin:
            return sys.stdin.readline(longest + 2).rstrip("\r\n")
        if not sys.stdin.isatty():
            raise WrongUsage("--password-prompt needs a terminal; scripts give --password-stdin")
        typed = getpass.getpass(f"{of}: ")
        if twice and getpass.getpass("Once more: ") != typed:
            raise BadRequest("the two passwords differ")
        return typed
