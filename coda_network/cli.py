"""The command line: ``coda-network COMMAND``; each command loads what it needs when it is called."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of the command line.

    :param argv: the arguments, without the program's name; by default those of the process
    :returns: the exit code: 0 for success, 1 for failure, 2 for a command line that is wrong; each command's ``--help``
        has those that it has beyond them
    :raises SystemExit: for ``--help``, ``--version`` and wrong options, and whatever ends a program under ``run``
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["run"]:
        # Without argparse: whatever follows the script belongs to the script, which finds few modules loaded.
        from coda_network._cli import run

        return run.main(arguments[1:])

    _print_whatever_comes()
    from coda_network._cli.commands import COMMANDS, command_parser, whole_parser

    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may come next
        from coda_network._cli.completion import complete

        complete(whole_parser())
    if not arguments or arguments[0] not in COMMANDS:
        parser = whole_parser(with_options=False)
        parser.parse_args(arguments)  # --help, --version; else it says what is wrong
        parser.error("the command comes first")
    command = COMMANDS[arguments[0]]
    return command.load()(command_parser(arguments[0]).parse_args(arguments[1:]))


def _print_whatever_comes() -> None:
    """Let standard output write what its encoding lacks as an escape, as standard error does."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # a program may have put anything in its place
    if reconfigure is not None and sys.stdout.errors == "strict":
        reconfigure(errors="backslashreplace")
