"""What the servers of the system have in common: they run for a with statement, and leave nothing behind."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType


class RealServer:
    """A server of the system. What `__enter__` of a subclass starts or makes, it enters into `_stack`."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()
