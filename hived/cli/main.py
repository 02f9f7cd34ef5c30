"""From hivectl's command line to an exit code: 0 done, 1 failed, 2 wrong usage, 3 in part, 78 bad config or schema."""

from __future__ import annotations

# What is imported up here is paid for by every --version and --help; a command brings the rest.
import argparse
import sys
import time
from collections.abc import Callable, Sequence

from hived import __version__
from hived.cli import alert_grammar, argument_types, order_grammar
from hived.cli.grammar import Argument, Group, OneOf, arg, command, common, noun

COMPLETION = "completion"
SHELLS = ("bash", "zsh", "fish")
ROLES = ("viewer", "operator", "admin")
AREAS = ("miners", "collecting", "nodes", "site", "access", "steer", "metrics", "alerts")

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
    "group", "tags",
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
    common(top, config=None, json=False)
    nouns = top.add_subparsers(required=True, metavar="COMMAND")
    command(
        nouns, "status", "status:status",
        "how this site is doing, at a glance (the words: hivectl legend); exits with 1 when a daemon, this box, a miner"
        " or a node needs a look",
    )  # fmt: skip
    command(nouns, "doctor", "doctor:doctor", "what works on this box and what does not, with the next step")
    _miners(nouns)
    order_grammar.add(nouns)
    alert_grammar.add(nouns)
    command(
        nouns, "events", "events:events", "what happened, newest first",
        arg("--miner", metavar="MAC|IP|HOSTNAME", help="only this miner's"), _NODE,
        arg("--kind", metavar="K", help="only this kind, such as miner_offline"),
        arg("--since", type=argument_types.since, metavar="T",
             help="only since then: 30m, 12h, 7d, or 2026-01-31T12:00:00Z"),
        _limit(50),
        arg("--follow", action="store_true", help="oldest first, then wait for more until Ctrl-C"),
    )  # fmt: skip
    command(nouns, "legend", "legend:print_legend", "what the words for miners and losses mean")
    command(nouns, "peers", "peers:list_peers", "other boxes of the fleet that zeroconf shows")
    _collecting(nouns)
    _access(nouns)
    _nodes(nouns)
    _appliance(nouns)
    return top


_NODE = arg("--node", metavar="NODE_ID|NAME", help="only what this node of the fleet reports")
_ID = arg("id", type=argument_types.number, metavar="ID", help="as its list names it")


def _limit(rows: int | None = None) -> Argument:
    most = f"at most this many ({rows})" if rows else "at most this many lines"
    return arg("--limit", type=argument_types.count, default=rows, metavar="N", help=most)


def _either(name: str, with_value: Argument, without: str) -> OneOf:
    """Return an option that gives something, and the one with "un" before it that takes it away."""
    return OneOf((with_value, arg(f"--un{name}", action="store_true", help=without)))


def _password(whose: str, *, required: bool) -> OneOf:
    """No option takes the password itself: the command line is in the process list and in the shell's history."""
    return OneOf(
        (
            arg("--password-stdin", action="store_true", help=f"read {whose} from the first line of stdin"),
            arg("--password-prompt", action="store_true", help=f"ask for {whose}"),
        ),
        required,
    )


def _miners(nouns: Group) -> None:
    group = noun(nouns, "miners", "list, show, find and set up miners")
    keys = "; ".join(f"{key}: {text}" for key, text in SORT_KEYS.items())
    command(
        group, "list", "miners:list_miners", "a line for each miner",
        arg("words", nargs="*", help="only miners with all of these in address, MAC, name, error, pool, ..."),
        arg("--state", metavar="S", help="only miners in this state: mining, failure, silent, offline, ..."),
        arg("--model", metavar="M", help="only this model, by alias (s19jpro) or name"),
        _NODE,
        arg("--firmware", metavar="F", help="only this family or version, such as 1.2.6, or 1.2 for all of them"),
        arg("--preset", metavar="P", help="only miners at this preset"),
        arg("--pool", metavar="P", help="only miners with this in the URL of a pool of theirs"),
        arg("--worker", metavar="W", help="only miners with this in the account or worker of a pool of theirs"),
        OneOf((
            arg("--managed", dest="managed", action="store_true", default=None, help="only miners that hived steers"),
            arg("--unmanaged", dest="managed", action="store_false", help="only miners that hived only reads"),
        )),
        arg("--group", metavar="G", help="only miners of this group"),
        arg("--tag", metavar="T", help="only miners with this tag"),
        arg("--offline", action="store_true", help="only miners that no longer answer"),
        arg("--failing", action="store_true", help="only miners whose last poll failed"),
        arg("--sort", choices=list(SORT_KEYS), default="address", metavar="KEY", help=keys),
        arg("--columns", metavar="A,B,...", help=f"these columns, in this order: {', '.join(COLUMN_NAMES)}"),
        arg("--csv", action="store_true", help="comma-separated values with a line of names, for programs"),
        _limit(),
    )  # fmt: skip
    command(group, "show", "miner_show:show", "all that is known of one miner", arg("miner", metavar="MAC|IP|HOSTNAME"))
    command(
        group, "scan", "scan:scan", "let hive-discoverd look for miners now",
        arg("targets", nargs="*", metavar="TARGET",
             help="address or network such as 192.168.1.0/24; none: all configured networks"),
        arg("--wait", type=argument_types.seconds, default=60.0, metavar="S",
             help="seconds to wait for the result (60; 0: do not wait)"),
        arg("--node", metavar="NODE_ID|NAME", help="let this node of the fleet look, not this box"),
        arg("--outside", action="store_true", help="also what is not in network.subnets; without it, this is asked"),
    )  # fmt: skip
    command(
        group, "set", "miner_set:change",
        "set whether hived steers a miner, what it may do to it, its group and tags, or its unlock password",
        arg("miners", nargs="*", metavar="MAC|IP", help="these miners; or say which by the next four"),
        arg("--all", action="store_true", help="all miners"),
        arg("--model", metavar="ALIAS", help="miners of this model, as `hivectl models list` names it"),
        arg("--node", metavar="NODE_ID|NAME", help="miners of this node of the fleet"),
        arg("--in-group", metavar="NAME", help="miners that are in this group already"),
        OneOf((
            arg("--managed", dest="managed", action="store_true", default=None, help="hived steers it"),
            arg("--unmanaged", dest="managed", action="store_false", help="hived only reads it"),
        )),
        _either("group", arg("--group", metavar="NAME", help="its group: miners that share a breaker"), "no group"),
        arg("--tag", action="append", metavar="WORD", help="one more tag; may be repeated"),
        arg("--untag", action="append", metavar="WORD", help="one tag less; may be repeated"),
        _either("lock", arg("--lock", metavar="WHY", help="let it take no orders"), "let it take orders again"),
        _either(
            "protect", arg("--protect", metavar="WHY", help="let it take no orders that nobody gives by hand"),
            "let it take all orders again",
        ),
        arg("--until", type=argument_types.until, metavar="TIME",
             help="end of --lock and --protect: 12h, 7d, or 2026-01-31T12:00:00Z (default: until it is taken away)"),
        OneOf((
            arg("--min-preset", metavar="NAME", help="nothing below this one, as the miner names it"),
            arg("--no-min-preset", action="store_true", help="no limit of its own"),
        )),
        _password("the miner's unlock password", required=False),
    )  # fmt: skip
    command(
        group, "agree", "miner_agree:agree", "say that what answers with a miner's MAC at an address is that miner",
        arg("miner", metavar="MAC|IP", help="the miner, which then gets its key and its password there"),
        arg("--at", metavar="IP", help="the address (default: where it is)"),
    )  # fmt: skip
    command(
        group, "remove", "miner_remove:remove", "forget miners that are gone for good, with their history",
        arg("miners", nargs="+", metavar="MAC|IP", help="miners that are offline"),
    )  # fmt: skip
    command(
        group, "merge", "miner_remove:merge", "let a machine with a new control board keep its history",
        arg("old", metavar="OLD", help="MAC or last address of the miner that is offline since"),
        arg("new", metavar="NEW", help="MAC or address that it has now"),
    )  # fmt: skip
    group = noun(nouns, "pools", "the pools that miners may mine at: list, allow and remove them")
    command(group, "list", "pools:list_pools", "what is allowed, and where the miners mine")
    command(
        group, "allow", "pools:allow", "allow a pool; a miner with any other pool in a slot needs a look then",
        arg("url", metavar="URL", help="host, host:port or URL; * stands for anything, as in *.pool.example"),
        arg("--worker", metavar="W", help="only for this account and its workers, such as a wallet's address"),
    )  # fmt: skip
    command(
        group, "remove", "pools:remove", "stop allowing a pool",
        arg("entry", metavar="ID|URL", help="as `hivectl pools list` has it"),
    )  # fmt: skip
    group = noun(nouns, "webhooks", "programs that are told of events: list, add, change, test and remove them")
    command(group, "list", "webhooks:list_webhooks", "a line for each webhook")
    hook, kind = arg("name", metavar="NAME"), {"action": "append", "metavar": "KIND", "help": "may be repeated"}
    url = arg("url", metavar="URL", help="where events go; - reads it from the first line of stdin")
    command(group, "add", "webhooks:add", "tell a program of events from now on, and print its secret", hook, url,
            arg("--kind", **kind))  # fmt: skip
    command(
        group, "change", "webhooks:change", "change what a webhook gets", hook,
        OneOf((arg("--kind", **kind), arg("--all-kinds", action="store_true", help="all kinds of event"))),
        OneOf((arg("--on", action="store_true", help="again"), arg("--off", action="store_true", help="no more"))),
    )  # fmt: skip
    command(group, "test", "webhooks:test", "send a signed test now", hook)
    command(group, "remove", "webhooks:remove", "forget a webhook", hook)
    group = noun(nouns, "models", "miner models and how far hived may drive them")
    command(group, "list", "models:list_models", "a line for each model")
    command(
        group, "set", "models:change", "set the highest and the lowest preset that hived may choose for a model",
        arg("alias", metavar="ALIAS", help="as `hivectl models list` names it"),
        OneOf((
            arg("--max-preset", metavar="NAME", help="nothing above this one, as the miner names it"),
            arg("--no-max-preset", action="store_true", help="no highest one"),
        )),
        OneOf((
            arg("--min-preset", metavar="NAME", help="nothing below this one, as the miner names it"),
            arg("--no-min-preset", action="store_true", help="no lowest one"),
        )),
    )  # fmt: skip


def _collecting(nouns: Group) -> None:
    group = noun(nouns, "sources", "where the auto-miner collects: list, add and remove, start and stop")
    command(group, "list", "sources:list_sources", "a line for each source, and what the auto-miner does")
    kinds = "met, artic, cleveland, rijksmuseum, commons or web"
    command(
        group, "add", "sources:add", "add a museum's open-access API or web pages",
        arg("name", metavar="NAME", help="what it is called here"),
        arg("url", metavar="URL", help="its base URL: that of the API, a page or a sitemap"),
        arg("--kind", metavar="K", help=f"{kinds} (default: detected from the URL)"),
    )  # fmt: skip
    command(group, "remove", "sources:remove", "remove a source; its artifacts stay", _ID)
    only = arg("id", nargs="?", type=argument_types.number, metavar="ID", help="only this source, and once")
    command(group, "start", "sources:start", "start the auto-miner, or visit one source once", only)
    command(group, "stop", "sources:stop", "stop the auto-miner")
    group = noun(nouns, "artifacts", "what the auto-miner collected")
    words = arg("words", nargs="*", help="only artifacts with all of these in title, maker, description, ...")
    command(
        group, "list", "artifacts:list_artifacts", "a line for each artifact, newest first", words, _NODE, _limit(50)
    )
    command(group, "show", "artifacts:show", "all that is known of one artifact", _ID)
    group = noun(nouns, "model", "the language model that describes artifacts")
    command(group, "status", "model:status", "say whether it can be asked")
    command(group, "pull", "model:pull", "let Ollama fetch it")


def _access(nouns: Group) -> None:
    group = noun(nouns, "users", "who may log in: add, list and remove users, change passwords and roles")
    name, password = arg("name", metavar="NAME"), _password("the password", required=True)
    role = arg("--role", choices=ROLES, required=True, help="what they may do")
    command(group, "add", "users:add", "make a user", name, role, password)
    command(group, "passwd", "users:passwd", "give a user another password", name, password)
    command(group, "set", "users:change", "give a user another role", name, role)
    command(group, "list", "users:list_users", "a line for each user")
    command(group, "remove", "users:remove", "remove a user and log them out", name)
    command(
        nouns,
        "login-link",
        "login_link:print_link",
        "print a link that logs a browser on this machine in as admin, once",
    )
    group = noun(nouns, "token", "API tokens: create, list and revoke them")
    command(
        group, "create", "tokens:create", "make a token and print it, once",
        arg("name", metavar="NAME", help="what it is for"),
        arg("--role", choices=ROLES, required=True, help="what it may do"),
        arg("--expires", type=argument_types.lifetime, metavar="90d", help="it expires after this many d or h"),
        arg("--scope", action="append", choices=AREAS, help="only this part of the API; may be repeated"),
    )  # fmt: skip
    command(group, "list", "tokens:list_tokens", "a line for each token")
    command(group, "revoke", "tokens:revoke", "end a token at once", arg("token", metavar="ID|NAME"))


def _nodes(nouns: Group) -> None:
    group = noun(nouns, "nodes", "the nodes of this master: list, approve, revoke, add and remove them")
    node = arg("node", metavar="NODE_ID|NAME", help="as `hivectl nodes list` names it")
    phrase = arg("phrase", metavar="PHRASE", nargs="?", help="what the node logs; needed when several wait")
    command(group, "list", "nodes:list_nodes", "a line for each node, and the phrases of those that wait")
    command(group, "approve", "nodes:approve", "admit a node that is waiting", node, phrase)
    command(
        group, "refuse", "nodes:refuse", "refuse a node that is waiting, or all that wait",
        arg("node", metavar="NODE_ID|NAME", nargs="?", help="as `hivectl nodes list` names it"),
        arg("phrase", metavar="PHRASE", nargs="?", help="only the key with this phrase"),
        arg("--all", action="store_true", help="drop every request: strangers may have sent them"),
    )  # fmt: skip
    command(group, "revoke", "nodes:revoke", "accept nothing more from a node", node)
    command(group, "remove", "nodes:remove", "forget a node, its keys and the miners that it brought", node)
    command(
        group, "add", "nodes:add", "add an external collector and print its key once",
        arg("node", metavar="NODE_ID", help="what it calls itself"),
        arg("--name", required=True, metavar="NAME", help="what it is called here"),
    )  # fmt: skip
    command(
        nouns, "enroll-code", "nodes:enroll_code", "print a code with which one node joins this master",
        arg("--node", metavar="NODE_ID|NAME", help="for this one alone, which is known already and joins anew"),
    )  # fmt: skip
    command(
        nouns, "join", "uplink:join", "let this node join a master",
        arg("url", metavar="URL", help="where the master's dashboard is, such as https://192.168.1.2:8080"),
        arg(
            "code", metavar="CODE|PHRASE", nargs="?",
            help="from `hivectl enroll-code`; without one, a person approves it and the phrase is compared",
        ),
        arg("--plain", action="store_true", help="also without TLS, to a master of 0.1.0: others can read all of it"),
    )  # fmt: skip
    command(
        nouns,
        "secure",
        "uplink:secure",
        "switch to TLS with a master that was joined without it, and trust only its key",
    )
    command(nouns, "leave", "uplink:leave", "forget the master: nothing is sent until `hivectl join`")
    command(nouns, "rotate-key", "uplink:rotate_key", "change the key that this node shows to its master")
    command(
        noun(nouns, "sync", "what this node sends to its master"), "dead", "uplink:dead",
        "rows that the master rejected: list them, send them again or drop them",
        arg("what", nargs="?", choices=["retry", "drop"], help="send them again, or drop them"),
        arg("stream", nargs="?", choices=_STREAMS, metavar="STREAM",
             help="only of this stream: " + ", ".join(_STREAMS)),
        arg("seq", nargs="?", type=argument_types.number, metavar="NUMBER", help="only this one"),
    )  # fmt: skip


def _appliance(nouns: Group) -> None:
    config = noun(nouns, "config", "the configuration")
    command(config, "check", "config_check:check", "print what is in effect without secrets, or the line that is wrong")
    command(nouns, "migrate", "migrate:migrate", "create the database or bring its schema up to date")
    command(
        nouns, "backup", "backup:backup", "write one file that restores this node, without stopping it",
        arg("file", metavar="FILE", help="where to; - is standard output"),
        arg("--without-keys", action="store_true", help="leave out the key file and the key of the certificate"),
        arg("--force", action="store_true", help="replace a file that is there; without it, this is asked"),
        opens="backup:writable",
    )  # fmt: skip
    command(
        nouns, "restore", "backup:restore", "bring this node back from such a file",
        arg("file", metavar="FILE", help="of `hivectl backup`; - is standard input"),
        opens="backup:readable",
    )  # fmt: skip
    command(
        nouns, "completion", COMPLETION, "print the script with which a shell completes these commands",
        arg("shell", choices=SHELLS, help="such as `source <(hivectl completion bash)`"),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
