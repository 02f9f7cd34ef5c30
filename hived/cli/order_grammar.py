"""The part of hivectl's command line that is about orders to miners."""

from __future__ import annotations

from hived.cli import argument_types
from hived.cli.grammar import Argument, Group, OneOf, arg, command, noun

_WHICH = (
    arg("--miner", action="append", metavar="MAC|IP", help="this miner; may be repeated"),
    arg("--all", action="store_true", help="all miners"),
    arg("--model", metavar="ALIAS", help="miners of this model, as `hivectl models list` names it"),
    arg("--node", metavar="NODE_ID|NAME", help="miners of this node of the fleet"),
    arg("--group", metavar="NAME", help="miners of this group (hivectl miners set --group)"),
    arg("--tag", metavar="TAG", help="miners with this tag"),
    arg("--state", metavar="S", help="miners in this state: mining, stopped, failure, ..."),
)
_ASKED = OneOf((
    arg("--dry-run", action="store_true", help="only say what would happen, to each miner; nothing is kept"),
    arg("--yes", action="store_true", help="do not ask; without a terminal nothing is done without it"),
))  # fmt: skip
_HOW = (
    _ASKED,
    arg("--packet", type=argument_types.packet, metavar="N/S",
        help="ask so many miners of a group at a time, and so often: 10/5s (default: controld.packet_size and its"
             " intervals)"),
    arg("--expires", type=argument_types.number, metavar="SECONDS",
        help="miners not asked by then are left alone (3600)"),
    arg("--force", action="store_true", help="pass the rest after a change, and the limit of reboots"),
    arg("--wait", action="store_true",
        help="wait for the outcome; exits with 0 when every miner does it, and is seen to, or did it already, with 3"
             " when all that were asked do and others were left out"),
)  # fmt: skip
_WHEN = (
    arg("--plan", metavar="NAME", help="make a plan of it, carried out by the clock of this box"),
    arg("--at", type=argument_types.until, metavar="TIME", help="with --plan: once, then; a time or a span such as 2h"),
    arg(
        "--until",
        type=argument_types.until,
        metavar="TIME",
        help="with --plan: bring it back then; without --at it is done now",
    ),
    arg("--from", dest="from_", metavar="HH:MM", help="with --plan: at this time of each of --days"),
    arg("--to", metavar="HH:MM", help="with --from: bring it back then"),
    arg("--days", type=lambda text: text.split(","), metavar="mon,tue,...", help="with --from (every day)"),
    arg("--late", action="store_true", help="with --plan: also late, where the box was off at the time"),
)
_UNTUNED = arg("--untuned", action="store_true", help="also what a miner has not tuned: it then tunes for hours")
_ORDER = arg("id", type=argument_types.number, metavar="ID", help="as `hivectl orders list` has it")


def add(nouns: Group) -> None:
    """Add `hivectl do` and `hivectl orders`."""
    group = noun(nouns, "do", "give miners an order, which hive-controld carries out: docs/steering.md")

    def verb(name: str, text: str, *own: Argument | OneOf, opens: str | None = None) -> None:
        command(group, name, f"do:{name}", text, *own, *_WHICH, *_HOW, *_WHEN, opens=opens)

    verb("pause", "stop mining; the control board stays on")
    verb("resume", "go on mining")
    verb("restart", "restart the mining software")
    verb("reboot", "restart the control board")
    verb(
        "locate", "flash the lights, to find the miner in its rack",
        arg("--off", action="store_true", help="stop flashing"),
        arg("--seconds", type=argument_types.number, metavar="N", help="for so long (120)"),
    )  # fmt: skip
    verb("preset", "set the preset", arg("name", metavar="NAME", help="as the miner names it"), _UNTUNED)
    verb(
        "power", "set the power: of a miner that knows presets only, the highest one that takes no more",
        arg("watts", type=argument_types.number, metavar="WATTS"), _UNTUNED,
    )  # fmt: skip
    verb("dimmer", "set the share of full power", arg("percent", type=argument_types.number, metavar="PERCENT"))
    verb(
        "pools", "set pools, slot by slot; slots and passwords that are not named stay as they are",
        arg("file", metavar="FILE",
            help="YAML or JSON: a list of {url, user, password, slot}, the last two as needed; slots count from 1;"
                 " - is standard input"),
        opens="backup:readable",
    )  # fmt: skip
    verb(
        "cooling", "set how the fans are driven",
        arg("mode", choices=("auto", "manual", "immersion"), metavar="MODE", help="auto, manual or immersion"),
        arg("percent", nargs="?", type=argument_types.number, metavar="PERCENT", help="the duty of manual fans"),
        arg("--target", type=argument_types.number, dest="target_c", metavar="DEGREES",
            help="the temperature that auto aims at, in degrees Celsius (as it is)"),
    )  # fmt: skip
    verb(
        "restore", "write back what a kept version of the settings says of pools, preset and cooling",
        arg("version", type=argument_types.number, metavar="VERSION"),
    )  # fmt: skip
    plan = arg("plan", metavar="PLAN", help="its name or number, as `hivectl plans list` has them")
    group = noun(nouns, "plans", "orders by the clock; `hivectl do ... --plan` makes them")
    command(group, "list", "plans:list_plans", "a line for each plan, with what comes next")
    command(group, "on", "plans:switch_on", "let a plan go on with what comes next", plan)
    command(group, "off", "plans:switch_off", "let a plan rest", plan)
    command(group, "remove", "plans:remove", "forget a plan; what it has ordered goes on", plan)
    group = noun(nouns, "orders", "orders to miners: list, show, cancel and undo them")
    command(
        group, "list", "orders:list_orders", "a line for each order, newest first",
        arg("--limit", type=argument_types.count, default=20, metavar="N", help="at most this many (20)"),
    )  # fmt: skip
    command(group, "show", "orders:show", "what became of each miner of an order", _ORDER)
    command(
        group, "cancel", "orders:cancel", "ask no more miners; those that were asked are followed to the end", _ORDER
    )
    command(
        group, "undo", "orders:undo", "bring back, with another order, what an order has changed", _ORDER, _ASKED,
        arg("--wait", action="store_true", help="wait for the outcome, as `hivectl do` does"),
    )  # fmt: skip
