"""One request, and what happens to it: the steps as they are logged, and what came of it in words."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError

from coda_network import urllib2
from coda_network._auth.login import CUT_SHORT
from coda_network._auth.report import AuthReport
from coda_network._auth.scheme import Role
from coda_network._route.route import Route

OK = 0
FAILED = 1
"""No response, or one with an error status."""
USAGE = 2
"""A URL cannot be used."""

SECONDS = 30
"""The timeout of one step."""

PARTIES = {Role.PROXY: "proxy", Role.ORIGIN: "site"}


class Steps(logging.Handler):
    """Tells each log record when it comes, and keeps the report of each login."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self._tell = tell
        self.reports: dict[Role, AuthReport] = {}
        self.connected = False

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one record as one line."""
        layer = record.name.rpartition(".")[2]
        role, report = getattr(record, "role", None), getattr(record, "report", None)
        if layer == "auth" and role is None:
            return  # a scheme's own record; its login logs the same with a role
        if role is not None and report is not None:
            self.reports[role] = report
        self.connected = self.connected or layer == "net"
        self._tell(f"  {layer:7} {record.getMessage()}")


@contextmanager
def steps_of_the_log(tell: Callable[[str], object]) -> Iterator[Steps]:
    """Follow the log of the package for a block."""
    steps = Steps(tell)
    log = logging.getLogger("coda_network")
    before = log.level
    log.addHandler(steps)
    log.setLevel(logging.DEBUG)
    try:
        yield steps
    finally:
        log.removeHandler(steps)
        log.setLevel(before)


def ask(opener: Any, url: str, route: Route, steps: Steps) -> tuple[int, str]:
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


def _accepted(steps: Steps) -> str:
    return "".join(
        f", the {PARTIES[role]} accepted {name}"
        for role, report in steps.reports.items()
        for name, outcome in report.entries
        if outcome == "accepted"
    )


def _why_no_login(role: Role, report: AuthReport) -> str:
    party = PARTIES[role]
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
        advice = f" A user name goes into the URL of the {party}, into netrc, or --user."
    return f"No scheme that the {party} offers can be served: {why}.{advice}"


def _why_no_response(error: OSError | HTTPException, route: Route, steps: Steps) -> str:
    cause: Any = error.reason if isinstance(error, URLError) else error
    party = f"the proxy {route.hops[0].authority}" if route.hops else "the site"
    if distrust := getattr(cause, "verify_message", None):  # of ssl.SSLCertVerificationError; there may be no ssl
        return f"The certificate is not trusted: {distrust}."
    text = (isinstance(cause, OSError) and cause.strerror) or str(cause) or type(cause).__name__
    text = " ".join(str(text).split())
    lost = "There is no response" if steps.connected else f"There is no connection to {party}"
    return f"{lost}: {text}."
