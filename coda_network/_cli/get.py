"""``coda-network get``: one download, to a file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from http.client import IncompleteRead, InvalidURL
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from coda_network import utilities
from coda_network._download.destination import destination
from coda_network._secrets import hide_userinfo

OK = 0
FAILED = 1
"""No response, a download that broke off, or a file that cannot be written."""
USAGE = 2
"""The URL cannot be used."""
REFUSED = 3
"""The server or the proxy responded with an error status."""
INTERRUPTED = 130
"""Ctrl-C; the code that shells show for SIGINT."""

PIECE = 65536
"""The most bytes that are written at once."""


def get(url: str, output: str | None = None) -> int:
    """Download a URL; where that fails, print one line on standard error that says why.

    :param url: http or https (or file, data, ftp); a password in it is never printed
    :param output: the file to write. It appears when it is complete; until then it is called ``FILE.part``. None or
        ``-`` is standard output
    :returns: the exit code, one of those above
    """
    try:
        with utilities.create_download_handle(url) as handle, _destination(output) as file:
            with _progress(handle) as advance:
                while data := handle.read1(PIECE):
                    file.write(data)
                    advance(len(data))
                file.flush()
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
    except (InvalidURL, ValueError):
        # Not the error's own message: it may repeat a part of a password.
        return _complain("the URL cannot be used; it should look like https://host/path", USAGE)
    except OSError as error:
        place = f"{error.filename}: " if isinstance(error.filename, str) else f"{shown(url)}: "
        return _complain(f"{place}{_reason(error)}", FAILED)


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


@contextmanager
def _progress(handle: Any) -> Iterator[Callable[[int], object]]:
    """Show progress on a terminal where rich is installed; yield the function to call with the size of each piece."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn
    except ImportError:
        yield lambda count: None
        return
    columns = BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=getattr(handle, "length", None))
        yield lambda count: progress.advance(task, count)


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
