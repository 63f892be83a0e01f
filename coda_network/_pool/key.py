"""What makes two connections interchangeable."""

from __future__ import annotations

from collections import namedtuple

# Type checkers know this name by itself; `typing` is not imported here because it would cost more than all the rest.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Hashable


class PoolKey(namedtuple("PoolKey", ("kind", "host", "tunnel", "options"))):
    """Everything that a request asks of its connection: any connection with an equal key can serve it.

    Its repr shows where the connection leads and nothing else, because certificates come with passwords.

    :param kind: the class of the connection; with it comes whether it speaks TLS
    :param host: the authority that is connected to, the server's or the proxy's
    :param tunnel: the authority at the end of a tunnel, None without one
    :param options: what else the connection was made with, as (name, value) pairs. Contexts of TLS are told apart by
        identity; the key keeps its own alive, so that no other one can come to the same place in memory
    """

    __slots__ = ()

    kind: type
    host: str
    tunnel: str | None
    options: tuple[tuple[str, Hashable], ...]

    @property
    def way(self) -> str:
        """Where the connection leads, in words."""
        return f"{self.kind.__name__} {self.host}" + ("" if self.tunnel is None else f" to {self.tunnel}")

    def __repr__(self) -> str:
        return f"<PoolKey {self.way}>"
