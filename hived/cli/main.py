"""From hivectl's command line to an exit code: 0 done, 1 failed, 2 wrong usage, 78 bad config or wrong schema."""

from __future__ import annotations

# What is imported up here is paid for by every --version and --help; a command brings the rest.
import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from hived import __version__

_LONGEST_WAIT_S = 3600.0  # a sweep of a /16 takes minutes
_MOST_ROWS = 1_000_000

ROLES = ("viewer", "operator", "admin")
AREAS = ("miners", "collecting", "nodes", "site", "access")

_STREAMS = ("contributions", "miners", "status", "events")
SORT_KEYS = {
    "worst": "what needs a look first",
    "address": "by address (the default)",
    "hostname": "by host name",
    "model": "by model",
    "state": "by state",
    "hashrate": "most first",
    "percent": "of the expected hashrate, least first",
    "power": "most first",
    "efficiency": "most J/TH first",
    "temperature": "hottest chip first",
    "seen": "longest unseen first",
}


def main(argv: Sequence[str] | None = None, *, clock: Callable[[], float] = time.time) -> int:
    """Run one command and return its exit code. `clock` gives UTC epoch seconds."""
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:  # --help, --version, wrong usage
        return end.code if isinstance(end.code, int) else 1
    from hived.cli.context import serve

    return serve(args, clock)


def parser() -> argparse.ArgumentParser:
    """Build the command line. Each command names the function that does its work as "module:function"."""
    top = argparse.ArgumentParser(
        prog="hivectl", description="See and steer what hived knows of this site.", allow_abbrev=False
    )
    top.add_argument("--version", action="version", version=f"hivectl {__version__}")
    _common(top, config=None, json=False)
    nouns = top.add_subparsers(required=True, metavar="COMMAND")
    _command(nouns, "status", "status:status", "how this site is doing, at a glance")
    _command(nouns, "doctor", "doctor:doctor", "what works on this box and what does not, with the next step")
    _miners(_noun(nouns, "miners", "list, show, find and set up miners"))
    _models(_noun(nouns, "models", "miner models and how far hived may drive them"))
    _command(nouns, "events", "events:events", "what happened, newest first", _events)
    _command(nouns, "peers", "peers:list_peers", "other boxes of the fleet that zeroconf shows")
    _sources(_noun(nouns, "sources", "where the auto-miner collects: list, add and remove, start and stop"))
    _artifacts(_noun(nouns, "artifacts", "what the auto-miner collected"))
    model = _noun(nouns, "model", "the language model that describes artifacts")
    _command(model, "status", "model:status", "say whether it can be asked")
    _command(model, "pull", "model:pull", "let Ollama fetch it")
    _users(_noun(nouns, "users", "who may log in: add, list and remove users, change passwords and roles"))
    _tokens(_noun(nouns, "token", "API tokens: create, list and revoke them"))
    _nodes(_noun(nouns, "nodes", "the nodes of this master: list, approve, revoke, add and remove them"))
    _command(nouns, "enroll-code", "nodes:enroll_code", "print a code with which one node joins this master")
    _command(nouns, "join", "uplink:join", "let this node join a master", _join)
    _command(nouns, "leave", "uplink:leave", "forget the master: nothing is carried until `hivectl join`")
    _command(nouns, "rotate-key", "uplink:rotate_key", "change the key that this node shows to its master")
    _sync(_noun(nouns, "sync", "what this node sends to its master"))
    config = _noun(nouns, "config", "the configuration")
    _command(
        config, "check", "config_check:check", "print what is in effect without secrets, or the line that is wrong"
    )
    _command(nouns, "migrate", "migrate:migrate", "create the database or bring its schema up to date")
    _command(nouns, "backup", "backup:backup", "write one file that restores this node, without stopping it", _backup)
    _command(nouns, "restore", "backup:restore", "bring this node back from such a file", _restore)
    return top


_Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


def _common(parser: argparse.ArgumentParser, *, config: object, json: object) -> None:
    """Both may stand before or after the command: the later parser must not overwrite what the first one read."""
    parser.add_argument(
        "--config", type=Path, metavar="FILE", default=config,
        help="configuration (default: $HIVED_CONFIG, else /etc/hived/hived.yaml)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", default=json, help="print one JSON document")


def _noun(nouns: _Group, name: str, text: str) -> _Group:
    noun = nouns.add_parser(name, help=text, description=text, allow_abbrev=False)
    _common(noun, config=argparse.SUPPRESS, json=argparse.SUPPRESS)
    return noun.add_subparsers(required=True, metavar="COMMAND")


def _command(
    group: _Group, name: str, run: str, text: str, options: Callable[[argparse.ArgumentParser], None] | None = None
) -> None:
    command = group.add_parser(name, help=text, description=text, allow_abbrev=False)
    _common(command, config=argparse.SUPPRESS, json=argparse.SUPPRESS)
    command.set_defaults(run=run)
    if options is not None:
        options(command)


def _miners(group: _Group) -> None:
    _command(group, "list", "miners:list_miners", "a line for each miner", _list)
    _command(group, "show", "miner_show:show", "all that is known of one miner", _show)
    _command(group, "scan", "scan:scan", "let hive-discoverd look for miners now", _scan)
    _command(group, "set", "miner_set:change", "say whether hived steers a miner, or what its password is", _set)


def _list(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "words", nargs="*", help="only miners with all of these in address, MAC, name, error, pool, ..."
    )
    command.add_argument(
        "--state", metavar="S", help="only miners in this state: mining, failure, silent, offline, ..."
    )
    command.add_argument("--model", metavar="M", help="only this model, by alias (s19jpro) or name")
    _of_node(command)
    command.add_argument("--offline", action="store_true", help="only miners that do not answer any more")
    command.add_argument(
        "--failing", action="store_true", help="only miners that cannot be polled or are in state failure"
    )
    keys = "; ".join(f"{key}: {text}" for key, text in SORT_KEYS.items())
    command.add_argument("--sort", choices=list(SORT_KEYS), default="address", metavar="KEY", help=keys)
    command.add_argument("--limit", type=_count, metavar="N", help="at most this many lines")


def _of_node(command: argparse.ArgumentParser) -> None:
    command.add_argument("--node", metavar="NODE_ID|NAME", help="only what this node of the fleet reports")


def _show(command: argparse.ArgumentParser) -> None:
    command.add_argument("miner", metavar="MAC|IP|HOSTNAME")


def _scan(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "targets", nargs="*", metavar="TARGET",
        help="address or network such as 192.168.1.0/24; none: all configured networks",
    )  # fmt: skip
    command.add_argument(
        "--wait", type=_seconds, default=60.0, metavar="S", help="seconds to wait for the result (60; 0: do not wait)"
    )
    command.add_argument("--node", metavar="NODE_ID|NAME", help="let this node of the fleet look, not this box")


def _set(command: argparse.ArgumentParser) -> None:
    command.add_argument("miners", nargs="+", metavar="MAC|IP")
    steered = command.add_mutually_exclusive_group()
    steered.add_argument("--managed", dest="managed", action="store_true", default=None, help="hived steers it")
    steered.add_argument("--unmanaged", dest="managed", action="store_false", help="hived only reads it")
    # No option takes the password itself: the command line is in the process list and in the shell's history.
    password = command.add_mutually_exclusive_group()
    password.add_argument(
        "--password-stdin", action="store_true", help="read the miner's unlock password from the first line of stdin"
    )
    password.add_argument("--password-prompt", action="store_true", help="ask for the miner's unlock password")


def _models(group: _Group) -> None:
    _command(group, "list", "models:list_models", "a line for each model")
    _command(group, "set", "models:change", "set the highest preset that hived may choose for a model", _model_set)


def _model_set(command: argparse.ArgumentParser) -> None:
    command.add_argument("alias", metavar="ALIAS", help="as `hivectl models list` names it")
    limit = command.add_mutually_exclusive_group(required=True)
    limit.add_argument("--max-preset", metavar="NAME", help="nothing above this one, as the miner names it")
    limit.add_argument("--no-max-preset", action="store_true", help="no limit of ours")


def _sources(group: _Group) -> None:
    _command(group, "list", "sources:list_sources", "a line for each source, and what the auto-miner does")
    _command(group, "add", "sources:add", "add a museum's open-access API or web pages", _source_add)
    _command(group, "remove", "sources:remove", "remove a source; its artifacts stay", _numbered)
    _command(group, "start", "sources:start", "start the auto-miner, or visit one source once", _source_start)
    _command(group, "stop", "sources:stop", "stop the auto-miner")


def _source_add(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="what it is called here")
    command.add_argument("url", metavar="URL", help="its base URL: that of the API, a page or a sitemap")
    kinds = "met, artic, cleveland, rijksmuseum, commons or web"
    command.add_argument("--kind", metavar="K", help=f"{kinds} (default: told from the URL)")


def _source_start(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", nargs="?", type=_number, metavar="ID", help="only this source, and once")


def _artifacts(group: _Group) -> None:
    _command(group, "list", "artifacts:list_artifacts", "a line for each artifact, newest first", _artifact_list)
    _command(group, "show", "artifacts:show", "all that is known of one artifact", _numbered)


def _artifact_list(command: argparse.ArgumentParser) -> None:
    command.add_argument("words", nargs="*", help="only artifacts with all of these in title, maker, description, ...")
    _of_node(command)
    command.add_argument("--limit", type=_count, default=50, metavar="N", help="at most this many (50)")


def _numbered(command: argparse.ArgumentParser) -> None:
    command.add_argument("id", type=_number, metavar="ID", help="as its list names it")


def _users(group: _Group) -> None:
    _command(group, "add", "users:add", "make a user", _user_add)
    _command(group, "passwd", "users:passwd", "give a user another password", _user_passwd)
    _command(group, "set", "users:change", "give a user another role", _user_role)
    _command(group, "list", "users:list_users", "a line for each user")
    _command(group, "remove", "users:remove", "remove a user and log them out", _user)


def _user(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME")


def _user_role(command: argparse.ArgumentParser) -> None:
    _user(command)
    command.add_argument("--role", choices=ROLES, required=True, help="what they may do")


def _user_add(command: argparse.ArgumentParser) -> None:
    _user_role(command)
    _new_password(command)


def _user_passwd(command: argparse.ArgumentParser) -> None:
    _user(command)
    _new_password(command)


def _new_password(command: argparse.ArgumentParser) -> None:
    password = command.add_mutually_exclusive_group(required=True)
    password.add_argument(
        "--password-stdin", action="store_true", help="read the password from the first line of stdin"
    )
    password.add_argument("--password-prompt", action="store_true", help="ask for the password")


def _tokens(group: _Group) -> None:
    _command(group, "create", "tokens:create", "make a token and print it, once", _token_create)
    _command(group, "list", "tokens:list_tokens", "a line for each token")
    _command(group, "revoke", "tokens:revoke", "end a token at once", _token_revoke)


def _token_create(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="what it is for")
    command.add_argument("--role", choices=ROLES, required=True, help="what it may do")
    command.add_argument("--expires", type=_lifetime, metavar="90d", help="it expires after this many d or h")
    command.add_argument("--scope", action="append", choices=AREAS, help="only this part of the API; may be repeated")


def _token_revoke(command: argparse.ArgumentParser) -> None:
    command.add_argument("token", metavar="ID|NAME")


def _nodes(group: _Group) -> None:
    _command(group, "list", "nodes:list_nodes", "a line for each node, and the phrases of those that wait")
    _command(group, "approve", "nodes:approve", "admit a node that is waiting", _node_approve)
    _command(group, "revoke", "nodes:revoke", "accept nothing more from a node", _node)
    _command(group, "remove", "nodes:remove", "forget a node, its keys and its miners", _node)
    _command(group, "add", "nodes:add", "let in a collector that is not ours, and print its key once", _node_add)


def _node(command: argparse.ArgumentParser) -> None:
    command.add_argument("node", metavar="NODE_ID|NAME", help="as `hivectl nodes list` names it")


def _node_approve(command: argparse.ArgumentParser) -> None:
    _node(command)
    command.add_argument("phrase", metavar="PHRASE", nargs="?", help="what the node logs; needed when several wait")


def _node_add(command: argparse.ArgumentParser) -> None:
    command.add_argument("node", metavar="NODE_ID", help="what it calls itself")
    command.add_argument("--name", required=True, metavar="NAME", help="what it is called here")


def _join(command: argparse.ArgumentParser) -> None:
    command.add_argument("url", metavar="URL", help="where the master's dashboard is, such as https://192.168.1.2:8080")
    command.add_argument("code", metavar="CODE", nargs="?", help="of `hivectl enroll-code`; none: a person approves it")


def _backup(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="where to; - is standard output")
    command.add_argument(
        "--without-keys", action="store_true", help="leave out the key file and the key of the certificate"
    )


def _restore(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", metavar="FILE", help="of `hivectl backup`; - is standard input")


def _sync(group: _Group) -> None:
    _command(group, "dead", "uplink:dead", "rows that the master does not take: list them, or decide", _dead)


def _dead(command: argparse.ArgumentParser) -> None:
    command.add_argument("what", nargs="?", choices=["retry", "drop"], help="send them again, or give them up")
    command.add_argument(
        "stream",
        nargs="?",
        choices=list(_STREAMS),
        metavar="STREAM",
        help="only of this stream: " + ", ".join(_STREAMS),
    )
    command.add_argument("seq", nargs="?", type=_number, metavar="NUMBER", help="only this one")


def _events(command: argparse.ArgumentParser) -> None:
    command.add_argument("--miner", metavar="MAC|IP|HOSTNAME", help="only this miner's")
    _of_node(command)
    command.add_argument("--limit", type=_count, default=50, metavar="N", help="at most this many (50)")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or not 1 <= int(text) <= _MOST_ROWS:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1, got {text[:40]!r}")
    return int(text)


def _number(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        raise argparse.ArgumentTypeError(f"expected a number such as 3, got {text[:40]!r}")
    return int(text)


def _lifetime(text: str) -> float:
    number, unit = text[:-1], {"d": 86_400.0, "h": 3600.0}.get(text[-1:])
    if unit is None or not number.isascii() or not number.isdecimal() or not 0 < int(number[:9]) <= 36_500:
        raise argparse.ArgumentTypeError(f"expected days or hours such as 90d or 12h, got {text[:40]!r}")
    return int(number) * unit


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= _LONGEST_WAIT_S:
        raise argparse.ArgumentTypeError(f"expected seconds from 0 to {_LONGEST_WAIT_S:g}, got {text[:40]!r}")
    return seconds


if __name__ == "__main__":
    raise SystemExit(main())
