"""``download_file()``: one URL to a file that is complete and right, or is as it was before."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from contextlib import nullcontext

from coda_network._cache.cache import HTTPCache
from coda_network._download.attempts import Attempts
from coda_network._download.destination import is_replaceable, naming
from coda_network._download.digests import Digests
from coda_network._download.file_job import FileJob
from coda_network._download.file_name import name_for
from coda_network._download.part import Part, locked
from coda_network._download.progress_bar import Show, progress_bar
from coda_network._download.result import FileDownload
from coda_network._download.retry import Retry
from coda_network._net.tls import Cert
from coda_network._opener.handler_list import Handlers
from coda_network._secrets import lets_out_no_secret


@lets_out_no_secret
def download_file(
    url: str,
    path: str | os.PathLike[str],
    proxy_handlers: Handlers = None,
    auth_handlers: Handlers = None,
    cert: Cert | None = None,
    timeout_sec: float | None = None,
    *,
    headers: Mapping[str, str] | None = None,
    resume: bool = True,
    sha256: str | bool | None = None,
    md5: str | bool | None = None,
    check_digest: bool = True,
    keep_mtime: bool = False,
    if_changed: bool = False,
    content_disposition: bool = False,
    progress: Show | bool | None = None,
    segments: int = 1,
    retry: Retry | None = None,
    cache: str | os.PathLike[str] | HTTPCache | None = None,
) -> FileDownload:
    """Download a URL to a file, which appears, or is replaced, when all of it is there and right.

    Until then it is ``PATH.part``, with ``PATH.part.json`` beside it. What breaks off is gone on with, by further
    attempts of this call and by later calls, where the server names the state of the file by a strong validator and the
    file is still in that state; else it begins anew. Attempts that got further do not count. Of several processes that
    want the same file, one works at a time. What is no regular file (a device, a FIFO) is written to as it is.

    :param url: http or https (or file, data, ftp)
    :param path: of the file; links are followed. With *content_disposition*, of a folder
    :param proxy_handlers: as for do_download(), and so the next three
    :param headers: further header fields
    :param resume: go on with what an earlier call has left
    :param sha256: what it has to be, in hexadecimal digits; True has it computed
    :param md5: the same
    :param check_digest: compare with the digest that the response announces (Repr-Digest, Content-Digest, Digest,
        Content-MD5), too
    :param keep_mtime: give the file the time of Last-Modified
    :param if_changed: download only if it is another one than the last time; the validators are kept in
        ``PATH.validators.json``
    :param content_disposition: take the name from the response (RFC 6266, else from the URL), made safe
    :param progress: called with the bytes that are there, and those there will be (None where nobody knows); True shows
        a bar where standard error is a terminal and rich is installed (extra ``cli``)
    :param segments: over how many connections at once, where the server allows it; not with *if_changed*
    :param retry: when to try again; None is ``Retry()``
    :param cache: as for do_download(): from there a file comes whole. What goes on with a part, *segments*, and
        *if_changed* where the file is there, ask the server: ranges are not stored
    :returns: path, status, size and more
    :raises WrongDigest: it has another digest; what came is kept, and ``kept`` says where
    :raises http.client.IncompleteRead: it broke off, after all attempts; the next call goes on
    :raises urllib.error.HTTPError: the server reported an error
    :raises urllib.error.URLError: there was no response, or one that cannot be
    :raises OSError: the file cannot be written, or the folder of the cache, which the error names
    :raises ValueError: the URL or an argument makes no sense
    """
    if segments < 1:
        raise ValueError(f"segments is a number from 1 on, not {segments!r}")
    digests = Digests(sha256, md5)
    job = FileJob(url, dict(headers or {}), resume, digests, check_digest, keep_mtime, if_changed)
    attempts = Attempts(job.request, proxy_handlers, auth_handlers, cert, timeout_sec, retry, cache)
    place = os.fspath(path)
    if content_disposition:
        if not os.path.isdir(place):
            raise NotADirectoryError(errno.ENOTDIR, "with content_disposition, the path is that of a folder", place)
        with attempts.run(attempts.open) as first:
            place = os.path.join(place, name_for(first.headers, first.url or url))
    bar = progress_bar(os.path.basename(place)) if progress is True else nullcontext(progress or None)
    with bar as show, naming(place), attempts.forgetting_what_is_wrong():
        job.progress = show or job.progress
        if not is_replaceable(place):
            return job.straight(attempts, place)
        target = os.path.realpath(place)
        with locked(target, attempts.seconds_left()):
            job.take(place, Part(target, url))
            if segments > 1 and not if_changed:
                from coda_network._download.segments import in_segments

                result = in_segments(job, attempts, segments)
                if result is not None:
                    return result
            return attempts.run(lambda: job.attempt(attempts), progressed=job.got_further)
