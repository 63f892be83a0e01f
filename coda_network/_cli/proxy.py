"""``coda-network proxy``: a local proxy, until a signal ends it."""

from __future__ import annotations

from coda_network._local_proxy.command import serve as run

__all__ = ["run"]
