"""OpenerDirector that can be closed."""

from __future__ import annotations

import urllib.request

_stdlib_close = urllib.request.OpenerDirector.close


class OpenerDirector(urllib.request.OpenerDirector):
    """urllib.request.OpenerDirector, whose connections are kept alive until ``close()``."""

    __module__ = "urllib.request"  # it stands in for that class, and is shown and looked up by its name

    def close(self) -> None:
        """Close the connections that are idle; the opener can be used again."""
        connections = self.__dict__.get("_connections")
        if connections is not None:
            connections.close()
        _stdlib_close(self)
