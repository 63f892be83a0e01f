"""What holds for the whole process: the choice of routes that ``patch()`` or ``CODA_NETWORK_PAC`` names, and the rest.

Later calls of ``patch()`` come before earlier ones.
"""

from __future__ import annotations

import os
from collections import namedtuple

from coda_network._stack import Stack

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

PAC_VARIABLE = "CODA_NETWORK_PAC"
"""Names the PAC file for every opener, as a URL or a path."""


class Installed(namedtuple("Installed", ("choice", "https_proxies"), defaults=(None, False))):
    """What one call of ``patch()`` says.

    :param choice: called with a URL, returns routes; None where the call says nothing of it
    :param https_proxies: an ``https://`` proxy is reached over TLS, for the standard library's openers too
    """

    __slots__ = ()

    choice: Any
    https_proxies: bool


_installed = Stack()


def install(settings: Installed) -> None:
    """Let *settings* hold from now on."""
    _installed.add(settings)


def remove(settings: Installed) -> None:
    """Undo an ``install()``, the last one of the same settings."""
    _installed.remove(settings)


def installed_choice() -> Any:
    """Return who chooses the routes of this process; None where nobody does.

    :raises OSError: ``CODA_NETWORK_PAC`` names a file that cannot be used
    """
    for settings in _installed:
        if settings.choice is not None:
            return settings.choice
    if named := os.environ.get(PAC_VARIABLE):
        from coda_network._route.pac import pac_of_environment

        return pac_of_environment(named)
    return None


def https_means_tls() -> bool:
    """Return whether an ``https://`` proxy is reached over TLS by the openers of the standard library."""
    return any(settings.https_proxies for settings in _installed)
