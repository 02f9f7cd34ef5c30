"""From hivectl's command line to an exit code: 0 done, 1 failed, 2 wrong usage, 78 bad config or wrong schema."""

from __future__ import annotations

# What is imported up here is paid for by every --version and --help; a command brings the rest.
import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from hived import __version__
from hived.cli import argument_types

COMPLETION = "completion"
SHELLS = ("bash", "zsh", "fish")
ROLES = ("viewer", "operator", "admin")
AREAS = ("miners", "collecting", "nodes", "site", "access")

_STREAMS = ("contributions", "miners", "status", "events", "fleet", "facts")
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


COLUMN_NAMES = (
    "state", "address", "model", "hashrate_ths", "percent", "power_w", "efficiency_j_per_th", "chip_temp_c", "preset",
    "parts", "last_error", "seen", "hostname", "mac", "firmware", "pool", "managed",
)  # fmt: skip
"""Of `hivectl miners list`, in the order of its table."""


def main(argv: Sequence[str] | None = None, *, clock: Callable[[], float] = time.time) -> int:
    """Run one command and return its exit code. `clock` gives UTC epoch seconds."""
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:  # --help, --version, wrong usage
        return end.code if isinstance(end.code, int) else 1
    if args.run == COMPLETION:  # needs no configuration, and must not fail for a bad one
        from hived.cli.completion import script

        sys.stdout.write(script(args.shell))
        return 0
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
    _command(
        nouns, "status", "status:status",
        "how this site is doing, at a glance (the words: hivectl legend); exits with 1 when a daemon, this box, a miner"
        " or a node needs a look",
    )  # fmt: skip
    _command(nouns, "doctor", "doctor:doctor", "what works on this box and what does not, with the next step")
    _miners(nouns)
    _command(
        nouns, "events", "events:events", "what happened, newest first",
        _arg("--miner", metavar="MAC|IP|HOSTNAME", help="only this miner's"), _NODE,
        _arg("--kind", metavar="K", help="only this kind, such as miner_offline"),
        _arg("--since", type=argument_types.since, metavar="T",
             help="only since then: 30m, 12h, 7d, or 2026-01-31T12:00:00Z"),
        _limit(50),
        _arg("--follow", action="store_true", help="oldest first, then wait for more until Ctrl-C"),
    )  # fmt: skip
    _command(nouns, "legend", "legend:print_legend", "what the words for miners and losses mean")
    _command(nouns, "peers", "peers:list_peers", "other boxes of the fleet that zeroconf shows")
    _collecting(nouns)
    _access(nouns)
    _nodes(nouns)
    _appliance(nouns)
    return top


_Group: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001 - it has no public name


class _Argument(NamedTuple):
    """What `add_argument` takes."""

    names: tuple[str, ...]
    rest: dict[str, Any]


class _OneOf(NamedTuple):
    """Arguments of which a command takes one at the most, or exactly one when it is `required`."""

    arguments: tuple[_Argument, ...]
    required: bool = False


def _arg(*names: str, **rest: Any) -> _Argument:
    return _Argument(names, rest)


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
    group: _Group, name: str, run: str, text: str, *arguments: _Argument | _OneOf, opens: str | None = None
) -> None:
    """`opens`: what opens the argument `file`, before the superuser becomes somebody else."""
    command = group.add_parser(name, help=text, description=text, allow_abbrev=False)
    _common(command, config=argparse.SUPPRESS, json=argparse.SUPPRESS)
    command.set_defaults(run=run, opens=opens)
    for one in arguments:
        if isinstance(one, _OneOf):
            either = command.add_mutually_exclusive_group(required=one.required)
            for argument in one.arguments:
                either.add_argument(*argument.names, **argument.rest)
        else:
            command.add_argument(*one.names, **one.rest)


_NODE = _arg("--node", metavar="NODE_ID|NAME", help="only what this node of the fleet reports")
_ID = _arg("id", type=argument_types.number, metavar="ID", help="as its list names it")


def _limit(rows: int | None = None) -> _Argument:
    most = f"at most this many ({rows})" if rows else "at most this many lines"
    return _arg("--limit", type=argument_types.count, default=rows, metavar="N", help=most)


def _password(whose: str, *, required: bool) -> _OneOf:
    """No option takes the password itself: the command line is in the process list and in the shell's history."""
    return _OneOf(
        (
            _arg("--password-stdin", action="store_true", help=f"read {whose} from the first line of stdin"),
            _arg("--password-prompt", action="store_true", help=f"ask for {whose}"),
        ),
        required,
    )


def _miners(nouns: _Group) -> None:
    group = _noun(nouns, "miners", "list, show, find and set up miners")
    keys = "; ".join(f"{key}: {text}" for key, text in SORT_KEYS.items())
    _command(
        group, "list", "miners:list_miners", "a line for each miner",
        _arg("words", nargs="*", help="only miners with all of these in address, MAC, name, error, pool, ..."),
        _arg("--state", metavar="S", help="only miners in this state: mining, failure, silent, offline, ..."),
        _arg("--model", metavar="M", help="only this model, by alias (s19jpro) or name"),
        _NODE,
        _arg("--firmware", metavar="F", help="only this family or version, such as 1.2.6, or 1.2 for all of them"),
        _arg("--preset", metavar="P", help="only miners at this preset"),
        _arg("--pool", metavar="P", help="only miners with this in the URL of a pool of theirs"),
        _arg("--worker", metavar="W", help="only miners with this in the account or worker of a pool of theirs"),
        _OneOf((
            _arg("--managed", dest="managed", action="store_true", default=None, help="only miners that hived steers"),
            _arg("--unmanaged", dest="managed", action="store_false", help="only miners that hived only reads"),
        )),
        _arg("--offline", action="store_true", help="only miners that no longer answer"),
        _arg("--failing", action="store_true", help="only miners whose last poll failed"),
        _arg("--sort", choices=list(SORT_KEYS), default="address", metavar="KEY", help=keys),
        _arg("--columns", metavar="A,B,...", help=f"these columns, in this order: {', '.join(COLUMN_NAMES)}"),
        _arg("--csv", action="store_true", help="comma-separated values with a line of names, for programs"),
        _limit(),
    )  # fmt: skip
    _command(
        group, "show", "miner_show:show", "all that is known of one miner", _arg("miner", metavar="MAC|IP|HOSTNAME")
    )
    _command(
        group, "scan", "scan:scan", "let hive-discoverd look for miners now",
        _arg("targets", nargs="*", metavar="TARGET",
             help="address or network such as 192.168.1.0/24; none: all configured networks"),
        _arg("--wait", type=argument_types.seconds, default=60.0, metavar="S",
             help="seconds to wait for the result (60; 0: do not wait)"),
        _arg("--node", metavar="NODE_ID|NAME", help="let this node of the fleet look, not this box"),
        _arg("--outside", action="store_true", help="also what is not in network.subnets; without it, this is asked"),
    )  # fmt: skip
    _command(
        group, "set", "miner_set:change", "set whether hived steers a miner, or its unlock password",
        _arg("miners", nargs="+", metavar="MAC|IP"),
        _OneOf((
            _arg("--managed", dest="managed", action="store_true", default=None, help="hived steers it"),
            _arg("--unmanaged", dest="managed", action="store_false", help="hived only reads it"),
        )),
        _password("the miner's unlock password", required=False),
    )  # fmt: skip
    _command(
        group, "agree", "miner_agree:agree", "say that what answers with a miner's MAC at an address is that miner",
        _arg("miner", metavar="MAC|IP", help="the miner, which then gets its key and its password there"),
        _arg("--at", metavar="IP", help="the address (default: where it is)"),
    )  # fmt: skip
    _command(
        group, "remove", "miner_remove:remove", "forget miners that are gone for good, with their history",
        _arg("miners", nargs="+", metavar="MAC|IP", help="miners that are offline"),
    )  # fmt: skip
    _command(
        group, "merge", "miner_remove:merge", "let a machine with a new control board keep its history",
        _arg("old", metavar="OLD", help="MAC or last address of the miner that is offline since"),
        _arg("new", metavar="NEW", help="MAC or address that it has now"),
    )  # fmt: skip
    group = _noun(nouns, "pools", "the pools that miners may mine at: list, allow and remove them")
    _command(group, "list", "pools:list_pools", "what is allowed, and where the miners mine")
    _command(
        group, "allow", "pools:allow", "allow a pool; a miner with any other pool in a slot needs a look then",
        _arg("url", metavar="URL", help="host, host:port or URL; * stands for anything, as in *.pool.example"),
        _arg("--worker", metavar="W", help="only for this account and its workers, such as a wallet's address"),
    )  # fmt: skip
    _command(
        group, "remove", "pools:remove", "stop allowing a pool",
        _arg("entry", metavar="ID|URL", help="as `hivectl pools list` has it"),
    )  # fmt: skip
    group = _noun(nouns, "models", "miner models and how far hived may drive them")
    _command(group, "list", "models:list_models", "a line for each model")
    _command(
        group, "set", "models:change", "set the highest preset that hived may choose for a model",
        _arg("alias", metavar="ALIAS", help="as `hivectl models list` names it"),
        _OneOf((
            _arg("--max-preset", metavar="NAME", help="nothing above this one, as the miner names it"),
            _arg("--no-max-preset", action="store_true", help="no limit"),
        ), required=True),
    )  # fmt: skip


def _collecting(nouns: _Group) -> None:
    group = _noun(nouns, "sources", "where the auto-miner collects: list, add and remove, start and stop")
    _command(group, "list", "sources:list_sources", "a line for each source, and what the auto-miner does")
    kinds = "met, artic, cleveland, rijksmuseum, commons or web"
    _command(
        group, "add", "sources:add", "add a museum's open-access API or web pages",
        _arg("name", metavar="NAME", help="what it is called here"),
        _arg("url", metavar="URL", help="its base URL: that of the API, a page or a sitemap"),
        _arg("--kind", metavar="K", help=f"{kinds} (default: detected from the URL)"),
    )  # fmt: skip
    _command(group, "remove", "sources:remove", "remove a source; its artifacts stay", _ID)
    only = _arg("id", nargs="?", type=argument_types.number, metavar="ID", help="only this source, and once")
    _command(group, "start", "sources:start", "start the auto-miner, or visit one source once", only)
    _command(group, "stop", "sources:stop", "stop the auto-miner")
    group = _noun(nouns, "artifacts", "what the auto-miner collected")
    words = _arg("words", nargs="*", help="only artifacts with all of these in title, maker, description, ...")
    _command(
        group, "list", "artifacts:list_artifacts", "a line for each artifact, newest first", words, _NODE, _limit(50)
    )
    _command(group, "show", "artifacts:show", "all that is known of one artifact", _ID)
    group = _noun(nouns, "model", "the language model that describes artifacts")
    _command(group, "status", "model:status", "say whether it can be asked")
    _command(group, "pull", "model:pull", "let Ollama fetch it")


def _access(nouns: _Group) -> None:
    group = _noun(nouns, "users", "who may log in: add, list and remove users, change passwords and roles")
    name, password = _arg("name", metavar="NAME"), _password("the password", required=True)
    role = _arg("--role", choices=ROLES, required=True, help="what they may do")
    _command(group, "add", "users:add", "make a user", name, role, password)
    _command(group, "passwd", "users:passwd", "give a user another password", name, password)
    _command(group, "set", "users:change", "give a user another role", name, role)
    _command(group, "list", "users:list_users", "a line for each user")
    _command(group, "remove", "users:remove", "remove a user and log them out", name)
    _command(
        nouns,
        "login-link",
        "login_link:print_link",
        "print a link that logs a browser on this machine in as admin, once",
    )
    group = _noun(nouns, "token", "API tokens: create, list and revoke them")
    _command(
        group, "create", "tokens:create", "make a token and print it, once",
        _arg("name", metavar="NAME", help="what it is for"),
        _arg("--role", choices=ROLES, required=True, help="what it may do"),
        _arg("--expires", type=argument_types.lifetime, metavar="90d", help="it expires after this many d or h"),
        _arg("--scope", action="append", choices=AREAS, help="only this part of the API; may be repeated"),
    )  # fmt: skip
    _command(group, "list", "tokens:list_tokens", "a line for each token")
    _command(group, "revoke", "tokens:revoke", "end a token at once", _arg("token", metavar="ID|NAME"))


def _nodes(nouns: _Group) -> None:
    group = _noun(nouns, "nodes", "the nodes of this master: list, approve, revoke, add and remove them")
    node = _arg("node", metavar="NODE_ID|NAME", help="as `hivectl nodes list` names it")
    phrase = _arg("phrase", metavar="PHRASE", nargs="?", help="what the node logs; needed when several wait")
    _command(group, "list", "nodes:list_nodes", "a line for each node, and the phrases of those that wait")
    _command(group, "approve", "nodes:approve", "admit a node that is waiting", node, phrase)
    _command(
        group, "refuse", "nodes:refuse", "refuse a node that is waiting, or all that wait",
        _arg("node", metavar="NODE_ID|NAME", nargs="?", help="as `hivectl nodes list` names it"),
        _arg("phrase", metavar="PHRASE", nargs="?", help="only the key with this phrase"),
        _arg("--all", action="store_true", help="drop every request: strangers may have sent them"),
    )  # fmt: skip
    _command(group, "revoke", "nodes:revoke", "accept nothing more from a node", node)
    _command(group, "remove", "nodes:remove", "forget a node, its keys and the miners that it brought", node)
    _command(
        group, "add", "nodes:add", "add an external collector and print its key once",
        _arg("node", metavar="NODE_ID", help="what it calls itself"),
        _arg("--name", required=True, metavar="NAME", help="what it is called here"),
    )  # fmt: skip
    _command(
        nouns, "enroll-code", "nodes:enroll_code", "print a code with which one node joins this master",
        _arg("--node", metavar="NODE_ID|NAME", help="for this one alone, which is known already and joins anew"),
    )  # fmt: skip
    _command(
        nouns, "join", "uplink:join", "let this node join a master",
        _arg("url", metavar="URL", help="where the master's dashboard is, such as https://192.168.1.2:8080"),
        _arg(
            "code", metavar="CODE|PHRASE", nargs="?",
            help="from `hivectl enroll-code`; without one, a person approves it and the phrase is compared",
        ),
        _arg("--plain", action="store_true", help="also without TLS, to a master of 0.1.0: others can read all of it"),
    )  # fmt: skip
    _command(
        nouns,
        "secure",
        "uplink:secure",
        "switch to TLS with a master that was joined without it, and trust only its key",
    )
    _command(nouns, "leave", "uplink:leave", "forget the master: nothing is sent until `hivectl join`")
    _command(nouns, "rotate-key", "uplink:rotate_key", "change the key that this node shows to its master")
    _command(
        _noun(nouns, "sync", "what this node sends to its master"), "dead", "uplink:dead",
        "rows that the master rejected: list them, send them again or drop them",
        _arg("what", nargs="?", choices=["retry", "drop"], help="send them again, or drop them"),
        _arg("stream", nargs="?", choices=_STREAMS, metavar="STREAM",
             help="only of this stream: " + ", ".join(_STREAMS)),
        _arg("seq", nargs="?", type=argument_types.number, metavar="NUMBER", help="only this one"),
    )  # fmt: skip


def _appliance(nouns: _Group) -> None:
    config = _noun(nouns, "config", "the configuration")
    _command(
        config, "check", "config_check:check", "print what is in effect without secrets, or the line that is wrong"
    )
    _command(nouns, "migrate", "migrate:migrate", "create the database or bring its schema up to date")
    _command(
        nouns, "backup", "backup:backup", "write one file that restores this node, without stopping it",
        _arg("file", metavar="FILE", help="where to; - is standard output"),
        _arg("--without-keys", action="store_true", help="leave out the key file and the key of the certificate"),
        _arg("--force", action="store_true", help="replace a file that is there; without it, this is asked"),
        opens="backup:writable",
    )  # fmt: skip
    _command(
        nouns, "restore", "backup:restore", "bring this node back from such a file",
        _arg("file", metavar="FILE", help="of `hivectl backup`; - is standard input"),
        opens="backup:readable",
    )  # fmt: skip
    _command(
        nouns, "completion", COMPLETION, "print the script with which a shell completes these commands",
        _arg("shell", choices=SHELLS, help="such as `source <(hivectl completion bash)`"),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
