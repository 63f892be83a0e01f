"""``coda-network config``: the settings that count, and where each comes from; secrets are not shown."""

from __future__ import annotations

import os
import sys
import urllib.request
from collections.abc import Iterator
from typing import Any

from coda_network._route.find import variable_of
from coda_network._route.installed import PAC_VARIABLE
from coda_network._route.proxy_url import without_userinfo
from coda_network._secrets import hide_userinfo
from coda_network._settings.configuration import (
    FILE_VARIABLE,
    PROFILE_VARIABLE,
    BadConfiguration,
    Setting,
    configuration_path,
    read_configuration,
)
from coda_network._settings.options import as_list
from coda_network._settings.passwords import keyring_name

OK, USAGE = 0, 2

VARIABLES = ("CODA_NETWORK", "CODA_NETWORK_LOG", "CODA_NETWORK_REFUSED_SECONDS", PAC_VARIABLE)
"""What else the environment may say."""


def run(options: Any) -> int:
    """Print the settings.

    :param options: of the command line
    :returns: the exit code
    """
    try:
        path = configuration_path()
        settings = read_configuration(path, options.profile)
    except BadConfiguration as error:
        print(f"coda-network config: {error}", file=sys.stderr)
        return USAGE
    by = f", named by {FILE_VARIABLE}" if os.environ.get(FILE_VARIABLE) else ""
    print(f"file: {path}{by}{'' if os.path.exists(path) else ' (there is none)'}")
    if options.profile:
        print(f"profile: {options.profile}, named by --profile")
    elif profile := os.environ.get(PROFILE_VARIABLE):
        print(f"profile: {profile}, named by {PROFILE_VARIABLE}")
    for key, setting in settings.items():
        print(f"{key.replace('_', '-')}: {_shown(key, setting.value)} ({setting.origin})")
    for line in _environment():
        print(line)
    print(f"password: {_password(settings)}")
    return OK


def _shown(key: str, value: Any) -> str:
    if key == "proxy":
        hops = [hop.strip() for text in as_list(value) for hop in text.split(",")]
        return ", ".join(_hidden(hop) for hop in hops)
    return ", ".join(as_list(value)) if isinstance(value, (str, list)) else str(value)


def _hidden(url: str) -> str:
    """Return the URL of a proxy without its userinfo, which it may have in any place where it is written wrongly."""
    shown = hide_userinfo(without_userinfo(url))
    return shown if shown == url else f"{shown} (with a login, hidden)" if "(hidden)" not in shown else shown


def _environment() -> Iterator[str]:
    proxies = urllib.request.getproxies()
    for scheme, value in proxies.items():
        name = variable_of(f"{scheme}_proxy")
        yield f"{scheme}-proxy: {value if scheme == 'no' else _hidden(value)} ({_origin(name)})"
    for name in VARIABLES:
        if text := os.environ.get(name):
            yield f"{name}: {hide_userinfo(text)} (the environment)"
    netrc = os.environ.get("NETRC")
    for place in (netrc,) if netrc else ("~/.netrc", "~/_netrc"):
        if os.path.exists(os.path.expanduser(place)):
            yield f"netrc: {place}{' (NETRC)' if netrc else ''}"


def _origin(name: str) -> str:
    return name if name.startswith("the ") else f"the environment, {name}"


def _password(settings: dict[str, Setting]) -> str:
    """Return where the password comes from, in words."""
    if "user" not in settings:
        return "of the URL of the proxy, of netrc, or a ticket in place of one, as no user is set"
    for key, words in (("password_file", "the first line of {}"), ("password_env", "the variable {}")):
        if key in settings:
            value = settings[key].value
            missing = key == "password_env" and not os.environ.get(value)
            return words.format(value) + (", which is not set" if missing else "") + f" ({settings[key].origin})"
    name = keyring_name()
    return "of the keyboard, as keyring is not installed" if name is None else f"of the keyring {name}, or the keyboard"
