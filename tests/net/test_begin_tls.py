"""TLS over a socket: by the context's own way, unless there is TLS of the ssl module below already."""

from __future__ import annotations

from typing import Any

from coda_network._net.tls import begin_tls


class Double:
    """A socket of a test double (mocket's): a plain one, that has the methods of TLS all the same."""

    def getpeercert(self, binary_form: bool = False) -> None:
        return None


class OwnContext:
    """A context that is none of ssl, for sockets of its own kind."""

    def wrap_socket(self, sock: Any, server_hostname: str) -> tuple[Any, str]:
        return sock, server_hostname


def test_a_context_that_is_none_of_ssl_wraps_its_own_sockets() -> None:
    double = Double()
    context: Any = OwnContext()
    assert begin_tls(context, double, "site.example") == (double, "site.example")
