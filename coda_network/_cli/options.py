"""The options of the commands that go to a site, with examples and exit codes for their ``--help``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser


def for_get(parser: ArgumentParser) -> None:
    """Add what ``get`` takes."""
    from coda_network._settings.options import add_login_options, add_site_option, add_verbosity
    from coda_network._settings.routes import add_route_options

    parser.description = (
        "Download URLs, through the proxy that the environment names (http_proxy, https_proxy, no_proxy), to a file or "
        "to standard output."
    )
    parser.epilog = """\
examples:
  coda-network get https://www.example.org/ -o page.html
  coda-network get -O --resume --sha256 DIGEST https://www.example.org/large.iso
  coda-network get -O --parallel 4 -i list-of-urls.txt
  coda-network get --user 'DOMAIN\\alice' --password-file ~/.password https://www.example.org/

exit codes:
  0  complete
  1  no response, a download that broke off, a file that cannot be written
  2  the URL or the command line cannot be used
  3  the server or the proxy responded with an error status
  4  what came has another digest than --sha256 says
  130  Ctrl-C
"""
    parser.add_argument("urls", metavar="URL", nargs="*")
    parser.add_argument("-i", "--input", metavar="FILE", help="take URLs from a list, one a line; - is standard input")
    parser.add_argument("-o", "--output", metavar="FILE", help="where to save it (default: standard output)")
    parser.add_argument("-O", "--remote-name", action="store_true", help="save each under the name in its URL")
    parser.add_argument("--resume", action="store_true", help="go on with what broke off, and keep what breaks off")
    parser.add_argument("--sha256", metavar="DIGEST", help="what it has to be, in hexadecimal digits")
    parser.add_argument("-H", "--header", metavar="FIELD", action="append", help="a header field: 'Name: value'")
    parser.add_argument("-X", "--request", dest="method", metavar="METHOD", help="the method, in place of GET or POST")
    body = parser.add_mutually_exclusive_group()
    body.add_argument("-d", "--data", metavar="DATA", action="append", help="what to send (POST); @FILE reads a file")
    body.add_argument("--json", metavar="DATA", help="what to send as JSON; @FILE reads a file")
    parser.add_argument("-I", "--head", action="store_true", help="show status and header fields only")
    parser.add_argument("--compressed", action="store_true", help="ask for an encoded body and decode it")
    parser.add_argument("--parallel", metavar="N", type=int, default=1, help="download N files at once")
    parser.add_argument("--retry", metavar="N", type=int, default=0, help="try N times more where that may help")
    parser.add_argument("--cache", metavar="FOLDER", help="keep responses there; use them again while they are fresh")
    add_verbosity(parser, "show no progress")
    add_route_options(parser)
    add_login_options(parser)
    add_site_option(parser)


def for_run(parser: ArgumentParser) -> None:
    """Add what ``run`` takes, for its help: it reads its command line by itself."""
    from coda_network._cli.run import USAGE
    from coda_network._settings.options import add_login_options, add_site_option
    from coda_network._settings.routes import add_route_options

    parser.usage = USAGE.removeprefix("usage: ")
    parser.description = (
        "Run a Python program as python would, with its HTTP client patched: it gets through proxies, logs in, and "
        "keeps its connections alive. SCRIPT is a file, a directory, a zip file, or the name of a Python program on "
        "the PATH; - is the standard input. The options stand before the program, the arguments go to it."
    )
    parser.epilog = """\
examples:
  coda-network run fetch.py --all
  coda-network run pip install requests
  coda-network run -m pip download requests
  coda-network run --user 'DOMAIN\\alice' --password-env PASSWORD -v fetch.py

exit codes:
  those of the program
  1  an exception that nobody caught
  2  the program cannot be started, or an option is wrong
"""
    parser.add_argument("--tls-proxy", action="store_true", help="reach https:// proxies by TLS, as their URL says")
    parser.add_argument(
        "--no-children", action="store_true", help="do not patch the Python processes that the program starts"
    )
    parser.add_argument(
        "-v",
        action="count",
        default=0,
        help="tell on standard error how each request gets through, as CODA_NETWORK_LOG=info does; -vv: every step",
    )
    add_route_options(parser)
    add_login_options(parser)
    add_site_option(parser)
    parser.add_argument("program", metavar="SCRIPT", nargs="?", help="what to run")
    parser.add_argument("arguments", metavar="ARGUMENT", nargs="*", help="for the program")


def for_with(parser: ArgumentParser) -> None:
    """Add what ``with`` takes."""
    import argparse

    from coda_network._settings.options import add_login_options, add_verbosity
    from coda_network._settings.routes import add_route_options

    parser.usage = "coda-network with [options] -- COMMAND [ARGUMENT ...]"
    parser.description = (
        "Run a command, and all that it starts, through a proxy on this machine that logs in for it. The proxy ends "
        "with the command, and only the command's own processes know its secret."
    )
    parser.epilog = """\
examples:
  coda-network with --user 'DOMAIN\\alice' -- git clone https://git.example/thing.git
  coda-network with --proxy http://proxy.example:3128 -- npm install
  coda-network with --same-user -- chromium

exit codes:
  that of the command; 128 and the number of the signal that ended it
  2  the command line cannot be used
  126, 127  the command cannot be run, does not exist
"""
    add_route_options(parser)
    add_login_options(parser)
    parser.add_argument(
        "--same-user",
        action="store_true",
        help="serve all programs of this user, for those that take no password from the environment: browsers, Java "
        "(on Linux)",
    )
    add_verbosity(parser)
    parser.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning (the default) or error")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND", help="the command and its arguments")


def for_proxy(parser: ArgumentParser) -> None:
    """Add what ``proxy`` takes."""
    from coda_network._local_proxy.command import add_options

    add_options(parser)
    parser.epilog = """\
examples:
  coda-network proxy --proxy http://proxy.example:3128 --user 'DOMAIN\\alice'
  coda-network proxy --proxy http://one.example:3128 --proxy http://two.example:3128 --no-proxy .example

exit codes:
  0  a signal ended it
  1  it cannot listen
  2  the command line or the configuration cannot be used
"""


def for_connect(parser: ArgumentParser) -> None:
    """Add what ``connect`` takes."""
    from coda_network._settings.options import add_login_options, add_verbosity
    from coda_network._settings.routes import add_chain_option, add_pac_option

    parser.description = (
        "Connect to HOST PORT through the proxies and pass standard input and output on: the ProxyCommand of OpenSSH."
    )
    parser.epilog = """\
examples:
  ssh -o ProxyCommand='coda-network connect %h %p' alice@server.example
  coda-network connect --listen 5432 database.example 5432

exit codes:
  0  both directions have ended
  1  the connection failed
  2  the command line or the configuration cannot be used
  130  Ctrl-C
"""
    parser.add_argument("address", nargs="+", metavar="HOST PORT", help="or HOST:PORT")
    parser.add_argument(
        "--listen",
        metavar="PORT",
        type=int,
        help="serve all clients of this port of 127.0.0.1; 0 for any that is free",
    )
    parser.add_argument("--timeout", metavar="SECONDS", type=float, default=60.0, help="until the connection is open")
    add_chain_option(parser)
    add_pac_option(parser)
    add_login_options(parser)
    add_verbosity(parser)


def for_check(parser: ArgumentParser) -> None:
    """Add what ``check`` takes."""
    from coda_network._settings.options import add_login_options, add_site_option
    from coda_network._settings.routes import add_chain_option, add_pac_option

    parser.description = (
        "Send HEAD for a URL and show, without secrets, what happens: which proxy is used and why, which logins are "
        "asked for, chosen and accepted, and the response. With --program nothing is sent: it shows what of a program "
        "the patch reaches, by what is installed."
    )
    parser.epilog = """\
examples:
  coda-network check https://www.example.org/
  coda-network check --program pip
  coda-network check --user 'DOMAIN\\alice' --scheme ntlm https://www.example.org/

exit codes:
  0  it works: a status below 400; or all of the program is reached, as far as is known
  1  it does not; or something of the program is not reached
  2  a URL or an option cannot be used; or there is no such program
"""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("url", metavar="URL", nargs="?")
    what.add_argument(
        "--program", metavar="NAME", help="what of an installed command, package or script the patch reaches"
    )
    choice = parser.add_mutually_exclusive_group()
    add_chain_option(choice)
    add_pac_option(choice)
    parser.set_defaults(proxy=None, no_proxy=None)
    parser.add_argument(
        "--scheme",
        type=str.lower,
        choices=("negotiate", "ntlm", "digest", "basic"),
        help="use this login scheme and no other",
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print the last line only: what came of it")
    add_login_options(parser)
    add_site_option(parser)


def for_login(parser: ArgumentParser) -> None:
    """Add what ``login`` takes."""
    from coda_network._settings.options import add_login_options, add_site_option
    from coda_network._settings.routes import add_chain_option, add_pac_option

    parser.description = (
        "Ask for a password (or take it from --password-file or --password-env), try it once at the proxy, or at the "
        "site of --login-at, and put it into the keyring of the system, where all commands find it."
    )
    parser.epilog = """\
examples:
  coda-network login --user 'DOMAIN\\alice'
  coda-network login --user alice --login-at intranet.example https://intranet.example/

exit codes:
  0  the password is in the keyring
  1  it was refused, could not be tried, or the keyring cannot be used
  2  the command line or the configuration cannot be used
"""
    parser.add_argument(
        "url",
        metavar="URL",
        nargs="?",
        default="http://example.com/",
        help="what to ask the proxy or the site for (default: %(default)s)",
    )
    parser.add_argument("--no-try", action="store_true", help="put it into the keyring without trying it")
    parser.add_argument("-q", "--quiet", action="store_true", help="say nothing but errors")
    add_chain_option(parser)
    add_pac_option(parser)
    add_login_options(parser)
    add_site_option(parser)
