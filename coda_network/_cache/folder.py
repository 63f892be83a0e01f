"""The folder of a cache: a file for each response, written beside its place and renamed when it is whole.

``FOLDER/ab/abcd.../WHO.VARIANT``: the folder in the middle belongs to one URL. Names are keyed digests: nobody reads
URLs, users or passwords from them. Processes need no lock: a file that is there is whole.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPMessage
from typing import BinaryIO

from coda_network._cache.entry import Entry, read_entry
from coda_network._cache.storable import names_in_vary
from coda_network._fork import renew_in_children
from coda_network._trace import Trace

log = Trace("cache")

EVERYBODY = "public"
"""In the place of who asks, for responses that are the same for all."""
_KEY = "key"
_UNFINISHED = "tmp"
_FORGOTTEN_SECONDS = 24 * 3600
"""After which an unfinished file was left by a process that has gone."""
_LEFT_AFTER_CLEANING = 0.9
_PIECE = 1 << 18


class Folder:
    """Responses in a folder; safe for threads, and shared by the processes that name the same one.

    :param path: of the folder; it is made where it is not there, for this user alone
    :param max_size: in bytes; beyond it those are forgotten that were not used for longest
    :raises OSError: it cannot be written to
    """

    def __init__(self, path: str, max_size: int) -> None:
        self.path = os.path.abspath(path)
        self.max_size = max_size
        self._unfinished = os.path.join(self.path, _UNFINISHED)
        # That of somebody whose file is too large for the folder is not stored at all.
        self.max_entry = max_size // 2
        os.makedirs(self.path, mode=0o700, exist_ok=True)
        os.makedirs(self._unfinished, mode=0o700, exist_ok=True)
        self._key = _key_of(os.path.join(self.path, _KEY))
        with tempfile.TemporaryFile(dir=self._unfinished):
            pass  # whoever may not write gets to know it now
        self._size: int | None = None
        self._added = 0
        self._renew_lock()
        renew_in_children(self, Folder._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def digest(self, text: str) -> str:
        """Return what stands for a text on disk."""
        return hmac.new(self._key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:32]

    def slow_digest(self, text: str) -> str:
        """Return what stands for a password on disk: too slow to try all passwords."""
        return hashlib.pbkdf2_hmac("sha256", text.encode("utf-8", "surrogatepass"), self._key, 100_000).hex()[:32]

    def find(self, url: str, who: str, fields: dict[str, str]) -> Entry | None:
        """Return the newest response for a request, its file open; None where there is none.

        :param fields: of the request, by their names in lower case
        """
        newest: Entry | None = None
        for path in self._files_of(url):
            if os.path.basename(path).partition(".")[0] not in (who, EVERYBODY):
                continue
            try:
                entry = read_entry(path)
            except OSError:
                continue  # another process has just removed it
            if entry is None:
                with suppress(OSError):
                    os.unlink(path)
            elif all(self.digest(fields.get(name, "")) == value for name, value in entry.vary.items()) and (
                newest is None or entry.arrived > newest.arrived
            ):
                if newest is not None:
                    newest.close()
                newest = entry
            else:
                entry.close()
        return newest

    def _files_of(self, url: str) -> Iterator[str]:
        try:
            with os.scandir(self._place_of(url)) as found:
                yield from [each.path for each in found]
        except OSError:
            return

    def _place_of(self, url: str) -> str:
        name = self.digest(url)
        return os.path.join(self.path, name[:2], name)

    def begin(self, url: str, who: str, fields: dict[str, str], entry: Entry) -> NewFile:
        """Return the file for a response that is about to come.

        :raises OSError: nothing can be written
        """
        entry.vary = {name: self.digest(fields.get(name, "")) for name in names_in_vary(entry.headers)}
        variant = self.digest("\n".join(f"{name}:{value}" for name, value in entry.vary.items()))
        return NewFile(self, entry, os.path.join(self._place_of(url), f"{who}.{variant}"))

    def update(self, entry: Entry, headers: HTTPMessage, requested: float, arrived: float) -> None:
        """Give a stored response other header fields and times."""
        entry.headers, entry.requested, entry.arrived = headers, requested, arrived
        assert entry.file is not None
        left = entry.size or 0
        with suppress(OSError), NewFile(self, entry, entry.path) as new:
            while (piece := entry.file.read(min(left, _PIECE))) and new.write(piece):
                left -= len(piece)
            if not left:
                new.finish()
        entry.file.seek(0)

    def used(self, entry: Entry) -> None:
        """Note that a response was used: others are forgotten before it."""
        with suppress(OSError):
            os.utime(entry.path)

    def forget(self, url: str) -> None:
        """Remove what is stored for a URL, of all users."""
        for path in self._files_of(url):
            with suppress(OSError):
                os.unlink(path)

    def clear(self) -> None:
        """Remove everything that is stored."""
        for path, _, _ in self._all():
            with suppress(OSError):
                os.unlink(path)
        self._size = None

    def make_room(self, size: int) -> None:
        """Count *size* bytes that have come; beyond the bound remove what was not used for longest."""
        with self._lock:
            self._added += size
            # Other processes add to it, too: after a while it is counted anew.
            if self._size is None or self._size + self._added > self.max_size or self._added > self.max_size // 8:
                self._size = self._clean()
                self._added = 0

    def _clean(self) -> int:
        found = sorted(self._all(), key=lambda each: each[2])
        total = sum(size for _, size, _ in found)
        if total > self.max_size:
            for path, size, _ in found:
                if total <= self.max_size * _LEFT_AFTER_CLEANING:
                    break
                with suppress(OSError):
                    os.unlink(path)
                    total -= size
                with suppress(OSError):
                    os.rmdir(os.path.dirname(path))
        with suppress(OSError), os.scandir(self._unfinished) as unfinished:
            for each in unfinished:
                if each.stat().st_mtime < time.time() - _FORGOTTEN_SECONDS:
                    os.unlink(each.path)
        return total

    def _all(self) -> Iterator[tuple[str, int, float]]:
        """Yield all that is stored: path, size, when it was used last."""
        for folder, folders, names in os.walk(self.path):
            if folder == self.path:
                folders[:] = [name for name in folders if len(name) == 2]
                continue
            for name in names:
                path = os.path.join(folder, name)
                try:
                    found = os.stat(path)
                except OSError:
                    continue
                yield path, found.st_size, found.st_mtime


class NewFile:
    """A response that is being written; ``finish()`` gives it its place, and the end of a block without that drops it.

    :raises OSError: nothing can be written
    """

    def __init__(self, folder: Folder, entry: Entry, place: str) -> None:
        self._folder = folder
        self._entry = entry
        self._place = place
        self.size = 0
        try:
            number, self._path = tempfile.mkstemp(dir=folder._unfinished)
        except FileNotFoundError:  # somebody has removed the folder
            os.makedirs(folder._unfinished, mode=0o700)
            number, self._path = tempfile.mkstemp(dir=folder._unfinished)
        self._file: BinaryIO = open(number, "wb")  # noqa: SIM115  # finish() and drop() close it

    def write(self, data: bytes) -> bool:
        """Add to the body; return whether that worked. After a failure the file is dropped."""
        try:
            self._file.write(data)
            self.size += len(data)
            if self.size > self._folder.max_entry:
                raise OSError(errno.EFBIG, "too large for the cache")
        except OSError as error:
            log("a response is not stored: %s", error.strerror)
            self.drop()
            return False
        return True

    def finish(self) -> None:
        """Give the file its place, and so let others find it."""
        try:
            with self._file:
                self._file.write(self._entry.tail(self.size))
            os.makedirs(os.path.dirname(self._place), mode=0o700, exist_ok=True)
            os.replace(self._path, self._place)
            self._folder.make_room(self.size)
        except OSError as error:
            log("a response is not stored: %s", error.strerror)
            self.drop()

    def drop(self) -> None:
        """Remove the file, unless it has its place."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            os.unlink(self._path)

    def __enter__(self) -> NewFile:
        return self

    def __exit__(self, *error: object) -> None:
        self.drop()


def _key_of(path: str) -> bytes:
    """Return the key of a folder, which whoever comes first makes.

    :raises OSError: it cannot be read, or made
    """
    with suppress(FileExistsError):
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with open(number, "wb", buffering=0) as file:
            file.write(os.urandom(32))
    for _ in range(100):
        with open(path, "rb") as file:
            if len(key := file.read()) >= 32:
                return key
        time.sleep(0.01)  # another process is about to write it
    raise OSError(errno.EINVAL, "the key of the cache is damaged: remove it", path)
