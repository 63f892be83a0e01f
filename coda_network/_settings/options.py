"""The options that several commands have in common, and how they and the configuration file come together."""

from __future__ import annotations

import argparse
from typing import Any

from coda_network._auth import defaults
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import Role
from coda_network._settings.configuration import BadConfiguration, read_configuration
from coda_network._settings.passwords import NoPassword, find_credentials

BAD_SETTINGS = (BadConfiguration, NoPassword)
"""What is wrong with what a user has set; the text is for the user, and has no secret in it."""


def add_login_options(parser: argparse.ArgumentParser, whom: str = "proxies") -> None:
    """Add the options that say who logs in."""
    group = parser.add_argument_group(
        f"who logs in at {whom}",
        "The password comes from the first of: --password-file, --password-env, the keyring (see coda-network login), "
        "the keyboard. Without --user: from the proxy's URL, netrc, or the ticket of the session.",
    )
    group.add_argument("--user", metavar="NAME", help=r"DOMAIN\user, user@domain or user")
    group.add_argument("--password-file", metavar="FILE", help="its first line is the password; mode 600, or refused")
    group.add_argument("--password-env", metavar="VARIABLE", help="the environment variable that has the password")
    group.add_argument("--profile", metavar="NAME", help="the profile of the configuration file to use")


def take_login_options(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Take the login options off the beginning of a command line whose rest belongs to another program."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    add_login_options(parser)
    names = {option for action in parser._actions for option in action.option_strings}
    count = 0
    while count < len(arguments) and arguments[count].partition("=")[0] in names:
        count += 1 if "=" in arguments[count] else 2
    return parser.parse_args(arguments[:count]), arguments[count:]


def fill_in(options: argparse.Namespace) -> None:
    """Give the options that were not given on the command line the values of the configuration file.

    :raises BadConfiguration: the file cannot be used
    """
    for key, setting in read_configuration(profile=getattr(options, "profile", None)).items():
        if getattr(options, key, ...) is None:
            setattr(options, key, setting.value)


def credentials_of(options: argparse.Namespace) -> Credentials | None:
    """Return who logs in; None where no user is named.

    :raises NoPassword: there is no password
    """
    return find_credentials(
        options.user,
        password=getattr(options, "password", None),
        password_file=options.password_file,
        password_env=options.password_env,
    )


def log_in_as(credentials: Credentials | None, realm: str | None = None) -> defaults.Defaults | None:
    """Let these credentials serve every proxy whose URL names nobody; return what takes that back.

    :param realm: the only one in which they are used by schemes that have realms; None for any
    """
    if credentials is None:
        return None
    pair = credentials.username, credentials.password

    def serve(authority: str, asked: str | None) -> tuple[str, str] | None:
        return pair if realm is None or asked is None or asked == realm else None

    return defaults.install(serve, Role.PROXY)


def as_list(value: Any) -> list[str]:
    """Return the value of an option that may be given several times, or as a list with commas in the file."""
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(each) for each in value]
