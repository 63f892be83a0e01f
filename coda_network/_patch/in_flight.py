"""What is under way when the patch is taken back ends as it began.

A response of http.client's class has our behaviour only as long as that class has it. It becomes one of our own class
then, which has it for good: one that was read to its end, too, as a function of ours may just be at its last line.

They are looked for twice: before the classes lose anything, and again, for those that other threads have made
meanwhile, before they lose what http.client has not. The collector knows them, so that requests need not keep a list.
"""

from __future__ import annotations

import gc
import sys

from coda_network._http import in_place
from coda_network._http.response import HTTPResponse
from coda_network._originals import http_client, subclasses

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

# Made before ``move_responses()`` looked. As long as this is among the collector's youngest, so is what came later.
_landmark: object = None


def move_responses() -> None:
    """Give the responses that are under way a class that keeps our behaviour."""
    global _landmark
    _landmark = []
    _move(gc.get_objects())


def move_late_responses() -> None:
    """Do the same for those that have been made since."""
    global _landmark
    young = gc.get_objects(generation=0) if sys.implementation.name == "cpython" else []
    # A program may have a million objects, and a few hundred young ones; but a collection makes all of them old.
    _move(young if id(_landmark) in map(id, young) else gc.get_objects())
    _landmark = None


def _move(objects: list[Any]) -> None:
    kinds = {http_client.HTTPResponse, *subclasses(http_client.HTTPResponse)}
    kinds.difference_update(subclasses(HTTPResponse), (HTTPResponse,))
    # Without a loop of our own where there is none, as nearly always.
    if kinds.isdisjoint(map(type, objects)):
        return
    for found in objects:
        if type(found) in kinds:
            in_place.stay_ours(found)
