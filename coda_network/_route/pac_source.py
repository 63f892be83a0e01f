"""Where a PAC file comes from, and when it is read anew."""

from __future__ import annotations

import re
import socket
import threading
import urllib.request
from collections.abc import Iterator
from time import monotonic
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from coda_network._fork import renew_in_children
from coda_network._net.deadline import Deadline
from coda_network._net.resolve import resolve
from coda_network._route.pac_engine import PACError
from coda_network._trace import Trace

FRESH_SECONDS = 1800.0
"""After which a file is asked for again, by its validators (RFC 9110 section 13.1)."""

RETRY_SECONDS = 60.0
"""After which it is asked for again where that failed; meanwhile the old one is used."""

FETCH_SECONDS = 10.0
"""The timeout of each step of fetching it."""

MOST_BYTES = 1 << 20
"""The longest PAC file, as in browsers."""

WPAD = "wpad"
"""In place of a URL: the file that the network names by DNS (WPAD)."""

log = Trace("opener")

_is_url = re.compile(r"(https?|file|data):", re.IGNORECASE).match


class PACSource:
    """The text of a PAC file, fetched directly, whatever proxies there are.

    :param url_or_text: the URL of the file (http, https, file), its path, its text, or ``"wpad"``
    :raises PACError: it cannot be had
    """

    def __init__(self, url_or_text: str) -> None:
        given = url_or_text.strip()
        if not given:
            raise PACError("a PAC file is named by its URL or path, or given as text; this is empty")
        self._renew_lock()
        renew_in_children(self, PACSource._renew_lock)
        self._text = ""
        self._until = 0.0
        self._validators: dict[str, str] = {}
        self._url: str | None = None
        if given.lower() == WPAD:
            self._url = wpad_url()
        elif _is_url(given):
            self._url = given
        elif "\n" not in given and not re.search(r"[(){}<>;]", given):
            self._url = "file:" + urllib.request.pathname2url(given)
            self.place = given
            self._fetch_first()
            return
        self.place = "given as text" if self._url is None else _shown(self._url)
        if self._url is None:
            self._text, self._until = _checked(url_or_text, self.place), float("inf")
        else:
            self._fetch_first()

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def _fetch_first(self) -> None:
        try:
            self._fetch()
        except PACError:
            raise
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", None) or error
            text = (isinstance(reason, OSError) and reason.strerror) or str(reason)
            raise PACError(f"the PAC file {self.place} cannot be had: {text}") from error

    def text(self) -> str:
        """Return the text, which is asked for again when it is old."""
        if monotonic() >= self._until:
            with self._lock:
                if monotonic() >= self._until:
                    try:
                        self._fetch()
                    except (OSError, ValueError) as error:
                        log("the PAC file %s was not read anew: %s", self.place, error)
                        self._until = monotonic() + RETRY_SECONDS
        return self._text

    def _fetch(self) -> None:
        request = urllib.request.Request(self._url or "", headers=dict(self._validators))
        # An empty mapping is no proxy at all: who chooses proxies cannot be reached by one.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=FETCH_SECONDS) as response:
                body = response.read(MOST_BYTES + 1)
                fields: Any = response.headers
        except HTTPError as error:
            with error:
                if error.code != 304:
                    raise
            self._until = monotonic() + FRESH_SECONDS
            return
        finally:
            opener.close()
        if len(body) > MOST_BYTES:
            raise PACError(f"the PAC file {self.place} is longer than {MOST_BYTES >> 20} MiB")
        self._text = _checked(_decoded(body, fields.get_content_charset()), self.place)
        self._validators = {}
        for ours, theirs in (("If-None-Match", "ETag"), ("If-Modified-Since", "Last-Modified")):
            if value := fields.get(theirs):
                self._validators[ours] = value
        self._until = monotonic() + FRESH_SECONDS
        log("the PAC file %s was read: %d bytes", self.place, len(body))


def _checked(text: str, place: str) -> str:
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        raise PACError(f"the PAC file {place} is a page of HTML, not a PAC file: a login or an error page, perhaps")
    return text.lstrip("\ufeff")


def _decoded(body: bytes, charset: str | None) -> str:
    for encoding in (charset or "utf-8", "utf-8"):
        try:
            return body.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("latin-1")


def _shown(url: str) -> str:
    """Return a URL as it may be printed: without its userinfo and its query."""
    parts = urlsplit(url)
    if parts.scheme.lower() == "data":
        return "in a data: URL"
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()


# -- WPAD


def wpad_hosts(name: str) -> Iterator[str]:
    """Yield the hosts that may have the PAC file of a machine's network, the nearest first.

    The domain of the machine counts, and those above it that have three labels at least: a domain above may belong to
    anybody (``wpad.co.uk``).

    :param name: the whole name of the machine
    """
    labels = name.rstrip(".").split(".")[1:]
    for place in range(len(labels)):
        rest = labels[place:]
        if (place == 0 and len(rest) >= 2) or len(rest) >= 3:
            yield ".".join(["wpad", *rest])


def wpad_url() -> str:
    """Return the URL of the PAC file of this machine's network, as DNS knows it.

    :raises PACError: no name exists
    """
    name = socket.getfqdn()
    hosts = list(wpad_hosts(name))
    for host in hosts:
        try:
            resolve(host, 80, Deadline(FETCH_SECONDS))
        except OSError:
            continue
        return f"http://{host}/wpad.dat"
    tried = ", ".join(hosts) or f"the machine {name} has no domain"
    raise PACError(f"WPAD found no PAC file: {tried}")
