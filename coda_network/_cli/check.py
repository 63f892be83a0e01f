"""``coda-network check``: one request that changes nothing, and what happens to it: proxy, logins, TLS, response.

The request goes through the same opener that programs use; what is printed is the opener's log (``coda_network.*``).
"""

from __future__ import annotations

import logging
import sys
import urllib.request
from collections.abc import Callable, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from coda_network import negotiate_auth, urllib2
from coda_network._auth.login import CUT_SHORT
from coda_network._auth.registry import SCHEMES, Entry
from coda_network._auth.report import AuthReport
from coda_network._auth.scheme import CannotServe, Role, SchemeFactory
from coda_network._cli.get import shown
from coda_network._route.explain import explain_routes, explain_user
from coda_network._route.find import find_routes
from coda_network._route.pac_engine import PACError
from coda_network._route.route import Route, UnusableProxy
from coda_network._wire.authority import split_authority, split_userinfo
from coda_network.proxies import from_pac

OK = 0
FAILED = 1
"""No response, or one with an error status."""
USAGE = 2
"""A URL cannot be used."""

SECONDS = 30
"""The timeout of one step."""

_PARTIES = {Role.PROXY: "proxy", Role.ORIGIN: "site"}


def check(url: str, proxy: Sequence[str] | None = None, scheme: str | None = None, pac: str | None = None) -> int:
    """Send HEAD for a URL and print what happens.

    :param url: http or https; a password in it is never printed
    :param proxy: the URL of the proxy to use, in place of what the environment says; several are a chain
    :param pac: the PAC file that chooses the proxy, in place of what the environment says
    :param scheme: the one login scheme to use, by its name in lower case; None for whatever is asked for
    :returns: the exit code: 0, 1 for a failure, 2 for a bad URL
    """
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
        split_authority(split_userinfo(parts.netloc)[2], 80)
        # For both schemes, as a redirect may change the scheme.
        proxies = None if proxy is None else {name: list(proxy) for name in ("http", "https")}
        choose = None if pac is None else from_pac(pac)
        routes = find_routes(url, proxies=proxies, choose=choose)
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
    print(shown(url).partition("?")[0])
    for line in explain_routes(routes):
        print(f"  {line}")
    print(f"  site:  {explain_user(split_userinfo(parts.netloc)[:2], parts.hostname)}")
    print("steps")
    opener = _opener(proxies, choose, scheme)
    steps = _Steps()
    log = logging.getLogger("coda_network")
    before = log.level
    log.addHandler(steps)
    log.setLevel(logging.DEBUG)
    try:
        code, conclusion = _ask(opener, url, routes[0], steps)
    finally:
        opener.close()
        log.removeHandler(steps)
        log.setLevel(before)
    for role, report in steps.reports.items():
        print(f"login at the {_PARTIES[role]}")
        for line in str(report).splitlines():
            print(f"  {line}")
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


def _opener(proxies: dict[str, list[str]] | None, choose: Any, scheme: str | None) -> Any:
    handlers: list[Any] = []
    if proxies is not None or choose is not None:
        handlers.append(urllib2.ProxyHandler(proxies, choose=choose))
    if scheme is not None:
        handlers.append(_OnlyScheme(scheme))
    if scheme == "negotiate":  # sites get a ticket only where somebody says so, and naming the scheme does
        handlers.append(negotiate_auth.HTTPNegotiateAuthHandler())
    return urllib2.build_opener(*handlers)


class _Steps(logging.Handler):
    """Prints each log record when it comes, and keeps the report of each login."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: dict[Role, AuthReport] = {}
        self.connected = False

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record as one line."""
        layer = record.name.rpartition(".")[2]
        role, report = getattr(record, "role", None), getattr(record, "report", None)
        if layer == "auth" and role is None:
            return  # a scheme's own record; its login logs the same with a role
        if role is not None and report is not None:
            self.reports[role] = report
        self.connected = self.connected or layer == "net"
        print(f"  {layer:7} {record.getMessage()}", flush=True)


def _ask(opener: Any, url: str, route: Route, steps: _Steps) -> tuple[int, str]:
    """Send the request; return the exit code and the last line to print."""
    try:
        status, reason = _status(opener, url, "HEAD")
        if status in (405, 501):  # the server knows no HEAD: send GET and leave the body unread
            status, reason = _status(opener, url, "GET")
    except urllib2.TunnelRefused as refused:
        if refused.code == Role.PROXY.status:
            return FAILED, _why_no_login(Role.PROXY, steps.reports[Role.PROXY])
        response = refused.reason.response  # type: ignore[union-attr]  # it is a TunnelError
        return FAILED, f"The proxy refused the tunnel: {response.status} {response.reason}."
    except (OSError, HTTPException) as error:
        return FAILED, _why_no_response(error, route, steps)
    except UnicodeError:
        return USAGE, "The URL cannot be used: letters beyond ASCII are percent-encoded in a URL."
    if status < 400:
        return OK, f"It works: {status} {reason}{_accepted(steps)}."
    for role, report in steps.reports.items():
        # A 407 can also come from the site, behind a proxy that accepted the login; then the login is not to blame.
        if status == role.status and "accepted" not in dict(report.entries).values():
            return FAILED, _why_no_login(role, report)
    # For http the proxy reads the request itself and may respond in the site's place.
    party = "The site or the proxy" if route.hops and url.lower().startswith("http:") else "The site"
    return FAILED, f"{party} responded {status} {reason}."


def _status(opener: Any, url: str, method: str) -> tuple[int, str]:
    try:
        with opener.open(urllib2.Request(url, method=method), timeout=SECONDS) as response:
            return response.status, response.reason
    except HTTPError as error:
        with error:
            return error.code, error.reason


# -- the conclusion


def _accepted(steps: _Steps) -> str:
    return "".join(
        f", the {_PARTIES[role]} accepted {name}"
        for role, report in steps.reports.items()
        for name, outcome in report.entries
        if outcome == "accepted"
    )


def _why_no_login(role: Role, report: AuthReport) -> str:
    party = _PARTIES[role]
    entries = report.entries
    if report.not_sent is not None:
        return f"Nothing was sent to the {party}: {report.not_sent}."
    for _, outcome in entries:
        if outcome.endswith("was refused"):
            return f"The {party} refused {outcome.removesuffix(' was refused')}."
    why = "; ".join(f"{name}: {outcome}" for name, outcome in entries)
    if any(outcome in ("sent", CUT_SHORT) for _, outcome in entries):
        return f"The login at the {party} was not finished: {why}."
    advice = ""
    if any(outcome == "no user name given" for _, outcome in entries):
        advice = f" A user name goes into the URL of the {party}, or into netrc."
    return f"No scheme that the {party} offers can be served: {why}.{advice}"


def _why_no_response(error: OSError | HTTPException, route: Route, steps: _Steps) -> str:
    cause: Any = error.reason if isinstance(error, URLError) else error
    party = f"the proxy {route.hops[0].authority}" if route.hops else "the site"
    if distrust := getattr(cause, "verify_message", None):  # of ssl.SSLCertVerificationError; there may be no ssl
        return f"The certificate is not trusted: {distrust}."
    text = (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(cause).__name__
    text = " ".join(str(text).split())
    lost = "There is no response" if steps.connected else f"There is no connection to {party}"
    return f"{lost}: {text}."
