"""Types that public functions have in common. Type checkers read this; no module loads it."""

from __future__ import annotations

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from _typeshed import ReadableBuffer, SupportsRead

    Body: TypeAlias = ReadableBuffer | SupportsRead[bytes] | Iterable[bytes]
    """The body of a request: bytes, a binary file, or an iterable of bytes."""

    ConnectionBody: TypeAlias = Body | Iterable[ReadableBuffer] | str
    """What a connection takes besides: any buffers, and text (sent as Latin-1)."""

    FieldValue: TypeAlias = ReadableBuffer | str | int
    """What may stand as the value of a header field."""
