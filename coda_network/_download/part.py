"""The part of a file that has come: beside the file, with what is needed to go on with it.

Killed at any moment, a process leaves the old file or the new one, and perhaps a part: its bytes are the beginning of
the state that is named beside it. A part of which nothing is known begins anew.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from coda_network._download.destination import PART
from coda_network._secrets import hide_userinfo


class Part:
    """The part of one file; to be used by one process at a time.

    :param target: the file, whose links have been followed
    :param url: from which it comes
    :param suffix: behind its name
    """

    def __init__(self, target: str, url: str, suffix: str = PART) -> None:
        self.target = target
        self.path = target + suffix
        self.notes_path = self.path + ".json"
        # Not the URL itself, in which there may be a secret.
        self._url = hashlib.sha256(hide_userinfo(url).encode("utf-8", "replace")).hexdigest()
        self.validator: str | None = None
        self.total: int | None = None
        self.notes: dict[str, Any] = {}

    @property
    def size(self) -> int:
        """The bytes that are there."""
        try:
            found = os.lstat(self.path)
        except FileNotFoundError:
            return 0
        return found.st_size if stat.S_ISREG(found.st_mode) else 0

    def load(self) -> bool:
        """Read what is known of the part; return whether it can be gone on with."""
        self.validator, self.total, self.notes = None, None, {}
        try:
            with open(self.notes_path, encoding="utf-8") as file:
                notes = json.load(file)
            found = os.lstat(self.path)
        except (OSError, ValueError):
            return False
        # In a folder that others can write to, one may be waiting there that is not ours.
        is_ours = stat.S_ISREG(found.st_mode) and found.st_uid == getattr(os, "geteuid", lambda: found.st_uid)()
        if not (is_ours and isinstance(notes, dict) and notes.get("url") == self._url):
            return False
        validator, total = notes.get("validator"), notes.get("total")
        if not isinstance(validator, str) or not (total is None or isinstance(total, int)):
            return False
        self.validator, self.total, self.notes = validator, total, notes
        return True

    def begin(self, validator: str | None, total: int | None, **notes: Any) -> None:
        """Begin anew, with a part that is empty; one without a validator cannot be gone on with later.

        :raises OSError: it cannot be written
        """
        self.discard()
        # ``x`` follows no link.
        with open(self.path, "xb"):
            pass
        self.validator, self.total = validator, total
        if validator is not None:
            self.note(**notes)

    def note(self, **notes: Any) -> None:
        """Write down what is known, at once or not at all."""
        self.notes = {"url": self._url, "validator": self.validator, "total": self.total, **notes}
        write_whole(self.notes_path, json.dumps(self.notes).encode())

    def open(self) -> BinaryIO:
        """Open the part for reading and writing, without a buffer."""
        flags = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        return open(os.open(self.path, flags), "r+b", buffering=0)

    def discard(self) -> None:
        """Remove the part; what is known of it first, so that nothing else is ever taken for it."""
        for path in (self.notes_path, self.path):
            with suppress(FileNotFoundError):
                os.unlink(path)

    def finish(self, mtime: float | None = None) -> None:
        """Give the part the name of the file."""
        if os.path.exists(self.target):
            shutil.copymode(self.target, self.path)
        if mtime is not None:
            with suppress(OSError, OverflowError, ValueError):
                os.utime(self.path, (mtime, mtime))
        os.replace(self.path, self.target)
        with suppress(FileNotFoundError):
            os.unlink(self.notes_path)

    def put_aside(self) -> str:
        """Give the part a name under which nothing goes on with it, and return that."""
        with suppress(FileNotFoundError):
            os.unlink(self.notes_path)
        kept = f"{self.path}.wrong"
        os.replace(self.path, kept)
        return kept


def write_whole(path: str, data: bytes) -> None:
    """Write a small file: all of it, or it stays as it was."""
    new = f"{path}.new"  # one name, so that nothing piles up behind processes that were killed
    with suppress(FileNotFoundError):
        os.unlink(new)
    try:
        with open(new, "xb") as file:
            file.write(data)
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(new)
        raise


def write_all(file: Any, piece: bytes) -> None:
    """Write to a file without a buffer, which may take less than it is given."""
    written = file.write(piece)
    while written < len(piece):
        written += file.write(memoryview(piece)[written:])


@contextmanager
def locked(target: str, timeout: float | None) -> Iterator[None]:
    """Let one process, and one thread, work on a file at a time.

    :param target: the file
    :param timeout: seconds to wait for another one; None waits as long as it takes
    :raises TimeoutError: the other one is still at work
    :raises OSError: nothing can be written beside the file, which the error names
    """
    from filelock import FileLock, Timeout

    path = f"{target}{PART}.lock"
    folder = os.path.dirname(target)
    if not os.path.isdir(folder):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), target + PART)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=-1 if timeout is None else timeout, poll_interval=0.02)
    except Timeout:
        raise TimeoutError(errno.ETIMEDOUT, "another download writes to the same file", target) from None
    except OSError as error:
        if error.filename == path:
            error.filename = target + PART
        raise
    try:
        yield
    finally:
        # While it is held: who waits for it sees that it has gone, and makes a new one.
        with suppress(OSError):
            os.unlink(path)
        lock.release()
