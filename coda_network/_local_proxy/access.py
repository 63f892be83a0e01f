"""Who may use the local proxy: clients from allowed networks, who know its secret where it has one."""

from __future__ import annotations

import hmac
from ipaddress import ip_address

from coda_network._auth.credentials import Credentials
from coda_network._local_proxy.settings import Settings

USER = "coda"
"""The name that goes with the secret in the URL of a proxy; any name is taken."""


def is_allowed(settings: Settings, host: str) -> bool:
    """Return whether a client may connect.

    :param host: its address
    """
    address = ip_address(host.partition("%")[0])
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in settings.allow)


def knows_secret(settings: Settings, authorization: str | None) -> bool:
    """Return whether a Proxy-Authorization has the secret; True where there is none.

    :param authorization: the value of the field, None where it is not there
    """
    if settings.secret is None:
        return True
    given = Credentials.from_basic_header(authorization) if authorization else None
    return given is not None and is_secret(settings, given.password)


def is_secret(settings: Settings, password: str) -> bool:
    """Return whether a password is the secret; how long that takes does not tell how much of it is right."""
    return settings.secret is not None and hmac.compare_digest(password.encode(), settings.secret.encode())
