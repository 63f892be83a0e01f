"""``coda-network login``: a password, tried once where it is for, and put into the keyring of the system."""

from __future__ import annotations

import sys
from typing import Any
from urllib.parse import urlsplit

from coda_network import urllib2
from coda_network._auth import defaults
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Role
from coda_network._cli.attempt import PARTIES, ask, steps_of_the_log
from coda_network._route.find import find_routes
from coda_network._route.route import UnusableProxy
from coda_network._settings.options import BAD_SETTINGS, Usage, log_in_as
from coda_network._settings.passwords import NoPassword, find_credentials, from_keyboard, to_keyring
from coda_network._settings.process import settle

OK, FAILED, USAGE = 0, 1, 2


def run(options: Any) -> int:
    """Try a password and keep it.

    :param options: of the command line
    :returns: the exit code
    """
    try:
        with settle(options, logs_in=False):
            credentials = _credentials(options)
            if not options.no_try and (why := _why_refused(options, credentials)) is not None:
                return _complain(f"{why} The password is not kept.", FAILED)
            try:
                to_keyring(credentials.username, credentials.password)
            except NoPassword as error:
                return _complain(str(error), FAILED)
    except (*BAD_SETTINGS, UnusableProxy) as error:
        return _complain(str(error), USAGE)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    if not options.quiet:
        print(f"the password of {credentials.username} is in the keyring")
    return OK


def _credentials(options: Any) -> Credentials:
    """Return the user with the new password; what the keyring has is what it is to replace."""
    if options.user is None:
        raise Usage("name a user with --user")
    if options.password_file is None and options.password_env is None:
        return Credentials(options.user, from_keyboard(options.user))
    found = find_credentials(
        options.user, password_file=options.password_file, password_env=options.password_env, keyring=False
    )
    assert found is not None  # as there is a user
    return found


def _why_refused(options: Any, credentials: Credentials) -> str | None:
    """Send one request with these credentials; return why they are of no use, None where they are accepted."""
    parts = urlsplit(options.url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Usage("the URL cannot be used; it should look like https://host/path")
    proxies = None if options.chain is None else {name: list(options.chain) for name in ("http", "https")}
    route = find_routes(options.url, proxies=proxies)[0]
    role = Role.ORIGIN if options.login_at else Role.PROXY
    if role is Role.PROXY and route.is_direct:
        raise Usage(f"no proxy leads to {parts.hostname}: name it with --proxy, or a site with --login-at")
    login = log_in_as(credentials, sites=options.login_at)
    assert login is not None  # as there are credentials
    opener = urllib2.build_opener(*([] if proxies is None else [urllib2.ProxyHandler(proxies)]))
    try:
        with steps_of_the_log(_silent) as steps:
            _, conclusion = ask(opener, options.url, route, steps)
    finally:
        opener.close()
        defaults.remove(login)
    report = steps.reports.get(role)
    if report is None:
        return f"{conclusion} The {PARTIES[role]} asked for no login, so that nothing was tried (see --no-try)."
    # What came behind an accepted login, the 404 of a site say, has nothing to do with it.
    return None if "accepted" in dict(report.entries).values() else conclusion


def _silent(line: str) -> None:
    pass


def _complain(text: str, code: int) -> int:
    print(f"coda-network login: {text}", file=sys.stderr)
    return code
