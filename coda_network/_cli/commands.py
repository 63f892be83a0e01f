"""The commands: their names, what they are for, and where their options and their code are.

Help, completion and man pages are all made from the parsers here.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

from coda_network._cli import options, upkeep_options
from coda_network._version import __version__

PROGRAM = "coda-network"

EPILOG = """\
examples:
  coda-network run fetch.py                     a Python program, unchanged
  coda-network run pip install requests         a Python program on the PATH
  coda-network with -- git clone https://...    any other program
  coda-network check https://www.example.org/   what goes wrong

exit codes:
  0  success
  1  failure
  2  the command line or the configuration cannot be used

coda-network COMMAND --help tells more about a command.
"""


class Command(NamedTuple):
    """One command."""

    summary: str
    add_options: Callable[[argparse.ArgumentParser], object]
    """Gives a parser its options, description and epilog."""
    code: str
    """``module:function`` in this folder: called with the options, returns the exit code."""

    def load(self) -> Callable[[argparse.Namespace], int]:
        """Return the function, imported."""
        module, _, name = self.code.partition(":")
        function: Callable[[argparse.Namespace], int] = getattr(import_module(f"{__package__}.{module}"), name)
        return function


COMMANDS = {
    "get": Command("download URLs", options.for_get, "get:run"),
    "run": Command("run a Python program, patched", options.for_run, "run:main"),
    "with": Command("run any command through a proxy of its own that logs in", options.for_with, "with_:run"),
    "proxy": Command(
        "run a proxy on this machine that logs in for programs that cannot", options.for_proxy, "proxy:run"
    ),
    "connect": Command(
        "pass standard input and output on to HOST PORT: ssh's ProxyCommand", options.for_connect, "connect:run"
    ),
    "check": Command(
        "show which proxy and which logins a URL takes, and what goes wrong", options.for_check, "check:run"
    ),
    "login": Command("try a password once, and put it into the system's keyring", options.for_login, "login:run"),
    "config": Command("show which settings count, and where each comes from", upkeep_options.for_config, "config:run"),
    "install": Command(
        "patch every program of this Python, without touching it", upkeep_options.for_install, "install:install"
    ),
    "uninstall": Command("take back what install did", upkeep_options.for_uninstall, "install:uninstall"),
    "status": Command("show whether this Python is patched, and by what", upkeep_options.for_status, "install:status"),
    "wheelhouse": Command(
        "collect the wheels for a machine without network", upkeep_options.for_wheelhouse, "wheelhouse:run"
    ),
    "completion": Command(
        "print what completes this command in a shell", upkeep_options.for_completion, "completion:run"
    ),
    "man": Command("print or write the manual pages", upkeep_options.for_man, "man:run"),
    "demo": Command(
        "show a download through a proxy with a login, on this machine alone", upkeep_options.for_demo, "demo:main"
    ),
}


class _Formatter(argparse.HelpFormatter):
    """Keeps the lines of paragraphs that are indented: examples, and tables of exit codes."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        filled = []
        for paragraph in text.strip("\n").split("\n\n"):
            keep = any(line.startswith("  ") for line in paragraph.splitlines())
            filled.append(paragraph if keep else super()._fill_text(paragraph, width, indent))
        return "\n\n".join(filled)


def command_parser(name: str, program: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of one command.

    :param name: of the command
    :param program: its name in messages, where it is another than ``coda-network NAME``
    """
    parser = argparse.ArgumentParser(prog=program or f"{PROGRAM} {name}", formatter_class=_Formatter)
    COMMANDS[name].add_options(parser)
    return parser


def whole_parser(with_options: bool = True) -> argparse.ArgumentParser:
    """Return the parser of the whole command line.

    :param with_options: False leaves out the options of the commands, which take time to load
    """
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        formatter_class=_Formatter,
        description="Python's own HTTP client, and every other program, through any proxy.",
        epilog=EPILOG,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands: Any = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        each = commands.add_parser(name, help=command.summary, formatter_class=_Formatter)
        if with_options:
            command.add_options(each)
    return parser
