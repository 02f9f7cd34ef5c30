"""The part of hivectl's command line that is about alerts."""

from __future__ import annotations

import argparse
import math

from hived.cli import argument_types
from hived.cli.grammar import Argument, Group, OneOf, arg, command, noun

SEVERITIES = ("warn", "bad")


def decimal(text: str) -> float:
    """Return a number with or without a fraction."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise argparse.ArgumentTypeError(f"expected a number such as 95 or 7.5, got {text[:40]!r}")
    return found


def _span(name: str, what: str) -> Argument:
    return arg(name, type=argument_types.duration, metavar="SPAN", help=f"{what}: 90s, 5m, 1h")


_ID = arg("id", type=argument_types.number, metavar="ID", help="as `hivectl alerts list` has it")
_RULE = arg("rule", metavar="RULE", help="as `hivectl alerts rules` names it")
_CHANNEL = arg("name", metavar="CHANNEL", help="as `hivectl alerts channels` names it")
_SCOPE = (
    arg("--node", metavar="NODE_ID", help="only of this node"),
    arg("--model", metavar="ALIAS", help="only of miners of this model"),
    arg("--group", metavar="NAME", help="only of miners of this group"),
    arg("--tag", metavar="TAG", help="only of miners with this tag"),
)


def add(nouns: Group) -> None:
    """Add `hivectl alerts`."""
    group = noun(nouns, "alerts", "what is wrong, who has it in hand, and who is told of what: docs/alerts.md")
    command(
        group, "list", "alerts:list_alerts", "a line for each open alert, bad ones first",
        arg("--all", action="store_true", help="also those that are over, newest first"),
        arg("--limit", type=argument_types.count, default=20, metavar="N", help="of those at most this many (20)"),
    )  # fmt: skip
    command(group, "show", "alerts:show", "an alert whole: who is in it, what it explains, what was told to whom", _ID)
    command(group, "acknowledge", "alerts:acknowledge", "take an alert in hand: only its end is told now", _ID)
    command(
        group, "snooze", "alerts:snooze", "hear no more of an alert for a while, but of its end", _ID,
        arg("--until", type=argument_types.until, metavar="TIME",
            help="a span such as 4h (the default is 1h) or a time; a week at most"),
    )  # fmt: skip
    command(group, "rules", "alert_rules:list_rules", "a line for each rule")
    command(group, "signs", "alert_rules:list_signs", "what a rule can watch")
    command(
        group, "set", "alert_rules:change", "change a rule, or make one", _RULE,
        arg("--sign", metavar="SIGN", help="of a new rule: what it watches, as `hivectl alerts signs` names it"),
        OneOf((
            arg("--on", action="store_true", help="switch it on"), arg("--off", action="store_true", help="or off"),
        )),
        arg("--severity", choices=SEVERITIES, help="how bad it is"),
        OneOf((
            arg("--over", type=decimal, metavar="N", help="a number is wrong over this, in its unit"),
            arg("--under", type=decimal, metavar="N", help="or under this"),
        )),
        arg("--clear", type=decimal, metavar="N", help="it is well again here; the limit alone takes this along"),
        _span("--for", "it has to last so long"), _span("--clear-for", "it is over when it is gone for so long"),
        arg("--miners", type=argument_types.count, metavar="N", help="so many miners at once"),
        arg("--per-day", type=argument_types.count, metavar="N", help="notices of it in a day, at most"),
        arg("--everywhere", action="store_true", help="take back what it is only for"), *_SCOPE,
    )  # fmt: skip
    command(group, "reset", "alert_rules:reset", "make a rule as it came; one of your own goes", _RULE)
    command(
        group, "maintenance", "alert_windows:maintenance",
        "list when nobody is told, announce maintenance or quiet hours, or take them back",
        arg("name", nargs="?", metavar="NAME", help="without it: list them"),
        arg("--at", type=argument_types.until, metavar="TIME", help="once, from then (now)"),
        arg("--until", type=argument_types.until, metavar="TIME", help="once, until then; a time or a span such as 2h"),
        arg("--from", dest="from_", metavar="HH:MM", help="every week, from this time of each of --days"),
        arg("--to", metavar="HH:MM", help="with --from: to this time"),
        arg("--days", type=lambda text: text.split(","), metavar="mon,tue,...", help="with --from (every day)"),
        arg("--quiet", choices=SEVERITIES,
            help="quiet hours: what is no worse than this waits until they are over, and is told then"),
        arg("--remove", action="store_true", help="take it back"), *_SCOPE,
    )  # fmt: skip
    command(group, "channels", "alert_channels:list_channels", "the ways to people, masked, and what did not arrive")
    command(
        group, "test", "alert_channels:test", "send a message to each channel now; exits with 1 where one fails",
        arg("name", nargs="?", metavar="CHANNEL", help="only to this one"),
    )  # fmt: skip
    command(
        group, "add-channel", "alert_channels:add", "add a way to people; its address is an apprise URL", _CHANNEL,
        OneOf((
            arg("--url-stdin", action="store_true", help="read the address from the first line of stdin"),
            arg("--url-prompt", action="store_true", help="ask for it"),
        ), required=True),
        arg("--least", choices=SEVERITIES, default="warn", help="what is less is not told there (warn)"),
    )  # fmt: skip
    command(group, "remove-channel", "alert_channels:remove", "forget a way to people", _CHANNEL)
