"""One file on its way: the requests for what is missing of it, and what becomes of their responses."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from http.client import IncompleteRead
from time import monotonic
from typing import Any
from urllib.error import HTTPError, URLError

from coda_network._download.attempts import Attempts
from coda_network._download.digests import Digests, WrongDigest
from coda_network._download.errors import as_url_error
from coda_network._download.handle import DownloadHandle
from coda_network._download.part import Part, write_all, write_whole
from coda_network._download.progress_bar import Show
from coda_network._download.ranges import content_length, content_range, is_of_state, modified_at, strong_validator
from coda_network._download.request import download_request
from coda_network._download.result import FileDownload
from coda_network._download.retry import part_from
from coda_network._transport.prepared import take_userinfo

PIECE = 1 << 18
"""The most bytes that are read and written at once."""
VALIDATORS = ".validators.json"
"""What stands behind the name of a file for the validators of the file itself."""


class FileJob:
    """One file on its way, through all attempts."""

    part: Part

    def __init__(
        self,
        url: str,
        fields: dict[str, str],
        resume: bool,
        digests: Digests,
        check_digest: bool,
        keep_mtime: bool,
        if_changed: bool,
    ) -> None:
        self.url = url
        self._fields = fields
        self._resume = resume
        self.digests = digests
        self.checks_digest = check_digest
        self._keep_mtime = keep_mtime
        self._if_changed = if_changed
        self.progress: Show = lambda done, total: None
        self._begun = monotonic()
        self._place = ""
        self._offset: int | None = None
        self._furthest = self._furthest_before = 0
        # Encoded, it could not be gone on with, and would not be what the digests are of.
        if not any(name.lower() == "accept-encoding" for name in fields):
            self._fields["Accept-Encoding"] = "identity"

    def take(self, place: str, part: Part) -> None:
        """Take over the part that is there, if it can be gone on with."""
        self._place, self.part = place, part
        if not (self._resume and part.load()):
            part.validator = None
        self._furthest = self._furthest_before = part.size if part.validator else 0

    def got_further(self) -> bool:
        """Return whether the last attempt has more of the file than any before it."""
        before, self._furthest_before = self._furthest_before, self._furthest
        return self._furthest > before

    def request(self) -> Any:
        """Return the request for what is missing."""
        fields = dict(self._fields)
        self._offset = None
        part = getattr(self, "part", None)
        if part is not None and part.validator is not None and part.size:
            size = part.size
            if part.total is not None and size >= part.total:
                size = part.total - 1  # complete, and not renamed: one byte tells whether it still is what it was
            if size > 0:
                self._offset = size
                fields["Range"] = f"bytes={size}-"
                fields["If-Range"] = part.validator
        elif part is not None and self._if_changed:
            fields.update(_conditions(part.target))
        return download_request(self.url, headers=fields)

    def ranged(self, first: int, last: int, validator: str | None) -> Any:
        """Return the request for one range, of the state that *validator* names."""
        fields = {**self._fields, "Range": f"bytes={first}-{last}"}
        if validator is not None:
            fields["If-Range"] = validator
        return download_request(self.url, headers=fields)

    def straight(self, attempts: Attempts, place: str) -> FileDownload:
        """Write to what is no regular file."""
        with attempts.run(attempts.open) as handle, open(os.open(place, os.O_WRONLY | os.O_APPEND), "wb") as file:
            size = self.copy(handle, file, 0, content_length(handle.headers))
            self.verify(None)
            return self.result(handle, place, size)

    def attempt(self, attempts: Attempts) -> FileDownload:
        """Send one request, and write what comes to the part."""
        try:
            handle = attempts.open(self.request())
        except HTTPError as error:
            if error.code != 416 or self._offset is None:
                raise
            part_from(error)
            self.part.discard()
            self.part.validator = None
            handle = attempts.open(self.request())
        with handle:
            if handle.code == 304:
                return self.unchanged(handle)
            offset, total = self._place_of(handle)
            with self.part.open() as file:
                if offset:
                    self._read_again(file, offset)
                size = self.copy(handle, file, offset, total)
            if total is not None and size != total:
                raise IncompleteRead(b"", total - size) if size < total else self._lie("is longer than it says")
            return self.complete(handle, size, offset)

    def _place_of(self, handle: DownloadHandle) -> tuple[int, int | None]:
        """Return where the body of a response begins in the file, and the size of the file.

        :raises URLError: the response is of another range, or of another state
        """
        headers, offset = handle.headers, self._offset
        if handle.code != 206:
            validator, total = strong_validator(headers), content_length(headers)
            self.part.begin(validator, total)
            self.digests.begin(headers if self.checks_digest else None)
            return 0, total
        found = content_range(headers)
        if offset is None or found is None or found.first != offset or not self._fits(headers, found.total):
            self.part.discard()  # begun anew by the next attempt
            self.part.validator = None
            raise self._lie("is of another range than was asked for")
        length = content_length(headers)
        if length is not None and length != found.last - found.first + 1:
            raise self._lie("says two things about its length")
        self.digests.begin(headers if self.checks_digest else None, is_whole=False)
        return offset, found.total if found.total is not None else self.part.total

    def _fits(self, headers: Any, total: int | None) -> bool:
        part = self.part
        same_size = part.total is None or total is None or part.total == total
        return same_size and part.validator is not None and is_of_state(headers, part.validator)

    @staticmethod
    def _lie(what: str) -> URLError:
        return URLError(ConnectionError(f"the response {what}"))

    def _read_again(self, file: Any, offset: int) -> None:
        """Go to *offset*, and take what is before it into the digests."""
        file.truncate(offset)
        while self.digests.are_needed and (data := file.read(min(PIECE, offset - file.tell()))):
            self.digests.update(data)
        file.seek(offset)

    def copy(self, handle: Any, file: Any, offset: int, total: int | None) -> int:
        """Write the body of a response to *file*; return the size that it has then."""
        size = offset
        self.progress(size, total)
        while piece := as_url_error(handle.read1, PIECE):
            self.digests.update(piece)
            write_all(file, piece)
            size += len(piece)
            if size > self._furthest:
                self._furthest = size
            self.progress(size, total)
        return size

    def verify(self, part: Part | None) -> None:
        """Compare the digests.

        :raises WrongDigest: one is another
        """
        if (wrong := self.digests.wrong()) is not None:
            raise WrongDigest(*wrong, None if part is None else part.put_aside())

    def complete(self, handle: Any, size: int, offset: int = 0, part: Part | None = None) -> FileDownload:
        """Verify the part and give it the name of the file."""
        part = self.part if part is None else part
        self.verify(part)
        part.finish(modified_at(handle.headers) if self._keep_mtime else None)
        if self._if_changed:
            _keep_conditions(part.target, handle.headers)
        return self.result(handle, self._place, size, offset)

    def unchanged(self, handle: Any) -> FileDownload:
        """Return the result where the file is the newest one already."""
        size = os.stat(self.part.target).st_size
        return self.result(handle, self._place, size, changed=False)

    def result(self, handle: Any, place: str, size: int, offset: int = 0, changed: bool = True) -> FileDownload:
        """Return what the caller gets."""
        digest = self.digests.value("sha256") if changed else None
        code, url = handle.code or 200, take_userinfo(getattr(handle, "url", None) or self.url)[1]
        elapsed = monotonic() - self._begun
        return FileDownload(place, code, size, changed, offset, digest, url, handle.headers, elapsed, handle.from_cache)


def _conditions(target: str) -> dict[str, str]:
    """Return the header fields that ask for a file only if it is another one than *target*."""
    try:
        with open(target + VALIDATORS, encoding="utf-8") as file:
            kept = json.load(file)
        found = os.stat(target)
        # Changed, or removed, by somebody else: it has to come again.
        if [found.st_size, found.st_mtime_ns] != kept["file"]:
            return {}
        names = {"If-None-Match": kept.get("etag"), "If-Modified-Since": kept.get("last_modified")}
        return {name: value for name, value in names.items() if isinstance(value, str)}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _keep_conditions(target: str, headers: Any) -> None:
    found = os.stat(target)
    kept = {
        "file": [found.st_size, found.st_mtime_ns],
        "etag": headers.get("ETag"),
        "last_modified": headers.get("Last-Modified"),
    }
    if kept["etag"] or kept["last_modified"]:
        write_whole(target + VALIDATORS, json.dumps(kept).encode())
    else:
        with suppress(FileNotFoundError):
            os.unlink(target + VALIDATORS)
