"""What a process of our own needs to serve many clients, with a thread for each."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

SWITCH_SECONDS = 0.05
"""After which a thread that waits for its turn in the interpreter asks for it. By default that is 5 milliseconds, and
hundreds that wait do little else then, in vain: whoever has the turn ends it with the next call of the system."""


@contextmanager
def fit_for_many_clients() -> Iterator[None]:
    """Raise the limit of open files to what the system allows, and let threads wait for each other in peace."""
    _allow_many_files()
    before = sys.getswitchinterval()
    sys.setswitchinterval(max(before, SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _allow_many_files() -> None:
    """Raise the limit: a client takes two files, a tunnel three."""
    try:
        import resource
    except ImportError:  # Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            pass
