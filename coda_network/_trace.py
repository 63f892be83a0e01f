"""The log of each layer, ``coda_network.<layer>``, at DEBUG; it costs next to nothing where nobody listens.

``logging`` is not imported for it: a program that listens has imported it itself.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from logging import Logger

_DEBUG = 10  # logging.DEBUG
_modules = sys.modules


class Trace:
    """The log of one layer: a call with a message and its arguments writes one record. No secret may be in it.

    :param layer: its name, which is the last part of the logger's
    """

    __slots__ = ("_logger", "_name")

    def __init__(self, layer: str) -> None:
        self._name = f"coda_network.{layer}"
        self._logger: Logger | None = None

    def is_on(self) -> bool:
        """Return whether anybody listens; ask before a call whose arguments take time to make."""
        logger = self._logger
        if logger is None:
            if "logging" not in _modules:
                return False
            # getattr: another thread may still be importing the module.
            get_logger = getattr(_modules["logging"], "getLogger", None)
            if get_logger is None:
                return False
            logger = self._logger = get_logger(self._name)
        return logger.isEnabledFor(_DEBUG)

    def __call__(self, message: str, *arguments: object, **extra: object) -> None:
        """Write one record; the keyword arguments become attributes of it."""
        if self.is_on() and self._logger is not None:
            self._logger.debug(message, *arguments, extra=extra, stacklevel=2)
