"""`coda-network get`: one download, to a file or to standard output."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import IncompleteRead, InvalidURL
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit, urlunsplit

from coda_network import utilities

OK = 0
FAILED = 1
"""No answer, a download that broke off, or a file that cannot be written."""
USAGE = 2
"""The URL makes no sense."""
REFUSED = 3
"""The server or the proxy answered with an error."""
INTERRUPTED = 130
"""Ctrl-C; what shells show for SIGINT."""

PIECE = 65536
"""Bytes that are written at once."""


def get(url: str, output: str | None = None) -> int:
    """Download a URL and return the exit code: 0, or another with one line on standard error that says why not.

    :param url: http or https (or file, data, ftp), perhaps with a login in it, which is never printed
    :param output: the file to write. It appears when it is complete; until then the name has `.part` behind it. None
        or `-` is standard output
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
        # Whoever read our output has gone, as `head` does. Nothing is left to say, and the flush at the end of the
        # process must not fail.
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
        # The messages of these repeat what may be a part of a password.
        return _complain("the URL cannot be used; it should look like https://host/path", USAGE)
    except OSError as error:
        place = f"{error.filename}: " if isinstance(error.filename, str) else f"{shown(url)}: "
        return _complain(f"{place}{_reason(error)}", FAILED)


def shown(url: str) -> str:
    """Return a URL in the form in which it may be printed: without the login in it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "the URL"
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@contextmanager
def _destination(output: str | None) -> Iterator[IO[bytes]]:
    """Open what is written to; a file gets its name when all of it is there, and is removed where it is not."""
    if output is None or output == "-":
        yield sys.stdout.buffer
        return
    part = f"{output}.part"
    with open(part, "wb") as file:
        try:
            yield file
        except BaseException:
            file.close()
            os.unlink(part)
            raise
    os.replace(part, output)


@contextmanager
def _progress(handle: Any) -> Iterator[Callable[[int], object]]:
    """Show on a terminal how far the download is, where rich is installed; yield what is to be told of each piece."""
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
    """Return why nobody could log in, where somebody tried."""
    report = getattr(source, "auth_report", None)
    lines = str(report).splitlines() if report is not None else []
    return f" ({'; '.join(lines)})" if lines else ""


def _reason(reason: object) -> str:
    text = (isinstance(reason, OSError) and reason.strerror) or str(reason) or type(reason).__name__
    return " ".join(str(text).split())


def _missing(error: IncompleteRead) -> str:
    return f", {error.expected} bytes are missing" if error.expected else ""


def _complain(text: str, code: int) -> int:
    print(f"coda-network get: {text}", file=sys.stderr)
    return code
