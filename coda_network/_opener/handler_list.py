"""Handlers as callers give them: one, several, or none."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterable

Handlers = urllib.request.BaseHandler | Iterable[urllib.request.BaseHandler] | None
"""Handlers of an opener: one, several, or none."""


def handler_list(handlers: Handlers) -> list[urllib.request.BaseHandler]:
    """Return as a list what a caller gave as handlers."""
    if handlers is None:
        return []
    return list(handlers) if isinstance(handlers, Iterable) else [handlers]
