"""Iteration over the lines of a body.

To ask for each line by itself costs several times what it takes to find its end. The lines that are whole in the
buffer are therefore given out from a copy of it, and the response catches up when somebody asks it for something
else, or all of them have been given.
"""

from __future__ import annotations

import io

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator

    from coda_network._http.response import HTTPResponse


def lines_of(response: HTTPResponse) -> Iterator[bytes]:
    """Give the lines that are left of a body.

    :raises http.client.IncompleteRead: a chunked body was cut short
    """
    while line := response.readline():
        yield line
        ahead = response._lines_ahead = _whole_lines(response)
        if ahead is not None:
            # Not by ``yield from``, which would close it where the iteration is left.
            for there in ahead:  # noqa: UP028  # as said above
                yield there
            catch_up(response)


def _whole_lines(response: HTTPResponse) -> io.BytesIO | None:
    """Return the lines that are in the buffer; not the last one of the body, behind which the response ends."""
    catch_up(response)  # with what another iteration has given out
    reader, left = response._reader, response.chunk_left if response.chunked else response.length
    if left == 0 or reader is None or response.fp is not reader.file:
        return None
    seen = reader.buffered()
    end = seen.rfind(b"\n", 0, None if left is None else left - 1) + 1
    return io.BytesIO(seen[:end]) if end else None


def catch_up(response: HTTPResponse) -> None:
    """Move the response on behind the lines that were given out; whoever iterates goes on with what is read then."""
    ahead, response._lines_ahead = response._lines_ahead, None
    if ahead is None:
        return
    count = ahead.tell()
    ahead.seek(0, io.SEEK_END)
    if response._reader is not None:
        response._reader.take(count)
    if response.chunked:
        response.chunk_left -= count
    elif response.length is not None:
        response.length -= count
