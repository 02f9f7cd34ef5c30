"""From a command line to an exit code: 0 stopped or done, 1 failed, 2 wrong usage, 78 bad config or wrong schema."""

from __future__ import annotations

# What is imported up here is paid for by every --version and --help.
import argparse
from collections.abc import Sequence
from pathlib import Path

from hived import __version__

# flag -> option, metavar, help. hive-apid alone has an address.
_COMMON = {"--log-level": ("log.level", "LEVEL", "debug, info, warning, error or critical")}
_EXTRA = {"--addr": ("http.addr", "HOST:PORT", "where to listen")}


def launch(name: str, daemon: str, argv: Sequence[str] | None = None, extra_flags: Sequence[str] = ()) -> int:
    """Run a daemon and return its exit code.

    `daemon` is "module:function" of an `async def daemon(config: Config, life: Life) -> None`, imported only when it
    is to run. `extra_flags`: flags beyond the common ones, such as "--addr".
    """
    flags = _flags(extra_flags)
    try:
        args = parser(name, extra_flags).parse_args(argv)
    except SystemExit as end:  # --help, --version, wrong usage
        return end.code if isinstance(end.code, int) else 1
    from hived.runtime.process import Process

    given = {option: getattr(args, option) for option, _, _ in flags.values() if getattr(args, option) is not None}
    return Process(name, daemon, args.config, given).go(check=args.check, once=args.once)


def _flags(extra: Sequence[str]) -> dict[str, tuple[str, str, str]]:
    return _COMMON | {flag: _EXTRA[flag] for flag in extra}


def parser(name: str, extra_flags: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Build the command line of a daemon."""
    parser = argparse.ArgumentParser(prog=name, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"{name} {__version__}")
    parser.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="configuration (default: $HIVED_CONFIG, else /etc/hived/hived.yaml); conf.d beside it is read, too",
    )
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--once", action="store_true", help="do one round of the work, then exit")
    way.add_argument("--check", action="store_true", help="print the effective configuration without secrets, exit")
    for flag, (option, metavar, text) in _flags(extra_flags).items():
        parser.add_argument(flag, dest=option, metavar=metavar, help=text)
    return parser
