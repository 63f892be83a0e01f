"""What goes of a response into a pickle or a copy: its head, and what is there of its body, without the connection."""

from __future__ import annotations

import io

from coda_network._http.body_lines import catch_up

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any

    from coda_network._http.response import HTTPResponse

# What belongs to the connection, and what stands for the parsed header section.
_LEFT_OUT = frozenset({"_fields", "_lines_ahead", "_reader", "_release", "_trailers"})
# What http.client's own class keeps in the instance, and ours in the class while nothing else is known.
_ALWAYS = ("chunk_left", "debuglevel", "headers", "msg", "version")


def snapshot(response: HTTPResponse) -> dict[str, Any]:
    """Return the state of a copy of *response* that has no connection.

    Reading such a copy gives what had come of the body until now, then ends as a body does that is cut short. The state
    is also one for http.client's own class, as the process that gets it may not be patched.
    """
    if response._lines_ahead is not None:
        catch_up(response)
    state = {name: value for name, value in vars(response).items() if name not in _LEFT_OUT}
    state.update((name, getattr(response, name)) for name in _ALWAYS)
    if response.fp is not None:
        state["fp"] = io.BytesIO(_there_is(response.fp))
    return state


def _there_is(file: Any) -> bytes:
    """Return what can be read from a file of a socket without waiting; the file does not move on."""
    if isinstance(file, io.BytesIO):
        return file.getvalue()[file.tell() :]
    sock = getattr(getattr(file, "raw", None), "_sock", None)
    if sock is None or not isinstance(file, io.BufferedReader):
        return b""
    try:
        timeout = sock.gettimeout()
        sock.settimeout(0)
        try:
            return file.peek()
        finally:
            sock.settimeout(timeout)
    except (OSError, ValueError):  # TLS would have to wait; or the file is closed
        return b""
