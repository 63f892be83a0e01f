"""The options that several commands have in common: how much to tell, and who logs in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from coda_network._auth import defaults
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Role
from coda_network._settings.configuration import BadConfiguration, read_configuration
from coda_network._settings.passwords import NoPassword, find_credentials, from_keyboard, from_nowhere

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator


class Usage(Exception):
    """The command line, or the configuration file, cannot be used; the text says why."""


BAD_SETTINGS = (Usage, BadConfiguration, NoPassword)
"""What is wrong with what a user has set; the text is for the user, and has no secret in it."""


def add_login_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that say who logs in."""
    group = parser.add_argument_group(
        "who logs in",
        "At proxies, or at the sites of --login-at. The password comes from the first of: --password-file, "
        "--password-env, the keyring (see coda-network login), the keyboard. Without --user: from the URL of the proxy "
        "or site, netrc, or the ticket of the session.",
    )
    group.add_argument("--user", metavar="NAME", help=r"DOMAIN\user, user@domain or user")
    group.add_argument("--password-file", metavar="FILE", help="its first line is the password; mode 600, or refused")
    group.add_argument("--password-env", metavar="VARIABLE", help="the environment variable that has the password")
    group.add_argument("--profile", metavar="NAME", help="the profile of the configuration file to use")


def add_site_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that turns a login at proxies into one at sites."""
    parser.add_argument(
        "--login-at",
        metavar="HOST[:PORT]",
        action="append",
        help="--user is for this site, not for proxies; may be given again",
    )


def add_verbosity(parser: argparse.ArgumentParser, quiet: str = "say nothing but errors") -> None:
    """Add ``-v`` and ``-q``.

    :param quiet: what the latter does
    """
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "-v", "--verbose", action="count", default=0, help="tell how each request gets through; -vv tells every step"
    )
    group.add_argument("-q", "--quiet", action="store_true", help=quiet)


@contextmanager
def story_of(options: Any) -> Iterator[None]:
    """Tell on standard error, as far as ``-v`` asks for it, how each request of the block gets through."""
    if not options.verbose:
        yield
        return
    import logging

    from coda_network import _log

    log = logging.getLogger("coda_network")
    before, handlers = log.level, list(log.handlers)
    _log.log_to_stderr("info" if options.verbose == 1 else "debug")
    try:
        yield
    finally:
        log.handlers[:] = handlers
        log.setLevel(before)


def fill_in(options: Any) -> None:
    """Give the options that were not given on the command line the values of the configuration file.

    :param options: of the command line. Where the value of each comes from is noted in its ``origins``
    :raises BadConfiguration: the file cannot be used
    """
    origins = {key: f"--{key.replace('_', '-')}" for key, value in vars(options).items() if value is not None}
    for key, setting in read_configuration(profile=getattr(options, "profile", None)).items():
        if getattr(options, key, ...) is None:
            setattr(options, key, setting.value)
            origins[key] = setting.origin
    options.origins = origins


def credentials_of(options: Any, asks: bool = True) -> Credentials | None:
    """Return who logs in; None where no user is named.

    :param asks: whether to ask for a password on the terminal
    :raises NoPassword: there is no password
    """
    return find_credentials(
        options.user,
        password=getattr(options, "password", None),
        password_file=options.password_file,
        password_env=options.password_env,
        ask=from_keyboard if asks else from_nowhere,
    )


def log_in_as(
    credentials: Credentials | None, realm: str | None = None, sites: list[str] | None = None
) -> defaults.Defaults | None:
    """Let these credentials serve every proxy whose URL names nobody, or some sites; return what takes that back.

    :param realm: the only one in which they are used by schemes that have realms; None for any
    :param sites: ``host`` or ``host:port`` of the sites that they are for, in place of proxies: whoever asks for the
        password of a proxy is not to get it
    """
    if credentials is None:
        return None
    pair = credentials.username, credentials.password
    if sites:
        return defaults.install({site.lower(): pair for site in sites}, Role.ORIGIN)

    def serve(authority: str, asked: str | None) -> tuple[str, str] | None:
        return pair if realm is None or asked is None or asked == realm else None

    return defaults.install(serve, Role.PROXY)


@contextmanager
def log_to_stderr(level: str | None, verbose: int = 0, quiet: bool = False) -> Iterator[None]:
    """Write the log of a program that runs for long to standard error, with times, while the block runs.

    :param level: debug, info, warning or error, in any case; None for what the others say
    :raises Usage: there is no such level
    """
    import logging

    name = (level or ("error" if quiet else ("warning", "info", "debug")[min(verbose, 2)])).upper()
    if name not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise Usage(f"--log-level: {level} is none of debug, info, warning, error")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("coda_network")
    before = log.level
    log.addHandler(handler)
    log.setLevel(name)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def as_list(value: Any) -> list[str]:
    """Return the value of an option that may be given several times, or as a list with commas in the file."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]
