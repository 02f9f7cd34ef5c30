"""man_pages.py TREE FOLDER: write the man pages of hived in TREE into FOLDER/man1, man5 and man8.

Options and commands come from the programs' own parsers, the configuration from its table and from etc/hived.yaml, so
that no page is older than its program; man_words.py has the prose. TREE need not be of this machine's processor: of the
libraries only what is plain Python is imported.

Refused: help2man knows one --help and no subcommands; argparse-manpage gives no summary for whatis, repeats --config
and --json under each of hivectl's 40 commands, and is another version on Debian 13. Neither knows hived.yaml.
"""

from __future__ import annotations

import argparse
import ast
import os
import re
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import man_words as words

ROOT = Path(__file__).resolve().parent.parent
_SILENT = (argparse.SUPPRESS, None)
_LONGEST_CHOICE = 60  # a longer one is in the help text


def main(tree: Path, folder: Path) -> int:
    """Write every page."""
    sys.path.insert(0, str(tree))
    from hived.cli.main import parser as hivectl
    from hived.daemons import entry
    from hived.records.daemon import DAEMONS
    from hived.simulator.main import parser as hive_sim

    pages = {"hivectl.8": _hivectl(hivectl()), "hive-sim.1": _hive_sim(hive_sim()), "hived.yaml.5": _hived_yaml()}
    for daemon in DAEMONS:
        docstring = ast.get_docstring(ast.parse((tree / f"hived/daemons/{daemon.function}.py").read_text("utf-8")))
        pages[f"{daemon.name}.8"] = _daemon(daemon.name, entry.parser(daemon), docstring)
    for name, page in pages.items():
        to = folder / f"man{name[-1]}" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_text(page, "utf-8")
    return 0


# -- the pages ---------------------------------------------------------------------------------------------------------


def _daemon(name: str, parser: argparse.ArgumentParser, docstring: str) -> str:
    unit = (ROOT / f"systemd/{name}.service").read_text()
    found = re.search(r"^Description=hived: (.+)$", unit, re.MULTILINE)
    if found is None:
        raise SystemExit(f"systemd/{name}.service does not say what it is for")
    return _page(
        name, 8, found[1],
        SYNOPSIS=_synopsis(parser),
        DESCRIPTION=_prose(docstring.partition("\n")[2] + "\n" + words.OF_EVERY_DAEMON.replace("NAME", name)),
        OPTIONS=_options(_shown(parser)),
        SIGNALS=_list(words.SIGNALS),
        EXIT_STATUS=_list(words.DAEMON_EXITS),
        ENVIRONMENT=_list(words.ENVIRONMENT),
        FILES=_list(words.FILES | {f"/usr/lib/systemd/system/{name}.service": "The unit."} | words.SHARED_UNIT),
        SEE_ALSO=_see_also(name),
    )  # fmt: skip


def _hivectl(parser: argparse.ArgumentParser) -> str:
    return _page(
        "hivectl", 8, _lower(parser.description),
        SYNOPSIS=_synopsis(parser),
        DESCRIPTION=_prose(words.HIVECTL),
        OPTIONS=_options(_shown(parser)),
        COMMANDS=_commands(parser, {option for action in _shown(parser) for option in action.option_strings}),
        EXIT_STATUS=_list(words.HIVECTL_EXITS),
        ENVIRONMENT=_list(words.ENVIRONMENT),
        FILES=_list(words.FILES),
        EXAMPLES=_list(words.HIVECTL_EXAMPLES),
        SEE_ALSO=_see_also("hivectl"),
    )  # fmt: skip


def _hive_sim(parser: argparse.ArgumentParser) -> str:
    return _page(
        "hive-sim", 1, _lower(parser.description),
        SYNOPSIS=_synopsis(parser),
        DESCRIPTION=_prose(words.HIVE_SIM),
        OPTIONS=_options(_shown(parser)),
        COMMANDS=_commands(parser, {"-h", "--help"}),
        EXIT_STATUS=_list(words.HIVE_SIM_EXITS),
        EXAMPLES=_list(words.HIVE_SIM_EXAMPLES),
        SEE_ALSO=_see_also("hive-sim"),
    )  # fmt: skip


def _hived_yaml() -> str:
    from hived.records.daemon import DAEMONS
    from hived.runtime.options import BY_NAME, SECTIONS

    told = dict(_reasons((ROOT / "etc/hived.yaml").read_text()))
    body = []
    for section, options in SECTIONS.items():
        body.append(f".SS {section}")
        for option in options:
            default, reason, installed = told[option.name]
            doors = [option.env, *filter(None, [option.inherited_env])]
            if option.flag:
                only = [daemon.name for daemon in DAEMONS if option.flag in daemon.flags]
                doors.append(f"{option.flag} of {', '.join(only) or 'each daemon'}")
            body += [
                ".TP", f".BR {_literal(option.name)} \" (default: \" {_quoted(default)} )",
                _text(reason),
                ".br", _text(f"Takes {BY_NAME[option.name].kind.expected}. Also: {', '.join(doors)}."),
            ]  # fmt: skip
            if installed:
                body += [".br", _text(f"The file that the package installs says {installed}.")]
    return _page(
        "hived.yaml", 5, "configuration of hived",
        SYNOPSIS="\n.br\n".join(f".I {_literal(path)}" for path in words.CONFIGURATION),
        DESCRIPTION=_prose(words.HIVED_YAML),
        OPTIONS="\n".join(body),
        EXAMPLES=_prose(words.HIVED_YAML_EXAMPLE),
        FILES=_list(words.FILES),
        SEE_ALSO=_see_also("hived.yaml"),
    )  # fmt: skip


def _reasons(sample: str) -> Iterator[tuple[str, tuple[str, str, str]]]:
    """Yield the full name of each option with its default, the comment above it, and what the file itself says."""
    section, comment, last = "", [], ("", ("", "", ""))
    for line in sample.splitlines():
        if match := re.fullmatch(r"(\w+):", line):
            section = match[1]
        elif match := re.fullmatch(r"  # (.+)", line):
            comment.append(match[1])
        elif match := re.fullmatch(r"  #(\w+): (.+)", line):
            if last[0]:
                yield last
            last, comment = (f"{section}.{match[1]}", (match[2], " ".join(comment), "")), []
        elif match := re.fullmatch(r"  (\w+): (.+)", line):
            name, (default, reason, _) = last
            assert name == f"{section}.{match[1]}", line
            last = (name, (default, reason, match[2]))
        else:
            comment = []
    yield last


# -- what a parser says ------------------------------------------------------------------------------------------------


def _shown(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    return [action for action in parser._actions if not _is_group(action)]


def _is_group(action: argparse.Action) -> bool:
    return isinstance(action, argparse._SubParsersAction)


def _commands(parser: argparse.ArgumentParser, common: set[str]) -> str:
    """Describe every command below a parser; `common` options were described before."""
    return "\n".join(_below(parser, common))


def _below(parser: argparse.ArgumentParser, common: set[str]) -> Iterator[str]:
    (group,) = (action for action in parser._actions if _is_group(action))
    summaries = {choice.dest: _sentence(choice.help or "") for choice in group._choices_actions}
    # What has commands below it gets a heading, so what has none must come first.
    for name, command in sorted(group.choices.items(), key=lambda one: any(map(_is_group, one[1]._actions))):
        if any(map(_is_group, command._actions)):
            yield f".SS {_literal(command.prog)}\n{_text(summaries[name])}"
            yield from _below(command, common)
            continue
        own = [action for action in _shown(command) if not common.intersection(action.option_strings)]
        yield f".TP\n{_usage(command, own)}\n{_text(summaries[name])}"
        described = [action for action in own if action.help not in _SILENT]
        if described:
            yield f".RS\n{_options(described)}\n.RE"


def _synopsis(parser: argparse.ArgumentParser) -> str:
    return _usage(parser, [action for action in parser._actions if "-h" not in action.option_strings])


def _usage(parser: argparse.ArgumentParser, actions: Iterable[argparse.Action]) -> str:
    """One line: the command in bold, what stands for something else in italics."""
    actions = list(actions)
    groups = {action: group for group in parser._mutually_exclusive_groups for action in group._group_actions}
    parts, done = [f"\\fB{_literal(parser.prog)}\\fR"], set()
    for action in sorted(actions, key=lambda one: not one.option_strings):  # the options first, as in --help
        group = groups.get(action)
        if group is None:
            part = _piece(action)
            parts.append(part if action.required or not action.option_strings else f"[{part}]")
        elif group not in done:
            done.add(group)
            choice = " | ".join(_piece(one) for one in group._group_actions)
            parts.append(f"{{{choice}}}" if group.required else f"[{choice}]")
    return " ".join(parts)


def _piece(action: argparse.Action) -> str:
    value = _value(action)
    if not action.option_strings:
        return {"*": f"[{value} ...]", "?": f"[{value}]", "+": f"{value} ...", "A...": f"{value} ..."}.get(
            str(action.nargs), value
        )
    name = f"\\fB{_literal(action.option_strings[-1])}\\fR"
    return name if action.nargs == 0 else f"{name} {value}"


def _value(action: argparse.Action) -> str:
    if action.metavar is not None:
        return f"\\fI{_literal(str(action.metavar))}\\fR"
    choices = ",".join(str(one) for one in action.choices or ())
    if 0 < len(choices) <= _LONGEST_CHOICE and not _is_group(action):
        return f"{{{_literal(choices)}}}"
    return f"\\fI{_literal(action.dest.upper() if action.option_strings else action.dest)}\\fR"


def _options(actions: Iterable[argparse.Action]) -> str:
    return "\n".join(f".TP\n{_heads(action)}\n{_text(_help(action))}" for action in actions)


def _heads(action: argparse.Action) -> str:
    if not action.option_strings:
        return _value(action)
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(f"\\fB{_literal(one)}\\fR{value}" for one in action.option_strings)


def _help(action: argparse.Action) -> str:
    if "--help" in action.option_strings:
        return "Print a summary of the command and its options."
    if "--version" in action.option_strings:
        return "Print the version."
    return _sentence((action.help or "").replace("%%", "%"))


def _lower(text: str | None) -> str:
    text = (text or "").rstrip(".")
    return text[:1].lower() + text[1:]


def _sentence(text: str) -> str:
    """Make a fragment one: a capital, unless it begins with a word of the program's own, and a full stop."""
    if re.match(r"[a-z]+ ", text) and not re.match(r"hive|[a-z_]+(, [a-z_]+)*: ", text):
        text = text[0].upper() + text[1:]
    return f"{text}." if text[-1:].isalnum() or text[-1:] in "`%)" else text


# -- roff --------------------------------------------------------------------------------------------------------------


def _page(name: str, section: int, summary: str, **parts: str) -> str:
    """Put a page together; the date is that of the build, where one is set."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    date = datetime.fromtimestamp(int(epoch), UTC).strftime("%Y-%m-%d") if epoch else ""
    version = re.search(r'__version__ = "(.+)"', (ROOT / "hived/__init__.py").read_text())[1]
    lines = [f'.TH {name.upper()} {section} "{date}" "hived {version}" "hived"', ".nh", ".ad l", ".SH NAME"]
    lines.append(f"{_literal(name)} \\- {_inline(summary)}")
    for heading, body in parts.items():
        lines += [f".SH {heading.replace('_', ' ')}", body]
    return "\n".join(lines) + "\n"


def _see_also(name: str) -> str:
    from hived.records.daemon import DAEMONS

    others = {"hivectl": 8, "hive-sim": 1, "hived.yaml": 5} | {daemon.name: 8 for daemon in DAEMONS}
    others |= dict.fromkeys(("systemctl", "journalctl"), 1)
    refs = sorted((section, other) for other, section in others.items() if other != name)
    return " ,\n".join(f".BR {_literal(other)} ({section})" for section, other in refs)


def _list(items: dict[str, str]) -> str:
    return "\n".join(f".TP\n\\fB{_literal(head)}\\fR\n{_text(text)}" for head, text in items.items())


def _prose(text: str) -> str:
    """Turn paragraphs into roff; indented ones are shown as they are."""
    out = []
    for paragraph in re.split(r"\n\s*\n", text.strip("\n")):
        if paragraph.startswith("    "):
            shown = "\n".join(_literal(line[4:]) for line in paragraph.splitlines())
            out.append(f".PP\n.RS 4\n.nf\n{shown}\n.fi\n.RE")
        else:
            out.append(f".PP\n{_text(' '.join(paragraph.split()))}")
    return "\n".join(out).removeprefix(".PP\n")


def _text(text: str) -> str:
    """One sentence a line, as roff likes it."""
    return "\n".join(_inline(sentence) for sentence in re.split(r"(?<=[.?]) (?=[A-Z])", text))


def _inline(text: str) -> str:
    """`bold`; a page's name with its section is bold as well."""
    text = re.sub(r"`([^`]+)`", "\x01\\1\x02", text)
    text = re.sub(r"\b([a-z][a-z.-]+)\(([158])\)", "\x01\\1\x02(\\2)", text)
    text = _literal(text, hyphens=False)
    text = re.sub(r"(?<![\w-])--?(?=[a-z])|(?<=[a-z])-(?=[a-z]+\x02)", lambda match: match[0].replace("-", r"\-"), text)
    return text.replace("\x01", r"\fB").replace("\x02", r"\fR")


def _literal(text: str, *, hyphens: bool = True) -> str:
    text = text.replace("\\", r"\e").replace("~", r"\(ti").replace("^", r"\(ha").replace("`", r"\(ga")
    if hyphens:
        text = text.replace("-", r"\-").replace("'", r"\(aq")
    return rf"\&{text}" if text.startswith((".", "'")) else text


def _quoted(text: str) -> str:
    return f'"{_literal(text)}"'.replace('""', '"\\(dq')


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
