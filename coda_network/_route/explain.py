"""Which proxy a URL takes, and why, in words for people."""

from __future__ import annotations

import os
import urllib.request
from typing import NamedTuple

from coda_network._auth.defaults import from_netrc
from coda_network._route.choose import is_exempt
from coda_network._route.no_proxy import bypasses
from coda_network._route.proxy_url import parse_proxy_url
from coda_network._wire.authority import split_authority, split_userinfo


class Route(NamedTuple):
    """Which proxy, and why: ``text`` says so in words; ``netloc`` is None where there is no proxy."""

    text: str
    netloc: str | None = None
    scheme: str = "http"


def find_route(scheme: str, netloc: str, given: str | None) -> Route:
    """Return which proxy a URL takes and why, as an opener decides it.

    :param scheme: of the URL
    :param netloc: of the URL
    :param given: the proxy that the user named; None takes the environment's, or that of the system's settings
    :returns: the route
    :raises ValueError: the address of the proxy cannot be used
    """
    name = f"{scheme}_proxy"
    if given is not None:
        address, origin = given, "--proxy"
    else:
        address, origin = urllib.request.getproxies().get(scheme, ""), _variable(name)
    if not address:
        return Route(f"none, because neither {name} nor {name.upper()} is set{_unused()}")
    if exempt := _exempt(netloc):
        return Route(f"none, because {exempt}")
    proxy = parse_proxy_url(address)
    user = explain_user((proxy.username, proxy.password), proxy.host)
    return Route(f"{proxy.scheme}://{proxy.authority}, named by {origin}; {user}", proxy.authority, proxy.scheme)


def explain_user(userinfo: tuple[str | None, str | None], host: str) -> str:
    """Return who logs in at a proxy or a site, and where that is said; no secret is in it.

    :param userinfo: user name and password of its URL
    :param host: whose entry in netrc counts where the URL names nobody
    """
    user, password = userinfo
    if user is not None:
        # A user name without a password is often a token, so a secret.
        return f"user {user}, from its URL" if password else "a user without a password, from its URL"
    found = from_netrc(host)
    return "no user name" if found is None else f"user {found.username}, from netrc"


def _variable(name: str) -> str:
    """Return the environment variable that names the proxy; lower case wins."""
    if os.environ.get(name):
        return name
    return next((key for key, value in os.environ.items() if key.lower() == name and value), "the system's settings")


def _unused() -> str:
    named = sorted(key for key in os.environ if key.lower() == "all_proxy")
    return f" ({named[0]} is, but urllib.request does not look at it)" if named else ""


def _exempt(netloc: str) -> str | None:
    """Return why a host is reached without the proxy; None where it is not."""
    authority = split_userinfo(netloc)[2]
    if is_exempt(authority):
        host, port = split_authority(authority, 0)
        entries = urllib.request.getproxies_environment()["no"].split(",")
        # ``*`` means every host only where it is the whole value.
        stars = len(entries) == 1
        matching = [each for each in entries if (stars or each.strip() != "*") and bypasses(host, port or None, each)]
        return f"{_variable('no_proxy')} names this host: {matching[0].strip()}"
    if urllib.request.proxy_bypass(authority):
        return "the system's settings name this host"
    return None
