"""What is under way when the patch is taken back ends as it began.

A response of http.client's class has our behaviour only as long as that class has it. It becomes one of our own class
then, which has it for good: one that was read to its end, too, as a function of ours may just be at its last line.
"""

from __future__ import annotations

import gc

from coda_network._http import in_place
from coda_network._http.response import HTTPResponse
from coda_network._originals import http_client, subclasses


def move_responses() -> None:
    """Give the responses that are under way a class that keeps our behaviour."""
    kinds = {http_client.HTTPResponse, *subclasses(http_client.HTTPResponse)}
    kinds.difference_update(subclasses(HTTPResponse), (HTTPResponse,))
    # Without a loop of our own where there is none, as nearly always: a program may have a million objects.
    if kinds.isdisjoint(map(type, gc.get_objects())):
        return
    for found in gc.get_objects():
        if type(found) in kinds:
            in_place.stay_ours(found)
