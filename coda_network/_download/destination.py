"""Where a download is written: beside a file until it is complete, straight into what is no regular file."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

PART = ".part"
"""What a file is called, behind its own name, until it is complete."""


# These say nothing of a file, as they come from writing and not from opening.
_OF_A_FULL_DISK = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


@contextmanager
def destination(path: str) -> Iterator[IO[bytes]]:
    """Open what a download is written to; a file gets its name when the block ends, and is removed where that fails.

    Links are followed, and stay. A device or a FIFO is written to as it is.

    :param path: of the file
    :raises OSError: it cannot be written, which the error names; a file that was there before is as it was
    """
    with naming(path):
        with _beside(path) if is_replaceable(path) else _straight(path) as file:
            yield file


@contextmanager
def naming(path: str) -> Iterator[None]:
    """Let the error of a full disk name the file."""
    try:
        yield
    except OSError as error:
        if error.errno in _OF_A_FULL_DISK and error.filename is None:
            error.filename = path
        raise


def _straight(path: str) -> IO[bytes]:
    return open(os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)), "wb")


@contextmanager
def _beside(path: str) -> Iterator[IO[bytes]]:
    target = os.path.realpath(path)
    part = target + PART
    _remove(part)  # which an interrupted download has left
    # ``x`` follows no link: in a folder that others can write to, one may be waiting there.
    with open(part, "xb") as file:
        ours = os.fstat(file.fileno())
        try:
            yield file
            file.close()
            if not os.path.samestat(ours, os.lstat(part)):
                raise OSError(errno.EBUSY, "another download writes to the same file", path)
            if os.path.exists(target):
                shutil.copymode(target, part)
            os.replace(part, target)
        except BaseException:
            file.close()
            _remove(part, ours)
            raise


def is_replaceable(path: str) -> bool:
    """Return whether *path* is a regular file or nothing yet, so that another file may take its name.

    :raises IsADirectoryError: it is a directory
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError:
        return True
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "Is a directory", path)
    # /dev/stdout may lead to a file that the shell has opened, and would go on with.
    folder = os.path.realpath(os.path.dirname(os.path.abspath(path)))
    return stat.S_ISREG(mode) and folder != "/dev" and not folder.startswith("/proc/")


def _remove(part: str, ours: os.stat_result | None = None) -> None:
    """Remove a part that is there; one that somebody else has put in the place of *ours* stays."""
    try:
        if ours is None or os.path.samestat(ours, os.lstat(part)):
            os.unlink(part)
    except FileNotFoundError:
        pass
