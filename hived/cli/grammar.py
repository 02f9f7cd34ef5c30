"""What hivectl's command line is put together from: nouns, their commands, and what these take."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


class Argument(NamedTuple):
    """What `add_argument` takes."""

    names: tuple[str, ...]
    rest: dict[str, Any]


class OneOf(NamedTuple):
    """Arguments of which a command takes one at the most, or exactly one when it is `required`."""

    arguments: tuple[Argument, ...]
    required: bool = False


def arg(*names: str, **rest: Any) -> Argument:
    return Argument(names, rest)


def common(parser: argparse.ArgumentParser, *, config: object, json: object) -> None:
    """Give a parser what every command takes.

    Both may stand before or after the command: the later parser must not overwrite what the first one read.
    """
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=config,
        help="configuration (default: $HIVED_CONFIG, else /etc/hived/hived.yaml)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", default=json, help="print one JSON document")


def noun(nouns: Group, name: str, text: str) -> Group:
    """Add what commands are about, and return the group that they go into."""
    parser = nouns.add_parser(name, help=text, description=text, allow_abbrev=False)
    common(parser, config=argparse.SUPPRESS, json=argparse.SUPPRESS)
    return parser.add_subparsers(required=True, metavar="COMMAND")


def command(
    group: Group, name: str, run: str, text: str, *arguments: Argument | OneOf, opens: str | None = None
) -> None:
    """Add a command. `run` names the function that does its work as "module:function".

    `opens`: what opens the argument `file`, before the superuser becomes somebody else.
    """
    parser = group.add_parser(name, help=text, description=text, allow_abbrev=False)
    common(parser, config=argparse.SUPPRESS, json=argparse.SUPPRESS)
    parser.set_defaults(run=run, opens=opens)
    for one in arguments:
        if isinstance(one, OneOf):
            either = parser.add_mutually_exclusive_group(required=one.required)
            for argument in one.arguments:
                either.add_argument(*argument.names, **argument.rest)
        else:
            parser.add_argument(*one.names, **one.rest)
