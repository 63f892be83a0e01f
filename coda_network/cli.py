"""The command line: ``coda-network get``, ``run``, ``check``, ``demo``; each loads what it needs when it is called."""

from __future__ import annotations

import sys

from coda_network._version import __version__

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence
    from typing import Any

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command of the command line.

    :param argv: the arguments, without the program's name; by default those of the process
    :returns: the exit code: 0 for success, 1 for failure, 2 for a command line that is wrong, 3 where a server or a
        proxy responded to ``get`` with an error status, 4 where what came has a wrong digest
    :raises SystemExit: for ``--help``, ``--version`` and wrong options, and whatever ends a program under ``run``
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["run"]:
        # Before argparse: whatever follows the script belongs to the script.
        from coda_network._cli import run

        return run.main(arguments[1:])

    _print_whatever_comes()
    if arguments[:1] == ["proxy"]:
        from coda_network._cli import proxy

        return proxy.main(arguments[1:])
    if arguments[:1] == ["with"]:
        from coda_network._cli import with_

        return with_.main(arguments[1:])
    if arguments[:1] == ["connect"]:
        from coda_network._cli import connect

        return connect.main(arguments[1:])

    options = _parser().parse_args(arguments)
    if options.command == "get":
        from coda_network._cli import get

        return get.run(options)

    if options.command in ("install", "uninstall", "status"):
        from coda_network._cli import install

        if options.command == "status":
            return install.status()
        return install.install(options) if options.command == "install" else install.uninstall(options)

    if options.command == "check":
        from coda_network._cli import check

        return check.check(options.url, options.proxy, options.scheme, options.pac)

    from coda_network._cli import demo

    return demo.run(options.scheme)


def _add_get_options(get: ArgumentParser) -> None:
    get.add_argument("urls", metavar="URL", nargs="*")
    get.add_argument("-i", "--input", metavar="FILE", help="take URLs from a list, one a line; - is standard input")
    get.add_argument("-o", "--output", metavar="FILE", help="where to save it (default: standard output)")
    get.add_argument("-O", "--remote-name", action="store_true", help="save each under the name in its URL")
    get.add_argument("--resume", action="store_true", help="go on with what broke off, and keep what breaks off")
    get.add_argument("--sha256", metavar="DIGEST", help="what it has to be, in hexadecimal digits")
    get.add_argument("-H", "--header", metavar="FIELD", action="append", help="a header field: 'Name: value'")
    get.add_argument("-X", "--request", dest="method", metavar="METHOD", help="the method, in place of GET or POST")
    body = get.add_mutually_exclusive_group()
    body.add_argument("-d", "--data", metavar="DATA", action="append", help="what to send (POST); @FILE reads a file")
    body.add_argument("--json", metavar="DATA", help="what to send as JSON; @FILE reads a file")
    get.add_argument("-I", "--head", action="store_true", help="show status and header fields only")
    get.add_argument("--compressed", action="store_true", help="ask for an encoded body and decode it")
    get.add_argument("--parallel", metavar="N", type=int, default=1, help="download N files at once")
    get.add_argument("--retry", metavar="N", type=int, default=0, help="try N times more where that may help")


def _add_install_commands(commands: Any) -> None:
    install = commands.add_parser(
        "install",
        help="patch every program of this Python, without touching it",
        description="Write a .pth file into site-packages: from then on each program of this Python is patched when it "
        "imports http.client or urllib.request. CODA_NETWORK=0 in the environment of a program turns it off.",
    )
    uninstall = commands.add_parser(
        "uninstall", help="take back what install did", description="Remove the .pth file that install has written."
    )
    for command in (install, uninstall):
        place = command.add_mutually_exclusive_group()
        place.add_argument("--user", action="store_true", help="in the site-packages of the user, not of this Python")
        place.add_argument("--prefix", metavar="DIR", help="in another environment: the folder that has its lib")
    commands.add_parser(
        "status",
        help="show whether this Python is patched, and by what",
        description="Show whether install was run for this Python, by which file, whether the environment turns it "
        "off, and whether the package can be imported.",
    )


def _print_whatever_comes() -> None:
    """Let standard output write what its encoding lacks as an escape, as standard error does."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)  # a program may have put anything in its place
    if reconfigure is not None and sys.stdout.errors == "strict":
        reconfigure(errors="backslashreplace")


def _parser() -> ArgumentParser:
    from argparse import ArgumentParser

    parser = ArgumentParser(
        prog="coda-network",
        description="Python's own HTTP client, through any proxy, with its connections kept alive.",
        epilog="coda-network COMMAND --help tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    get = commands.add_parser(
        "get",
        help="download a URL",
        description="Download a URL, through the proxy that the environment names (http_proxy, https_proxy, no_proxy).",
    )
    _add_get_options(get)

    # For the help only: main() handles ``run`` before it parses.
    commands.add_parser("run", add_help=False, help="run a Python program, patched: SCRIPT or -m MODULE")
    check = commands.add_parser(
        "check",
        help="show which proxy and which logins a URL takes, and what goes wrong",
        description="Send HEAD for a URL and show, without secrets, what happens: which proxy is used and why, which "
        "logins are asked for, chosen and accepted, and the response.",
    )
    check.add_argument("url", metavar="URL")
    choice = check.add_mutually_exclusive_group()
    choice.add_argument(
        "--proxy",
        metavar="URL",
        action="append",
        help="the proxy to use, in place of the one in the environment; given more than once, they are a chain, the "
        "nearest proxy first",
    )
    choice.add_argument(
        "--pac", metavar="URL", help="the PAC file that chooses the proxy: its URL or path, or wpad to ask DNS for it"
    )
    check.add_argument(
        "--scheme",
        type=str.lower,
        choices=("negotiate", "ntlm", "digest", "basic"),
        help="use this login scheme and no other",
    )
    commands.add_parser(
        "proxy", add_help=False, help="run a proxy on this machine that logs in for programs that cannot"
    )
    commands.add_parser("with", add_help=False, help="run a command of any kind through such a proxy of its own")
    commands.add_parser(
        "connect", add_help=False, help="pass standard input and output on to HOST PORT, as ssh's ProxyCommand"
    )
    _add_install_commands(commands)
    demo = commands.add_parser(
        "demo",
        help="show a download through a proxy with a login, on this machine alone",
        description="Start a TLS server and a proxy that wants a login, both on loopback, and download "
        "a file through them with plain urllib.request under the patch, step by step.",
    )
    demo.add_argument(
        "--scheme",
        choices=("ntlm", "digest", "basic"),
        default="ntlm",
        help="the login that the proxy demands (default: %(default)s)",
    )
    return parser
