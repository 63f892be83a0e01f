"""Which proxies a URL takes, and why; PAC files; a socket over a route.

``find()`` is what openers and plain sockets go by. ``from_pac()`` reads a PAC file, which can stand wherever a program
may choose: ``urllib2.ProxyHandler(choose=...)``, ``coda_network.patch(choose=...)``, ``find(url, choose=...)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from coda_network._route.connect import connect_over
from coda_network._route.find import find_routes
from coda_network._route.pac_engine import PACError
from coda_network._route.route import Route, UnusableProxy
from coda_network._secrets import lets_out_no_secret

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from ssl import SSLContext
    from typing import Any

    from coda_network._route.pac import PAC

__all__ = ["PACError", "Route", "UnusableProxy", "connect", "find", "from_pac"]


@lets_out_no_secret
def find(
    url: str,
    *,
    proxies: Mapping[str, str | Sequence[str]] | None = None,
    choose: Callable[[str], Any] | None = None,
    context: SSLContext | None = None,
) -> list[Route]:
    """Return the routes for a URL in the order in which they are tried, each with the reason.

    The first of these that says anything decides: the arguments, ``patch(choose=...)`` or ``patch(pac=...)``,
    ``CODA_NETWORK_PAC``, the variables of the environment with ``no_proxy``, the settings of macOS and Windows. Nothing
    is connected to, except that a PAC file may have to be fetched, and may look names up.

    :param url: http, https or ftp; for a plain socket ``https://host:port``
    :param proxies: scheme to URL of its proxy, or to a list of URLs (a chain), in place of the environment's;
        ``no_proxy`` counts for them, too
    :param choose: called with the URL: returns a list of routes, each the URL of a proxy, a list of URLs or
        ``"DIRECT"``; or what ``from_pac()`` returns
    :param context: of TLS with https:// proxies; None is the default one
    :returns: at least one ``Route``: ``hops`` (none for a direct connection), ``why``, ``is_direct``, ``urls`` without
        secrets; ``str(route)`` is for people
    :raises UnusableProxy: (a ValueError) a proxy, or the URL, cannot be used
    :raises PACError: (an OSError) the PAC file failed
    """
    return find_routes(url, proxies=proxies, choose=choose, context=context)


@lets_out_no_secret
def from_pac(url_or_text: str) -> PAC:
    """Read a PAC file: JavaScript that says for each URL over which proxies it goes.

    It is fetched directly, kept, and asked for again by its validators after half an hour. It runs in QuickJS (extra
    ``pac``), which gives it no files and no network but the names that it looks up; it may take 1 s and 32 MiB.

    :param url_or_text: the URL of the file (http, https, file), its path, its text; or ``"wpad"`` for the file that the
        network names by DNS
    :returns: called with a URL it returns the proxies in their order, URLs and ``"DIRECT"``; its ``routes(url)``
        returns a ``Route`` for each, with the entry and the line of the file as the reason
    :raises PACError: (an OSError) the file cannot be had or is no PAC file, or the extra is not installed
    """
    from coda_network._route.pac import PAC

    return PAC(url_or_text)


@lets_out_no_secret
def connect(
    routes: Iterable[Route],
    address: tuple[str, int],
    timeout: float | None = None,
    source_address: tuple[str, int] | None = None,
) -> socket.socket:
    """Connect to an address over the first of several routes that can be opened, and return the socket.

    A proxy that cannot be reached is a reason to try the next route, and comes last for a while (30 s, twice as long
    after each further failure, half an hour at most). One that refuses, the login say, is none.

    :param routes: as ``find()`` returns them
    :param address: host and port; the last proxy resolves the name
    :param timeout: seconds until the connection is open, for all routes together; afterwards the timeout of each call.
        Of a ``Timeout`` the shorter one of *connect* and *total* is for opening, and *read* for each call afterwards
    :param source_address: local host and port to connect from
    :returns: the socket; a TLS socket where the last hop is an https:// proxy
    :raises TunnelError: a proxy refused; an OSError that names its status
    :raises OSError: no route could be opened; this is the error of the last one
    :raises UnusableProxy: (a ValueError) a proxy cannot be used
    """
    return connect_over(routes, address, timeout, source_address)  # type: ignore[no-any-return]  # a socket of any kind
