"""``coda-network get``: downloads, to files or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext
from http.client import IncompleteRead, InvalidURL
from typing import IO, Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from coda_network import utilities
from coda_network._download.destination import destination
from coda_network._download.digests import Digests
from coda_network._download.file_name import name_for
from coda_network._download.progress_bar import Show, progress_bar
from coda_network._download.retry import Retry
from coda_network._secrets import hide_userinfo
from coda_network._settings.options import BAD_SETTINGS, story_of
from coda_network._settings.process import settle

OK = 0
FAILED = 1
"""No response, a download that broke off, or a file that cannot be written."""
USAGE = 2
"""The URL cannot be used."""
REFUSED = 3
"""The server or the proxy responded with an error status."""
WRONG = 4
"""What came has another digest than it should have."""
INTERRUPTED = 130
"""Ctrl-C; the code that shells show for SIGINT."""

PIECE = 65536
"""The most bytes that are written at once."""


class Wishes(NamedTuple):
    """What the command line asks for, for each URL."""

    headers: Mapping[str, str] = {}
    method: str | None = None
    data: str | None = None
    json: str | None = None
    sha256: str | None = None
    resume: bool = False
    compressed: bool = False
    head: bool = False
    retries: int = 0
    cache: utilities.HTTPCache | None = None
    shows_progress: bool = True


def run(options: Any) -> int:
    """Do what the parsed command line says.

    :param options: of the command line
    :returns: the exit code; of several URLs the greatest one
    """
    try:
        with story_of(options), settle(options):
            return _run(options)
    except BAD_SETTINGS as error:
        return _complain(str(error), USAGE)


def _run(options: Any) -> int:
    try:
        urls = [*options.urls, *_listed(options.input)]
        jobs = _jobs(urls, options)
        wishes = Wishes(
            _fields(options.header), options.method, _joined(options.data), options.json, options.sha256,
            options.resume, options.compressed, options.head, options.retry,
            None if options.cache is None else utilities.HTTPCache(options.cache),
            shows_progress=not options.quiet,
        )  # fmt: skip
    except OSError as error:
        return _complain(f"{error.filename}: {_reason(error)}", FAILED)
    except ValueError as error:
        return _complain(str(error), USAGE)
    if options.parallel == 1 or len(jobs) == 1:
        return max(get(url, output, wishes) for url, output in jobs)
    with ThreadPoolExecutor(options.parallel) as pool:
        try:
            return max(pool.map(lambda job: get(job[0], job[1], wishes), jobs))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            return _complain("interrupted", INTERRUPTED)


def get(url: str, output: str | None = None, wishes: Wishes | None = None) -> int:
    """Download a URL; where that fails, print one line on standard error that says why.

    :param url: http or https (or file, data, ftp); a password in it is never printed
    :param output: the file to write. It appears when it is complete; until then it is called ``FILE.part``. None or
        ``-`` is standard output
    :param wishes: what else the command line asks for
    :returns: the exit code, one of those above
    """
    try:
        _download(url, output, wishes or Wishes())
        return OK
    except KeyboardInterrupt:
        return _complain("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone, as ``head`` does. Point standard output elsewhere, so that the flush at
        # the end of the process does not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except HTTPError as error:
        with error:
            return _complain(f"{shown(url)}: {error.code} {error.reason}{_report(error.fp)}", REFUSED)
    except utilities.TunnelRefused as error:
        error.fp.close()
        return _complain(f"{shown(url)}: {error.reason}{_report(error)}", REFUSED)
    except URLError as error:
        return _complain(f"{shown(url)}: {_reason(error.reason)}", FAILED)
    except IncompleteRead as error:
        return _complain(f"{shown(url)}: the connection ended too early{_missing(error)}", FAILED)
    except utilities.WrongDigest as error:
        return _complain(f"{shown(url)}: {error}", WRONG)
    except _Unusable as error:
        return _complain(str(error), USAGE)
    except (InvalidURL, ValueError):
        # Not the error's own message: it may repeat a part of a password.
        return _complain("the URL cannot be used; it should look like https://host/path", USAGE)
    except OSError as error:
        place = f"{error.filename}: " if isinstance(error.filename, str) else f"{shown(url)}: "
        return _complain(f"{place}{_reason(error)}", FAILED)


def _download(url: str, output: str | None, wishes: Wishes) -> None:
    headers, retry = dict(wishes.headers), Retry(attempts=wishes.retries + 1)
    if not wishes.compressed:
        headers.setdefault("Accept-Encoding", "identity")
    try:
        digests = Digests(wishes.sha256)
    except ValueError as error:
        raise _Unusable(str(error)) from None
    to_file = output is not None and output != "-"
    if wishes.resume and to_file:
        assert output is not None
        with _bar(wishes, output) as show:
            utilities.download_file(
                url, output, headers=headers, sha256=wishes.sha256, retry=retry, progress=show, check_digest=True,
                cache=wishes.cache,
            )  # fmt: skip
        return
    method = wishes.method or ("HEAD" if wishes.head else None)
    with ExitStack() as files:
        data = _body(wishes, headers, files)
        handle = files.enter_context(
            utilities.create_download_handle(
                url, data=data, headers=headers, method=method, retry=retry, cache=wishes.cache
            )
        )
        file = files.enter_context(_destination(output))
        if wishes.head:
            version = {10: "1.0"}.get(getattr(handle, "version", 11), "1.1")
            head = f"HTTP/{version} {handle.code} {handle.reason}\n{handle.headers}".rstrip("\n")
            file.write(head.encode("latin-1", "replace") + b"\n")
        digests.begin()
        with _bar(wishes, output) as show:
            total, done = getattr(handle, "length", None), 0
            while piece := handle.read1(PIECE):
                digests.update(piece)
                file.write(piece)
                done += len(piece)
                show(done, total)
            file.flush()
        if (wrong := digests.wrong()) is not None:
            if wishes.cache is not None:
                for each in (url, handle.url):
                    wishes.cache.forget(each)
            raise utilities.WrongDigest(*wrong)


class _Unusable(ValueError):
    """An argument that cannot be used; its message holds no secret."""


def _body(wishes: Wishes, headers: dict[str, str], files: ExitStack) -> Any:
    """Return the body of the request; a file is read while it is sent."""
    text = wishes.json if wishes.json is not None else wishes.data
    if wishes.json is not None:
        headers.setdefault("Content-Type", "application/json")
    if text is None or not text.startswith("@"):
        return text
    if text == "@-":
        return sys.stdin.buffer.read()
    file = files.enter_context(open(text[1:], "rb"))  # noqa: SIM115  # it is closed with the others
    headers.setdefault("Content-Length", str(os.fstat(file.fileno()).st_size))
    return file


def _jobs(urls: list[str], options: Any) -> list[tuple[str, str | None]]:
    """Return the URLs with the files that they go to.

    :raises ValueError: they do not fit each other
    """
    if not urls:
        raise ValueError("there is no URL: name one, or a list of them with -i FILE")
    if options.parallel < 1 or options.retry < 0:
        raise ValueError("--parallel takes a number from 1 on, --retry one from 0 on")
    if options.remote_name:
        if options.output:
            raise ValueError("-o and -O exclude each other")
        return [(url, name_for({}, url)) for url in urls]
    if len(urls) > 1 and (options.output or options.parallel > 1 or options.sha256):
        raise ValueError("of several URLs each goes to a file of its own: use -O")
    if options.resume and options.output in (None, "-"):
        raise ValueError("--resume needs a file: use -o or -O")
    return [(url, options.output) for url in urls]


def _listed(path: str | None) -> list[str]:
    """Return the URLs in a list: one a line, without empty lines and those that begin with ``#``."""
    if path is None:
        return []
    if path == "-":
        lines = sys.stdin.read().splitlines()
    else:
        with open(path, encoding="utf-8") as file:
            lines = file.read().splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _fields(given: list[str] | None) -> dict[str, str]:
    fields = {}
    for line in given or []:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise ValueError("-H takes a header field: 'Name: value'")
        fields[name.strip()] = value.strip()
    return fields


def _joined(given: list[str] | None) -> str | None:
    if not given:
        return None
    if len(given) > 1 and any(each.startswith("@") for each in given):
        raise ValueError("-d @FILE stands alone")
    return "&".join(given)


def shown(url: str) -> str:
    """Return a URL as it may be printed: without its userinfo."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    if not parts.netloc and parts.scheme not in ("file", "data"):
        return hide_userinfo(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _destination(output: str | None) -> AbstractContextManager[IO[bytes]]:
    """Return the block that opens what is written to."""
    return nullcontext(sys.stdout.buffer) if output is None or output == "-" else destination(output)


def _bar(wishes: Wishes, output: str | None) -> AbstractContextManager[Show]:
    """Return the block that shows progress, where that is wanted."""
    if not wishes.shows_progress:
        return nullcontext(lambda done, total: None)
    return progress_bar("" if output is None else os.path.basename(output))


def _report(source: Any) -> str:
    """Return the report of a login that failed, in brackets; empty where there was none."""
    report = getattr(source, "auth_report", None)
    lines = str(report).splitlines() if report is not None else []
    return f" ({'; '.join(lines)})" if lines else ""


def _reason(reason: object) -> str:
    text = (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__
    return " ".join(str(text).split())


def _missing(error: IncompleteRead) -> str:
    if error.expected:
        return f", {error.expected} bytes are missing"
    reason = getattr(error, "reason", None)
    return f": {reason}" if reason else ""


def _complain(text: str, code: int) -> int:
    print(f"coda-network get: {text}", file=sys.stderr)
    return code
