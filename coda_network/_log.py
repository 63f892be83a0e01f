"""The story of each request on standard error, where ``CODA_NETWORK_LOG`` or ``run -v`` asks for it."""

from __future__ import annotations

import logging
import sys

VARIABLE = "CODA_NETWORK_LOG"
"""The variable of the environment: ``info`` tells of responses, tunnels and logins, ``debug`` of every step."""

LEVELS = {"info": logging.INFO, "debug": logging.DEBUG}


class _StandardError(logging.StreamHandler):  # type: ignore[type-arg]  # its stream is found anew for each record
    """Writes to what ``sys.stderr`` is when it writes: a program, or pytest, may replace it."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> object:
        return sys.stderr


def log_to_stderr(level: str) -> None:
    """Write the log of this package to standard error from now on; a second call changes the level only.

    :param level: ``info`` or ``debug``, in any case
    :raises ValueError: it is neither
    """
    number = LEVELS.get(level.strip().lower())
    if number is None:
        raise ValueError(f"the level of the log must be one of {', '.join(LEVELS)}, not {level!r}")
    logger = logging.getLogger("coda_network")
    if not any(isinstance(handler, _StandardError) for handler in logger.handlers):
        handler = _StandardError()
        handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(handler)
    logger.setLevel(number)


def begin(level: str) -> None:
    """Do what ``CODA_NETWORK_LOG`` says; a level that is none is reported, and the program goes on."""
    try:
        log_to_stderr(level)
    except ValueError as error:
        sys.stderr.write(f"coda_network: {VARIABLE}: {error}\n")
