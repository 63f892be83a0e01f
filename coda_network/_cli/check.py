"""``coda-network check``: one request that changes nothing, and what happens to it: proxy, logins, TLS, response.

The request goes through the same opener that programs use; what is printed is the opener's log (``coda_network.*``).
"""

from __future__ import annotations

import sys
import urllib.request
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from coda_network import negotiate_auth, urllib2
from coda_network._auth.registry import SCHEMES, Entry
from coda_network._auth.scheme import CannotServe, SchemeFactory
from coda_network._cli.attempt import FAILED, PARTIES, USAGE, ask, steps_of_the_log
from coda_network._cli.get import shown
from coda_network._route.explain import explain_routes, explain_user
from coda_network._route.find import find_routes
from coda_network._route.pac_engine import PACError
from coda_network._route.route import UnusableProxy
from coda_network._settings.options import BAD_SETTINGS
from coda_network._settings.process import settle
from coda_network._settings.routes import NoPAC
from coda_network._wire.authority import split_authority, split_userinfo


def run(options: Any) -> int:
    """Do what the parsed command line says; return the exit code."""
    if options.program is not None:
        from coda_network._cli.reach import check_program

        return check_program(options.program)
    try:
        with settle(options):
            given = None
            if options.user is not None:
                given = f"user {options.user}, from {options.origins['user']}"
            return check(options.url, options.chain, options.scheme, given, options.login_at or (), options.quiet)
    except BAD_SETTINGS as error:
        print(f"coda-network check: {error}", file=sys.stderr)
        return FAILED if isinstance(error, NoPAC) else USAGE


def check(
    url: str,
    proxy: Sequence[str] | None = None,
    scheme: str | None = None,
    given: str | None = None,
    sites: Sequence[str] = (),
    quiet: bool = False,
) -> int:
    """Send HEAD for a URL and print what happens.

    :param url: http or https; a password in it is never printed
    :param proxy: the URL of the proxy to use, in place of what the environment says; several are a chain
    :param scheme: the one login scheme to use, by its name in lower case; None for whatever is asked for
    :param given: who logs in at the proxies, or at the sites, and who says so
    :param sites: where they log in, in place of the proxies
    :param quiet: print the last line only
    :returns: the exit code: 0, 1 for a failure, 2 for a bad URL
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
        split_authority(split_userinfo(parts.netloc)[2], 80)
        # For both schemes, as a redirect may change the scheme.
        proxies = None if proxy is None else {name: list(proxy) for name in ("http", "https")}
        routes = find_routes(url, proxies=proxies)
    except PACError as error:
        print(f"coda-network check: {error}", file=sys.stderr)
        return FAILED
    except UnusableProxy as error:
        print(f"coda-network check: {error}", file=sys.stderr)
        return USAGE
    except ValueError:
        # Not the error's own message: it may repeat a part of a password.
        print("coda-network check: a URL cannot be used; it should look like https://host/path", file=sys.stderr)
        return USAGE
    if proxy is not None:
        routes = [route._replace(why="named by --proxy") if route.hops else route for route in routes]
    tell: Callable[[str], object] = _silent if quiet else print
    tell(shown(url).partition("?")[0])
    for line in explain_routes(routes, None if sites else given):
        tell(f"  {line}")
    site = split_userinfo(parts.netloc)
    is_meant = any(each.lower() in (parts.hostname, site[2].lower()) for each in sites)
    tell(f"  site:  {explain_user(site[:2], parts.hostname, given if is_meant else None)}")
    tell("steps")
    opener = _opener(proxies, scheme)
    with steps_of_the_log(tell) as steps:
        try:
            code, conclusion = ask(opener, url, routes[0], steps)
        finally:
            opener.close()
    for role, report in steps.reports.items():
        tell(f"login at the {PARTIES[role]}")
        for line in str(report).splitlines():
            tell(f"  {line}")
    print(conclusion)
    return code


# -- the request


class _OnlyScheme(urllib.request.BaseHandler):
    """Keeps an opener from using any other scheme than one."""

    def __init__(self, name: str) -> None:
        self.login_schemes = {
            other: entry if other == name else entry._replace(needs_credentials=False, load=_refuse(entry))
            for other, entry in SCHEMES.items()
        }

    def http_error_401(self, *arguments: Any) -> None:
        """Do nothing: an opener ignores handlers without a method of this kind."""


def _refuse(entry: Entry) -> Callable[[], SchemeFactory]:
    def load() -> SchemeFactory:
        raise CannotServe(f"{entry.name}: left out by --scheme")

    return load


def _silent(line: str) -> None:
    pass


def _opener(proxies: dict[str, list[str]] | None, scheme: str | None) -> Any:
    handlers: list[Any] = []
    if proxies is not None:
        handlers.append(urllib2.ProxyHandler(proxies))
    if scheme is not None:
        handlers.append(_OnlyScheme(scheme))
    if scheme == "negotiate":  # sites get a ticket only where somebody says so, and naming the scheme does
        handlers.append(negotiate_auth.HTTPNegotiateAuthHandler())
    return urllib2.build_opener(*handlers)
