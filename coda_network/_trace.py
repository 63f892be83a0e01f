"""The log of each layer, `coda_network.<layer>`, at DEBUG; it costs next to nothing where nobody listens.

`logging` is not imported for it: a program that listens has imported it itself.
"""

from __future__ import annotations

import sys

# Type checkers know this name by itself; `typing` would cost more than all of this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import Logger

_DEBUG = 10  # logging.DEBUG
_modules = sys.modules


class Trace:
    """Writes what one layer does; a call with a message and its arguments is one record, never with a secret in it."""

    __slots__ = ("_logger", "_name")

    def __init__(self, layer: str) -> None:
        self._name = f"coda_network.{layer}"
        self._logger: Logger | None = None

    def is_on(self) -> bool:
        """Tell whether anybody listens; to be asked where the arguments would cost something."""
        logger = self._logger
        if logger is None:
            if "logging" not in _modules:
                return False
            # getattr: another thread may be in the middle of importing it.
            get_logger = getattr(_modules["logging"], "getLogger", None)
            if get_logger is None:
                return False
            logger = self._logger = get_logger(self._name)
        return logger.isEnabledFor(_DEBUG)

    def __call__(self, message: str, *arguments: object, **extra: object) -> None:
        """Write one record; `extra` become attributes of it."""
        if self.is_on() and self._logger is not None:
            self._logger.debug(message, *arguments, extra=extra, stacklevel=2)
