"""One large file over several connections at once, checked as a whole.

The segments are written at their places in ``FILE.segments``; what has come of each is written down beside it, so that
a killed download goes on with all of them. It is never taken for a part that has come from its beginning on.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from http.client import IncompleteRead
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError, URLError

from coda_network._download.attempts import Attempts
from coda_network._download.errors import as_url_error
from coda_network._download.part import Part, write_all
from coda_network._download.ranges import content_range, is_of_state, strong_validator
from coda_network._download.retry import part_from
from coda_network._fork import renew_in_children

if TYPE_CHECKING:
    from coda_network._download.file_job import FileJob
    from coda_network._download.result import FileDownload

SUFFIX = ".segments"
PIECE = 1 << 18
SMALLEST = 1 << 20
"""Bytes of a segment; a smaller one is not worth a connection."""
NOTE_EVERY = 16 << 20
"""Bytes after which it is written down what has come."""


class _Changed(Exception):
    """The server has no ranges, or the file is another one now."""


def in_segments(job: FileJob, attempts: Attempts, count: int) -> FileDownload | None:
    """Download a file in segments; return None where that cannot be done, and the plain way is to be taken.

    :param count: how many connections at once
    """
    if job.part.validator is not None and job.part.size:
        return None  # a plain download has come a long way already
    part = Part(job.part.target, job.url, SUFFIX)
    try:
        probe = attempts.run(lambda: attempts.open(job.ranged(0, 0, None)))
    except HTTPError as error:
        if error.code != 416:
            raise
        part_from(error)  # an empty file has no first byte
        return None
    with probe:
        found, validator = content_range(probe.headers), strong_validator(probe.headers)
        if probe.code != 206 or found is None or found.total is None or validator is None:
            return None
        probe.read()
    if found.total < 2 * SMALLEST:
        return None
    segments = _kept(part, validator, found.total)
    if segments is None:
        part.begin(validator, found.total)
        with part.open() as file:
            file.truncate(found.total)
        segments = _plan(found.total, count)
        part.note(segments=segments)
    before = sum(done - start for start, done, _ in segments)
    try:
        _Fetch(job, attempts, part, segments).run()
    except _Changed:
        part.discard()
        return None
    job.digests.begin(probe.headers if job.checks_digest else None, is_whole=False)
    with part.open() as file:
        while job.digests.are_needed and (data := file.read(PIECE)):
            job.digests.update(data)
    return job.complete(probe, found.total, before, part)


def _plan(total: int, count: int) -> list[list[int]]:
    """Return the segments: where each begins, how far it has come, and where it ends (that byte is not its own)."""
    count = max(1, min(count, total // SMALLEST))
    bounds = [total * index // count for index in range(count + 1)]
    return [[start, start, end] for start, end in pairwise(bounds)]


def _kept(part: Part, validator: str, total: int) -> list[list[int]] | None:
    """Return the segments that an earlier call has left, if they are of the same state of the file."""
    if not part.load() or (part.validator, part.total, part.size) != (validator, total, total):
        return None
    segments: Any = part.notes.get("segments")  # from a file, so anything
    try:
        ends = [0, *(end for _, _, end in segments)]
        is_whole = ends[-1] == total and all(
            isinstance(done, int) and start == end <= done <= last
            for end, (start, done, last) in zip(ends, segments, strict=False)
        )
    except (TypeError, ValueError):
        return None
    return segments if is_whole else None


class _Fetch:
    """The download of all segments; one connection each."""

    def __init__(self, job: FileJob, attempts: Attempts, part: Part, segments: list[list[int]]) -> None:
        self._job = job
        self._attempts = attempts
        self._part = part
        self._segments = segments
        self._renew_lock()
        renew_in_children(self, _Fetch._renew_lock)
        self._done = sum(done - start for start, done, _ in segments)
        self._noted = self._done
        self._stop = False

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def run(self) -> None:
        """Fetch what is missing; the first failure ends all."""
        self._job.progress(self._done, self._part.total)
        with ThreadPoolExecutor(len(self._segments)) as pool:
            futures = [pool.submit(self._fetch, segment) for segment in self._segments if segment[1] < segment[2]]
            try:
                for future in futures:
                    future.result()
            finally:
                self._stop = True
                pool.shutdown()
                self._part.note(segments=self._segments)

    def _fetch(self, segment: list[int]) -> None:
        before = segment[1]

        def progressed() -> bool:
            nonlocal before
            last, before = before, segment[1]
            return segment[1] > last

        try:
            self._attempts.run(lambda: self._attempt(segment), progressed)
        except BaseException:
            self._stop = True
            raise

    def _attempt(self, segment: list[int]) -> None:
        start, end = segment[1], segment[2]
        request = self._job.ranged(start, end - 1, self._part.validator)
        with self._attempts.open(request) as handle, self._part.open() as file:
            found = content_range(handle.headers)
            if handle.code != 206 or not is_of_state(handle.headers, self._part.validator or ""):
                raise _Changed
            if found is None or (found.first, found.last) != (start, end - 1) or found.total != self._part.total:
                raise URLError(ConnectionError("the response is of another range than was asked for"))
            file.seek(start)
            while not self._stop and segment[1] < end:
                piece = as_url_error(handle.read1, min(PIECE, end - segment[1]))
                if not piece:
                    raise IncompleteRead(b"", end - segment[1])
                write_all(file, piece)
                self._note(segment, len(piece))

    def _note(self, segment: list[int], count: int) -> None:
        with self._lock:
            segment[1] += count
            self._done += count
            if self._done - self._noted >= NOTE_EVERY:
                self._noted = self._done
                self._part.note(segments=self._segments)
            self._job.progress(self._done, self._part.total)
