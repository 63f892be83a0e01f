"""The default TLS context of one opener, and when it is made anew.

``ssl._create_default_https_context`` makes default contexts; programs replace it to say how certificates are checked
(PEP 476). On Python 3.10 and 3.11 urllib.request calls it for each request, from 3.12 on when an opener is built. So do
we, except that where the same would come out the context is kept: connections are reused with the same context only.
"""

from __future__ import annotations

import os
import ssl
import sys

from coda_network._net.tls import client_context, is_of_ssl

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable

LOOKED_UP_FOR_EACH_REQUEST = sys.version_info < (3, 12)


class DefaultContext:
    """The default context of one handler.

    :param check_hostname: overrides the context's own
    """

    __slots__ = ("_check_hostname", "_kept", "_make")

    def __init__(self, check_hostname: bool | None = None) -> None:
        self._check_hostname = check_hostname
        # The one that was made last, by what it depends on. A dict, as its ``setdefault()`` is one step: threads that
        # make a context at the same time all take the same.
        self._kept: dict[object, ssl.SSLContext] = {}
        self._make = ssl._create_default_https_context
        if not LOOKED_UP_FOR_EACH_REQUEST and not is_of_ssl(self._make):
            # What a function of the program returns may depend on when it is called.
            self._kept[None] = self._new(self._make)

    def get(self) -> ssl.SSLContext:
        """Return the context for a request.

        :raises OSError: the trust store cannot be read
        """
        make, origin = self._make, None
        if LOOKED_UP_FOR_EACH_REQUEST:
            make = ssl._create_default_https_context
            if not is_of_ssl(make):
                return self._new(make)
            env = os.environ.get
            # What such a context depends on; truststore replaces the class of contexts.
            origin = make, ssl.SSLContext, env("SSL_CERT_FILE"), env("SSL_CERT_DIR"), env("SSLKEYLOGFILE")
        kept = self._kept
        context = kept.get(origin)
        if context is None:
            # Made with the first https URL: it takes some milliseconds.
            context = kept.setdefault(origin, self._new(make))
            for older in list(kept):
                if older != origin:
                    kept.pop(older, None)
        return context

    def _new(self, make: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
        context = client_context(make=make)
        if self._check_hostname is not None:
            context.check_hostname = self._check_hostname
        return context
