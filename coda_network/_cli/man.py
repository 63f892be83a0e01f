"""Manual pages, made from the parsers of the command line: roff with the macros of man(7)."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable, Iterator
from typing import Any

from coda_network._cli.commands import COMMANDS, PROGRAM, command_parser, whole_parser
from coda_network._version import __version__

OK, FAILED, USAGE = 0, 1, 2


def run(options: Any) -> int:
    """Print or write manual pages.

    :param options: of the command line
    :returns: the exit code
    """
    if options.page is not None and options.page not in COMMANDS:
        print(f"coda-network man: there is no command {options.page}", file=sys.stderr)
        return USAGE
    if options.output is None:
        print(page(options.page), end="")
        return OK
    try:
        os.makedirs(options.output, exist_ok=True)
        for name in (None, *COMMANDS) if options.page is None else (options.page,):
            with open(os.path.join(options.output, f"{_title(name)}.1"), "w", encoding="utf-8") as file:
                file.write(page(name))
    except OSError as error:
        print(f"coda-network man: {error.filename}: {error.strerror}", file=sys.stderr)
        return FAILED
    return OK


def page(name: str | None) -> str:
    """Return the manual page of a command; None is the whole program."""
    parser = whole_parser(with_options=False) if name is None else command_parser(name)
    summary = "any program through any proxy" if name is None else COMMANDS[name].summary
    return "\n".join(_lines(parser, name, summary)) + "\n"


def _title(name: str | None) -> str:
    return PROGRAM if name is None else f"{PROGRAM}-{name}"


def _lines(parser: argparse.ArgumentParser, name: str | None, summary: str) -> Iterator[str]:
    title = _title(name)
    yield f'.TH "{_escaped(title.upper())}" "1" "" "coda_network {__version__}" "User Commands"'
    yield ".SH NAME"
    yield rf"{_escaped(title)} \- {_escaped(summary)}"
    yield ".SH SYNOPSIS"
    yield from _verbatim(_plain(parser.format_usage()).removeprefix("usage: ").rstrip().splitlines())
    yield ".SH DESCRIPTION"
    yield _escaped(parser.description or summary)
    for group in parser._action_groups:
        if not group._group_actions:
            continue
        yield f'.SH "{_escaped((group.title or "options").upper())}"'
        if group.description:
            yield _escaped(group.description)
        for action in group._group_actions:
            yield from _action(action, parser._get_formatter())
    for heading, lines in _sections(parser.epilog or ""):
        yield f'.SH "{_escaped(heading.upper())}"'
        yield from _verbatim(lines)
    yield ".SH SEE ALSO"
    others = (each for each in (None, *COMMANDS) if each != name)
    yield ", ".join(rf"\fB{_escaped(_title(each))}\fR(1)" for each in others)


def _action(action: argparse.Action, formatter: argparse.HelpFormatter) -> Iterator[str]:
    if isinstance(action, argparse._SubParsersAction):
        for choice in action._choices_actions:
            yield from (".TP", rf"\fB{_escaped(choice.dest)}\fR", _escaped(choice.help or ""))
        return
    names = [rf"\fB{_escaped(option)}\fR" for option in action.option_strings]
    value = action.metavar if isinstance(action.metavar, str) else action.dest
    shown = "" if names and action.nargs == 0 else rf"\fI{_escaped(value)}\fR"
    yield ".TP"
    yield f"{', '.join(names)} {shown}".strip()
    yield _escaped(formatter._expand_help(action)) if action.help else ""


def _sections(epilog: str) -> Iterator[tuple[str, list[str]]]:
    """Yield heading and lines of each paragraph of an epilog; one without a heading is a note."""
    for paragraph in filter(None, epilog.strip("\n").split("\n\n")):
        first, *rest = paragraph.splitlines()
        yield (first[:-1], rest) if first.endswith(":") and rest else ("notes", [first, *rest])


def _verbatim(lines: Iterable[str]) -> Iterator[str]:
    yield ".nf"
    yield from map(_escaped, lines)
    yield ".fi"


def _plain(text: str) -> str:
    """Return a text without the colours that Python 3.14 gives it on a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _escaped(text: str) -> str:
    """Return a text as roff takes it: a backslash, a hyphen and a dot at the start mean something else there."""
    text = " ".join(text.splitlines()).replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{text}" if text[:1] in (".", "'") else text
