"""The command line: `coda-network get`, `run`, `demo`. Each loads what it needs when it is called."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from coda_network._version import __version__

if TYPE_CHECKING:
    from argparse import ArgumentParser

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (without the command's name; by default the process's own).

    Returns the exit code: 0 for success, 1 for failure, 2 for a command line that is wrong. Raises
    SystemExit for `--help`, `--version` and wrong options, as argparse does, and whatever ends a program
    under `run`.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["run"]:
        # Before argparse: what stands behind the script is the script's, whatever it looks like.
        from coda_network import _run

        return _run.main(arguments[1:])

    options = _parser().parse_args(arguments)
    if options.command == "get":
        from coda_network import _get

        return _get.get(options.url, options.output)

    from coda_network import demo

    return demo.run()


def _parser() -> ArgumentParser:
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog="coda-network",
        description="Python's own HTTP client, through any proxy, with its connections kept alive.",
        epilog="`coda-network COMMAND --help` tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    get = commands.add_parser(
        "get",
        help="download a URL",
        description="Download a URL, through the proxy that the environment names (http_proxy, https_proxy, no_proxy).",
    )
    get.add_argument("url", metavar="URL")
    get.add_argument("-o", "--output", metavar="FILE", help="where to save it (default: standard output)")

    # Listed for the help only: main() takes `run` before it comes here.
    commands.add_parser("run", add_help=False, help="run a Python program, patched: SCRIPT or -m MODULE")
    commands.add_parser(
        "demo",
        help="show a download through a proxy with a login, on this machine alone",
        description="Start a TLS server and a proxy that wants a login, both on loopback, and download "
        "a file through them with plain urllib.request under the patch, step by step.",
    )
    return parser
