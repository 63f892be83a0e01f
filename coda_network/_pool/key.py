"""What makes two connections interchangeable."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Hashable


class PoolKey(namedtuple("PoolKey", ("connection_class", "authority", "tunnel", "options"))):
    """All that a request demands of its connection: connections with equal keys can serve the same requests.

    Its repr shows where the connection leads and leaves out the options, because a certificate comes with a password.

    :param connection_class: the class of the connection, which decides whether it speaks TLS
    :param authority: ``host:port`` as the URL has it, of the server that is connected to or of the proxy
    :param tunnel: ``host:port`` at the far end of a tunnel, None without one
    :param options: the other arguments that the connection was made with, as (name, value) pairs. TLS contexts are
        compared by identity. The key keeps its context alive, so that no other context can get the same address in
        memory and be taken for it
    """

    __slots__ = ()

    connection_class: type
    authority: str
    tunnel: str | None
    options: tuple[tuple[str, Hashable], ...]

    @property
    def route(self) -> str:
        """Return the class of the connection, what it connects to, and the end of the tunnel, for people to read."""
        to = "" if self.tunnel is None else f" to {self.tunnel}"
        return f"{self.connection_class.__name__} {self.authority}{to}"

    def __repr__(self) -> str:
        return f"<PoolKey {self.route}>"
