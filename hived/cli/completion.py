"""`hivectl completion SHELL`: what a shell needs to complete hivectl's commands, made from its own parser."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field

from hived.cli.main import parser


@dataclass(frozen=True, slots=True)
class Place:
    """What may follow some commands, each with its help: commands, options, and the values that an option takes."""

    path: tuple[str, ...]
    commands: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)
    values: dict[str, list[str]] = field(default_factory=dict)
    """By option; "" are those of the first argument."""

    @property
    def name(self) -> str:
        return " ".join(self.path)

    def words(self) -> list[str]:
        return [*self.commands, *self.values.get("", ()), *self.options]


def script(shell: str) -> str:
    """Return the text that a shell reads."""
    places = list(_places(parser(), ()))
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](places)


def _places(at: argparse.ArgumentParser, path: tuple[str, ...]) -> Iterator[Place]:
    place = Place(path)
    below: list[tuple[str, argparse.ArgumentParser]] = []
    for action in at._actions:  # noqa: SLF001 - argparse has no public way to read a parser
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}  # noqa: SLF001
            place.commands.update({name: helps.get(name, "") for name in action.choices})
            below += action.choices.items()
            continue
        for name in action.option_strings:
            place.options[name] = action.help or ""
        for name in action.option_strings or [""]:
            if action.choices is not None:
                place.values.setdefault(name, []).extend(map(str, action.choices))
            elif name and action.nargs != 0:
                place.values[name] = []
    yield place
    for name, parser_ in below:
        yield from _places(parser_, (*path, name))


def _table(places: list[Place]) -> Iterator[tuple[str, list[str]]]:
    for place in places:
        yield place.name, place.words()
        for option, values in place.values.items():
            if option:
                yield f"{place.name} {option}".strip(), values


def _bash(places: list[Place]) -> str:
    rows = "\n".join(f"  [{shlex.quote(key or '.')}]={shlex.quote(' '.join(words))}" for key, words in _table(places))
    return f"""# bash completion of hivectl, made by `hivectl completion bash`
declare -gA _hivectl_words=(
{rows}
)
_hivectl() {{
  local path=. word key current=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD-1]}}
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $word == -* ]] && continue
    key="$path $word"; key=${{key#. }}
    [[ -v _hivectl_words["$key"] ]] && path=$key
  done
  key="$path $before"; key=${{key#. }}
  if [[ $before == -* && -v _hivectl_words["$key"] ]]; then path=$key; fi
  COMPREPLY=()
  if [[ -n ${{_hivectl_words["$path"]}} ]]; then
    mapfile -t COMPREPLY < <(compgen -W "${{_hivectl_words["$path"]}}" -- "$current")
  fi
  if (( ${{#COMPREPLY[@]}} == 0 )) && [[ $current != -* ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}}
complete -o filenames -F _hivectl hivectl
"""


def _zsh(places: list[Place]) -> str:
    rows = "\n".join(f"  {shlex.quote(key or '.')} {shlex.quote(' '.join(words))}" for key, words in _table(places))
    return f"""#compdef hivectl
# zsh completion of hivectl, made by `hivectl completion zsh`
typeset -gA _hivectl_words
_hivectl_words=(
{rows}
)
_hivectl() {{
  local at=. word key before=${{words[CURRENT-1]}}
  for word in "${{(@)words[2,CURRENT-1]}}"; do
    [[ $word == -* ]] && continue
    key="$at $word"; key=${{key#. }}
    (( ${{+_hivectl_words[$key]}} )) && at=$key
  done
  key="$at $before"; key=${{key#. }}
  [[ $before == -* ]] && (( ${{+_hivectl_words[$key]}} )) && at=$key
  compadd -- ${{=_hivectl_words[$at]}} || _files
}}
if [[ $funcstack[1] == _hivectl ]]; then _hivectl "$@"; else compdef _hivectl hivectl; fi
"""


def _fish(places: list[Place]) -> str:
    known = " ".join(shlex.quote(place.name) for place in places if place.path)
    lines = [
        "# fish completion of hivectl, made by `hivectl completion fish`",
        f"set -g __hivectl_places {known}",
        "function __hivectl_at",
        "  set -l at",
        "  for word in (commandline -opc)[2..-1]",
        "    string match -q -- '-*' $word; and continue",
        "    set -l key (string join ' ' $at $word)",
        '    contains -- "$key" $__hivectl_places; and set at $at $word',
        "  end",
        '  test "$at" = "$argv"',
        "end",
    ]
    for place in places:
        head = f"complete -c hivectl -n {shlex.quote(f'__hivectl_at {place.name}'.strip())}"
        lines += [f"{head} -f -a {shlex.quote(name)} -d {shlex.quote(text)}" for name, text in place.commands.items()]
        if first := place.values.get(""):
            lines.append(f"{head} -f -a {shlex.quote(' '.join(first))}")
        for name, text in place.options.items():
            option = f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"
            values = place.values.get(name)
            takes = "" if values is None else f" -x -a {shlex.quote(' '.join(values))}" if values else " -r"
            lines.append(f"{head} {option}{takes} -d {shlex.quote(text)}")
    return "\n".join(lines) + "\n"
