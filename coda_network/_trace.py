"""The log of each layer, ``coda_network.<layer>``; it costs next to nothing where nobody listens.

Responses, tunnels and the end of logins are told at INFO, all other steps at DEBUG.

``logging`` is not imported for it: a program that listens has imported it itself.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from logging import Logger

DEBUG, INFO = 10, 20  # those of logging
_modules = sys.modules


class Trace:
    """The log of one layer: a call with a message and its arguments writes one record. No secret may be in it.

    :param layer: its name, which is the last part of the logger's
    """

    __slots__ = ("_logger", "_name")

    def __init__(self, layer: str) -> None:
        self._name = f"coda_network.{layer}"
        self._logger: Logger | None = None

    def is_on(self, level: int = DEBUG) -> bool:
        """Return whether anybody listens; ask before a call whose arguments take time to make.

        :param level: ``DEBUG``, or ``INFO`` for what ``info()`` writes
        """
        logger = self._logger
        if logger is None:
            if "logging" not in _modules:
                return False
            # getattr: another thread may still be importing the module.
            get_logger = getattr(_modules["logging"], "getLogger", None)
            if get_logger is None:
                return False
            logger = self._logger = get_logger(self._name)
        return logger.isEnabledFor(level)

    def __call__(self, message: str, *arguments: object, **extra: object) -> None:
        """Write one record at DEBUG; the keyword arguments become attributes of it."""
        if self.is_on() and self._logger is not None:
            self._logger.debug(message, *arguments, extra=extra, stacklevel=2)

    def info(self, message: str, *arguments: object, **extra: object) -> None:
        """Write one record at INFO; the keyword arguments become attributes of it."""
        if self.is_on(INFO) and self._logger is not None:
            self._logger.info(message, *arguments, extra=extra, stacklevel=2)


if _level := os.environ.get("CODA_NETWORK_LOG"):
    from coda_network._log import begin

    begin(_level)
