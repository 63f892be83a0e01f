"""The openers that downloads share: one for each set of handlers, all over one session.

Calls in a row find the connections and the logins of those before. A connection serves only the user who logged in on
it: the session sees to that, whatever opener asks. When no download has begun for a while everything is closed.
"""

from __future__ import annotations

import http.client
import os
import threading
import urllib.request
from time import monotonic
from typing import Any

from coda_network import urllib2
from coda_network._cache.cache import HTTPCache
from coda_network._download.content_handler import ContentDecodingHandler
from coda_network._download.handlers import (
    DownloadFTPHandler,
    DownloadHTTPHandler,
    DownloadHTTPSHandler,
    NotModifiedHandler,
)
from coda_network._fork import renew_in_children
from coda_network._net.tls import Cert
from coda_network._opener.director import OpenerDirector
from coda_network._originals import urllib_request
from coda_network._pool.pool import Pool
from coda_network._route.choose import may_find_a_proxy
from coda_network._transport.session import Session, set_session

IDLE_SECONDS = 30.0
"""For which connections and logins are kept after the last download has begun."""

_CONNECTIONS = "HTTPConnection", "HTTPSConnection"  # the second one is missing without the module ssl

MOST_OPENERS = 32
MOST_CONNECTIONS_PER_HOST = 64


class SharedOpeners:
    """The openers of one process; safe for threads."""

    def __init__(self) -> None:
        self._session = _new_session()
        # What an opener was made of -> the opener; the one that was used last is the last.
        self._openers: dict[Any, OpenerDirector] = {}
        self._last_used = 0.0
        self._closer: threading.Thread | None = None
        self._renew_lock()
        renew_in_children(self, SharedOpeners._renew_in_child)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()
        self._ended = threading.Event()

    def _renew_in_child(self) -> None:
        self._renew_lock()
        self._closer = None

    def get(self, given: list[Any], cert: Cert | None, cache: HTTPCache | None = None) -> OpenerDirector:
        """Return the opener for these handlers.

        :param given: the caller's handlers
        :param cert: the client certificate for https
        :param cache: of the responses
        :raises OSError: the certificate cannot be read
        """
        key = self._key(given, cert), id(cache)
        with self._lock:
            opener = self._openers.pop(key, None)
            if opener is None:
                opener = _build(given, cert, cache)
                set_session(opener, self._session)
                if len(self._openers) >= MOST_OPENERS:
                    del self._openers[next(iter(self._openers))]
            self._openers[key] = opener
            self._last_used = monotonic()
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_when_idle, args=(self._ended,), daemon=True)
                self._closer.start()
        for handler in given:
            # It may have been given to another opener since.
            if not isinstance(handler, type) and getattr(handler, "parent", opener) is not opener:
                handler.add_parent(opener)
        return opener

    def close(self) -> None:
        """Close the idle connections now, those in use when they are released, and forget all logins."""
        with self._lock:
            closer, self._closer = self._closer, None
            ended, self._ended = self._ended, threading.Event()
            self._forget()
        ended.set()
        if closer is not None and closer is not threading.current_thread():
            closer.join()

    def _forget(self) -> None:
        self._openers.clear()
        session, self._session = self._session, _new_session()
        session.close()

    def _close_when_idle(self, ended: threading.Event) -> None:
        wait = IDLE_SECONDS
        while not ended.wait(wait):
            with self._lock:
                wait = self._last_used + IDLE_SECONDS - monotonic()
                if wait <= 0 and ended is self._ended:
                    self._closer = None
                    self._forget()
                    return
                wait = max(wait, 0.1)

    @staticmethod
    def _key(given: list[Any], cert: Any) -> Any:
        # The opener keeps the handlers and the cache alive, so no other object gets the identity of one of them.
        proxies = tuple(sorted(urllib.request.getproxies().items())) if may_find_a_proxy() else ()
        # A new handler takes over the level of debugging that is set for all connections.
        level = tuple(getattr(getattr(http.client, name, None), "debuglevel", 0) for name in _CONNECTIONS)
        return tuple(map(id, given)), tuple(cert) if isinstance(cert, list) else cert, proxies, level


def _new_session() -> Session:
    return Session(Pool(max_idle_per_host=MOST_CONNECTIONS_PER_HOST, idle_seconds=IDLE_SECONDS))


def _build(given: list[Any], cert: Cert | None, cache: HTTPCache | None) -> OpenerDirector:
    own = DownloadHTTPHandler(), DownloadHTTPSHandler(cert), DownloadFTPHandler()
    decoding = (
        () if any(isinstance(handler, ContentDecodingHandler) for handler in given) else (ContentDecodingHandler,)
    )
    if any(isinstance(handler, (type, *_TRANSPORTS)) for handler in given):
        # Theirs come first, and ours are there for the schemes that theirs do not open.
        return urllib2.build_opener(*given, NotModifiedHandler, *decoding, *own, cache=cache)
    return urllib2.build_opener(*own, NotModifiedHandler, *decoding, *given, cache=cache)


_TRANSPORTS = (
    urllib_request.HTTPHandler,
    getattr(urllib_request, "HTTPSHandler", DownloadHTTPSHandler),
)

shared_openers = SharedOpeners()
if hasattr(os, "register_at_fork"):
    # A child must not use its parent's connections, and a thread of the parent does not exist in it.
    os.register_at_fork(before=lambda: shared_openers.close())


def close_connections() -> None:
    """Close the connections that downloads of this process have left open, and forget the logins on them.

    It happens by itself when no download has begun for half a minute, and at a fork.
    """
    shared_openers.close()
