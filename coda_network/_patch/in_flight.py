"""What is under way when the patch is taken back ends as it began.

A response of http.client's class has our behaviour only as long as that class has it. One that is still being read, or
whose headers nobody has looked at yet, becomes a response of our own class then, which has it for good.
"""

from __future__ import annotations

import functools
import gc
import http.client

from coda_network._http.response import HTTPResponse
from coda_network._patch.switch import subclasses

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def move_responses() -> None:
    """Give the responses that are under way a class that keeps our behaviour."""
    kinds = {http.client.HTTPResponse, *subclasses(http.client.HTTPResponse)}
    kinds.difference_update(subclasses(HTTPResponse), (HTTPResponse,))
    # Without a loop of our own where there is none, as nearly always: a program may have a million objects.
    if kinds.isdisjoint(map(type, gc.get_objects())):
        return
    for found in gc.get_objects():
        if type(found) in kinds:
            own = vars(found)
            if own.get("fp") is not None or "_fields" in own:
                kind: Any = type(found)
                found.__class__ = _with_ours(kind)


@functools.lru_cache(maxsize=64)
def _with_ours(theirs: Any) -> type[Any]:
    """Return our class, or for a program's own class one that has ours behind it."""
    if theirs is http.client.HTTPResponse:
        return HTTPResponse
    return type(theirs.__name__, (theirs, HTTPResponse), {"__module__": theirs.__module__})
