"""``coda-network proxy``: the options of a local proxy, its signals, and what it prints."""

from __future__ import annotations

import argparse
import functools
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from ipaddress import ip_address, ip_network
from typing import IO, TYPE_CHECKING, Any

from coda_network._auth import defaults
from coda_network._local_proxy.filters import load_filter
from coda_network._local_proxy.process import fit_for_many_clients
from coda_network._local_proxy.proxy import LocalProxy
from coda_network._local_proxy.settings import LOOPBACK, Limits, Routes, Settings
from coda_network._local_proxy.wakeups import Wakeups
from coda_network._route.find import find_routes
from coda_network._settings.options import (
    BAD_SETTINGS,
    Usage,
    add_login_options,
    add_verbosity,
    as_list,
    credentials_of,
    fill_in,
    log_in_as,
    log_to_stderr,
)
from coda_network._settings.passwords import NoPassword
from coda_network._settings.routes import LOGINS, SCHEMES, add_route_options, choice_of
from coda_network._wire.authority import join_authority

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, FAILED, USAGE = 0, 1, 2
DEFAULT_PORT = 3128


def proxy_parser(program: str) -> argparse.ArgumentParser:
    """Return the parser of a program that is nothing but the local proxy."""
    parser = argparse.ArgumentParser(prog=program)
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the description and the options of ``coda-network proxy``."""
    parser.description = (
        "A proxy on this machine that logs in at the proxies on the way to the sites, for programs that cannot. "
        "SIGTERM lets the requests under way come to their end, SIGHUP reads the configuration again, SIGUSR1 prints a "
        "line of figures."
    )
    listen = parser.add_argument_group("where it listens, and for whom")
    listen.add_argument("--listen-address", metavar="ADDRESS", help="default: 127.0.0.1")
    listen.add_argument("--port", type=int, metavar="PORT", help=f"default: {DEFAULT_PORT}; 0 for any that is free")
    listen.add_argument(
        "--allow", action="append", metavar="NETWORK", help="serve clients of this network, too: 10.0.0.0/8"
    )
    add_route_options(parser)
    parser.add_argument(
        "--proxy-type",
        metavar="TYPE",
        type=str.lower,
        choices=(*SCHEMES, *LOGINS, "none", "direct"),
        help="of a --proxy without a scheme in its URL (http, https, socks5 ...); none for no proxy; the name of a "
        "login is accepted, and the proxy says which one it wants",
    )
    add_login_options(parser)
    parser.add_argument("--password", metavar="PASSWORD", help="everybody on this machine can read it: better not")
    parser.add_argument("--realm", metavar="REALM", help="log in in this realm only")
    add_verbosity(parser)
    more = parser.add_argument_group("more")
    more.add_argument(
        "--filter", action="append", metavar="MODULE:FUNCTION", help="a function that may change or refuse a request"
    )
    more.add_argument("--access-log", metavar="FILE", help="one line a request, in the common format; - for stdout")
    more.add_argument("--log-level", metavar="LEVEL", help="debug, info, warning (the default) or error")
    more.add_argument("--max-clients", type=int, metavar="N", help=f"connections at once; default: {Limits.clients}")
    more.add_argument("--idle", type=float, metavar="SECONDS", help=f"between two requests; default: {Limits.idle:g}")
    more.add_argument("--total", type=float, metavar="SECONDS", help="the longest life of a connection; default: none")
    more.add_argument(
        "--drain", type=float, metavar="SECONDS", help=f"for requests under way at SIGTERM; default: {Limits.drain:g}"
    )


def routes_of(options: argparse.Namespace) -> Routes:
    """Return the routes that the options name.

    :raises Usage: one of them cannot be used
    """
    choice = choice_of(options)
    return find_routes if choice is None else functools.partial(find_routes, choose=choice)


def limits_of(options: argparse.Namespace) -> Limits:
    """Return the limits that the options name.

    :raises Usage: a negative one
    """
    named = {
        name: value
        for name, value in (
            ("idle", options.idle),
            ("total", options.total),
            ("drain", options.drain),
            ("clients", options.max_clients),
        )
        if value is not None
    }
    for name, value in named.items():
        if value < 0 or (name == "clients" and value == 0):
            raise Usage(f"{name}: {value} is no limit")
    return Limits(**named)


def settings_of(options: argparse.Namespace, access_log: Callable[[str], object] | None) -> Settings:
    """Return the settings that the options name.

    :raises Usage: one of them cannot be used
    """
    port = DEFAULT_PORT if options.port is None else options.port
    if not 0 <= port <= 65535:
        raise Usage(f"--port: {port} is not between 0 and 65535")
    try:
        networks = tuple(ip_network(text, strict=False) for text in as_list(options.allow))
        filters = tuple(load_filter(text) for text in as_list(options.filter))
    except ValueError as error:
        raise Usage(str(error)) from None
    return Settings(
        routes_of(options),
        options.listen_address or "127.0.0.1",
        port,
        allow=LOOPBACK + networks,
        limits=limits_of(options),
        filters=filters,
        access_log=access_log,
    )


@contextmanager
def access_log_of(place: str | None) -> Iterator[Callable[[str], object] | None]:
    """Open the access log; yield what writes a line to it, None where there is none."""
    if place is None:
        yield None
        return
    lock = threading.Lock()

    def write(line: str) -> None:
        with lock:
            file.write(line + "\n")
            file.flush()

    file: IO[str]
    if place == "-":
        file = sys.stdout
        yield write
        return
    with open(place, "a", encoding="utf-8") as file:
        yield write


def main(arguments: Sequence[str] | None = None, program: str = "mini_proxy") -> int:
    """Run the local proxy until a signal ends it.

    :param arguments: without the program's name; None for those of the process
    :returns: the exit code: 0 at the end, 1 where it cannot listen, 2 for a command line that is wrong
    """
    return serve(proxy_parser(program).parse_args(arguments), program)


def serve(options: argparse.Namespace, program: str = "coda-network proxy") -> int:
    """Run a local proxy as the options say, until a signal ends it; return the exit code."""
    if "" not in sys.path and options.filter:
        sys.path.insert(0, "")  # as for ``python -m``: the user's filters are in the current folder
    given = argparse.Namespace(**vars(options))
    try:
        fill_in(options)
        with (
            log_to_stderr(options.log_level, options.verbose, options.quiet),
            access_log_of(options.access_log) as access_log,
        ):
            settings = settings_of(options, access_log)
            with _Login(options) as login, fit_for_many_clients():
                return _serve(given, settings, login, program, options.quiet)
    except BAD_SETTINGS as error:
        print(f"{program}: {error}", file=sys.stderr)
        return USAGE
    except OSError as error:
        place = error.filename or join_authority(options.listen_address or "127.0.0.1", options.port or DEFAULT_PORT)
        print(f"{program}: {place}: {error.strerror or error}", file=sys.stderr)
        return FAILED


class _Login:
    """Who logs in at the proxies, for a with statement; may be exchanged while the local proxy runs.

    :raises NoPassword: there is a user, and no password
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._login = log_in_as(credentials_of(options), options.realm)

    def __enter__(self) -> _Login:
        return self

    def __exit__(self, *exception: object) -> None:
        self._change_to(None)

    def read_again(self, options: argparse.Namespace) -> None:
        """Take the user and the password that the options name now; a password that was typed in stays.

        :raises NoPassword: the place that they name has none
        """
        try:
            found = credentials_of(options, asks=False)
        except NoPassword:
            if options.password_file or options.password_env:
                raise
            return
        self._change_to(log_in_as(found, options.realm))

    def _change_to(self, login: defaults.Defaults | None) -> None:
        before, self._login = self._login, login
        if before is not None:
            defaults.remove(before)


def _serve(given: argparse.Namespace, settings: Settings, login: _Login, program: str, quiet: bool) -> int:
    proxy = LocalProxy(settings)
    if not ip_address(proxy.address[0].partition("%")[0]).is_loopback:
        print(
            f"{program}: warning: other machines can reach {proxy.address[0]}, and whoever uses this proxy acts in "
            "your name; it serves this machine and the networks of --allow",
            file=sys.stderr,
        )
    came: deque[Callable[[], None]] = deque()
    asked_to_end = 0

    def note(act: Callable[[], None], number: int, frame: Any) -> None:
        # No more than this: a handler runs amid any line, of another handler too, which may write or hold a lock.
        came.append(act)

    def attend() -> None:
        while came:
            came.popleft()()

    def stop() -> None:
        nonlocal asked_to_end
        asked_to_end += 1

    def reload() -> None:
        options = argparse.Namespace(**vars(given))
        try:
            fill_in(options)
            changed = settings_of(options, settings.access_log)
            login.read_again(options)
            proxy.change(changed)
        except BAD_SETTINGS as error:
            proxy.log.error("the configuration stays as it was: %s", error)
        else:
            proxy.log.warning("the configuration was read again")

    def figures() -> None:
        print(f"{program}: {proxy.metrics_line()}", file=sys.stderr, flush=True)

    before: dict[int, Any] = {}
    with Wakeups() as wakeups:
        for name, act in (("SIGTERM", stop), ("SIGINT", stop), ("SIGHUP", reload), ("SIGUSR1", figures)):
            if (number := getattr(signal, name, None)) is not None:
                before[number] = signal.signal(number, functools.partial(note, act))
        try:
            proxy.start()
            if not quiet:
                print(f"{program}: listening on {proxy.url}", file=sys.stderr, flush=True)
            while not asked_to_end:
                wakeups.wait()
                attend()
            closed = threading.Event()
            threading.Thread(target=_close, args=(proxy, closed, wakeups)).start()
            while not closed.is_set():
                wakeups.wait()
                attend()
                if asked_to_end > 1:
                    os._exit(FAILED)
            return OK
        finally:
            for number, former in before.items():
                signal.signal(number, former)


def _close(proxy: LocalProxy, closed: threading.Event, wakeups: Wakeups) -> None:
    try:
        proxy.close()
    finally:
        closed.set()
        wakeups.wake()
