"""PAC files: JavaScript that says for each URL over which proxies it goes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from functools import lru_cache, partial
from urllib.parse import urlsplit, urlunsplit

from coda_network._fork import renew_in_children
from coda_network._route.pac_engine import Engine, PACError
from coda_network._route.pac_names import Names, system_names
from coda_network._route.pac_source import PACSource
from coda_network._route.route import DIRECT, Route, UnusableProxy, parse_hops

__all__ = ["PAC", "PACError", "pac_of_environment"]

SCHEMES = {
    "PROXY": "http",
    "HTTP": "http",
    "HTTPS": "https",
    # Browsers take SOCKS for version 4, and let a proxy of version 5 resolve names.
    "SOCKS": "socks4",
    "SOCKS4": "socks4",
    "SOCKS5": "socks5h",
}
"""The kinds of proxies in a PAC file, and the schemes of their URLs."""


RESULTS = 64
"""Results of a file that are remembered with what they mean."""


class PAC:
    """A PAC file. Called with a URL it returns what ``choose=`` takes: the URLs of proxies and ``"DIRECT"``.

    :param url_or_text: the URL of the file (http, https, file), its path, its text, or ``"wpad"``
    :param names: looks names up for the file; None is the system's resolver
    :raises OSError: (``PACError``) the file cannot be had or is no PAC file
    """

    def __init__(self, url_or_text: str, names: Names | None = None) -> None:
        self._source = PACSource(url_or_text)
        self._names = names or system_names()
        self._renew_lock()
        renew_in_children(self, PAC._renew_lock)
        self._engine: Engine | None = None
        self._text: str | None = None
        self._read: tuple[str, Callable[[str], list[Route]]] | None = None
        self._current()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    @property
    def place(self) -> str:
        """Where the file is from: its URL or path."""
        return self._source.place

    def __call__(self, url: str) -> list[str]:
        """Return the proxies for a URL in their order: URLs, and ``"DIRECT"``.

        :raises OSError: the file failed
        """
        return [DIRECT if route.is_direct else route.urls[0] for route in self.routes(url)]

    def routes(self, url: str) -> list[Route]:
        """Return the routes for a URL in their order.

        As in browsers, the file sees no userinfo and no fragment, and of an https URL no path and no query.

        :raises OSError: the file cannot be had or failed
        """
        engine, text = self._current()
        found = engine.find(*as_the_file_sees(url))
        read = self._read  # with the text that it is of: another thread may have loaded a newer one
        if read is None or read[0] is not text:
            # A file has few results, and looking up the line of one takes longer than to find it.
            read = self._read = text, lru_cache(RESULTS)(partial(parse_result, place=self.place, text=text))
        return list(read[1](found))

    def _current(self) -> tuple[Engine, str]:
        with self._lock:
            text = self._source.text()
            if self._engine is None or text != self._text:
                self._engine, self._text = Engine(text, self.place, self._names), text
            return self._engine, text

    def __repr__(self) -> str:
        return f"<PAC {self.place}>"


_usual = re.compile(r"(https?)://([^/?#@\\\s]+)(/[^#\s]*)", re.ASCII).fullmatch


def as_the_file_sees(url: str) -> tuple[str, str]:
    """Return a URL as a PAC file is given it, and its host.

    :returns: without userinfo and fragment, and of an https URL without path and query
    """
    if (usual := _usual(url)) is not None:
        scheme, authority, _ = usual.groups()
        return (url if scheme == "http" else f"https://{authority}/"), _host_of(authority)
    parts = urlsplit(url)
    parts = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="")
    if parts.scheme == "https":
        parts = parts._replace(path="/", query="")
    elif not parts.path:
        parts = parts._replace(path="/")
    return urlunsplit(parts), parts.hostname or ""


@lru_cache(maxsize=256)
def _host_of(authority: str) -> str:
    return urlsplit(f"//{authority}").hostname or ""


def parse_result(result: str, place: str, text: str = "") -> list[Route]:
    """Read what a PAC file returns, ``PROXY a:8080; SOCKS5 b:1080; DIRECT`` say.

    :param result: nothing at all means a direct connection
    :param place: of the file, for people
    :param text: of the file, in which the line is looked up
    :raises PACError: an entry is none that a PAC file may have
    """
    line = _line_of(result, text)
    why = f"the PAC file {place}{line} returns"
    if not result.strip(" ;"):
        return [Route((), f"{why} nothing, which means {DIRECT}")]
    routes = []
    for entry in filter(None, (piece.strip() for piece in result.split(";"))):
        kind, *addresses = entry.split()
        kind = kind.upper()
        reason = f'{why} "{entry}"'
        if kind == DIRECT and not addresses:
            routes.append(Route((), reason))
            continue
        if kind not in SCHEMES or len(addresses) != 1:
            raise PACError(f'{why} "{entry}": an entry is DIRECT, or one of {", ".join(SCHEMES)} with host and port')
        try:
            routes.append(Route(parse_hops(f"{SCHEMES[kind]}://{addresses[0]}"), reason))
        except UnusableProxy as error:
            raise PACError(f'{why} "{entry}": {error}') from None
    return routes


def _line_of(result: str, text: str) -> str:
    """Return the number of the line with this result, where there is one such line only."""
    if not result:
        return ""
    quoted = re.compile(rf"""["']{re.escape(result)}["']""")
    found = [number for number, line in enumerate(text.splitlines(), 1) if quoted.search(line)]
    return f", line {found[0]}," if len(found) == 1 else ""


@lru_cache(maxsize=4)
def pac_of_environment(url: str) -> PAC:
    """Return the PAC file that the environment names, loaded once.

    :raises OSError: it cannot be had or is none
    """
    return PAC(url)
