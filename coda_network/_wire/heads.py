"""The head of a response as bytes: the status line and the header section, and what is legal in each.

Only ``read_field_lines()`` reads, from a file that it is given. The other functions take what has been read.
"""

from __future__ import annotations

import http.client
import io
import re
import sys

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Protocol

    class LineReader(Protocol):
        """What a head can be read from: a buffered file, or a stand-in for one."""

        def readline(self, limit: int, /) -> bytes: ...


MAX_LINE = 65536
"""The length of the longest line that is read, in bytes (http.client's limit)."""

MAX_HEADERS = 100
"""The most header lines in one head (http.client's limit)."""

MAX_INTERIM = 100
"""The most 1xx responses before the final one: a peer that sends more never comes to it."""

# Python 3.15 does not count the empty line at the end of a head as a header line; older versions do.
_BEYOND_LIMIT = 1 if sys.version_info >= (3, 15) else 0

# RFC 9110 section 5.6.2.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# RFC 9112 section 4. The reason may be missing, with its space; white space is read as leniently as by http.client.
_status_line = re.compile(rb"(HTTP/[^ \t\r\n\0]+)[ \t]+([1-9][0-9][0-9])(?:[ \t]+([^\r\n\0]*?))?[ \t]*\r?\n?").fullmatch

# An ordinary header section: on each line a token, a colon and a value, then CRLF; no line is folded.
_plain_fields = re.compile(rb"(?:" + _TOKEN + rb":[^\0\r\n]*\r\n)*\r\n").fullmatch

# RFC 9112 section 5.1: white space between name and colon has been used to smuggle responses past proxies.
_space_before_colon = re.compile(rb"^" + _TOKEN + rb"[ \t]+:", re.MULTILINE).search
_bare_cr = re.compile(rb"\r(?!\n)").search


def parse_status_line(line: bytes) -> tuple[str, int, str]:
    """Return the version, the status and the reason of a status line (RFC 9112 section 4).

    :raises http.client.BadStatusLine: it is not a status line; that includes HTTP/0.9, which has none
    """
    found = _status_line(line)
    if found is None:
        raise http.client.BadStatusLine(line.decode("iso-8859-1"))
    version, status, reason = found.groups(b"")
    return version.decode("ascii", "replace"), int(status), reason.decode("iso-8859-1")


def version_number(version: str) -> int:
    """Return 10 or 11, which is how http.client numbers versions; later 1.x count as 1.1 (RFC 9110 section 2.5).

    :raises http.client.UnknownProtocol: the major version is not 1
    """
    if version == "HTTP/1.1":
        return 11
    if version in ("HTTP/1.0", "HTTP/0.9"):
        return 10
    if version.startswith("HTTP/1."):
        return 11
    raise http.client.UnknownProtocol(version)


def is_interim(status: int) -> bool:
    """Return whether another response follows (RFC 9110 section 15.2). None does after 101: HTTP ends there."""
    return 100 <= status < 200 and status != 101


def most_interim() -> int:
    """Return how many interim responses to skip: http.client's limit, where it has one."""
    limit: int = getattr(http.client, "_MAXINTERIMRESPONSES", MAX_INTERIM)
    return limit


def read_field_lines(source: LineReader, limit: int | None = None, kind: str = "headers") -> list[bytes]:
    """Read and return header lines, up to and including the empty one, or up to the end of the file.

    :param limit: the most header lines; None for http.client's limit
    :param kind: what to call the lines in an error
    :raises http.client.LineTooLong: a line is longer than http.client allows
    :raises http.client.HTTPException: there are more lines than allowed
    """
    # Looked up at each call: programs raise these limits.
    longest: int = http.client._MAXLINE  # type: ignore[attr-defined]  # private, but known to many programs
    most: int = http.client._MAXHEADERS if limit is None else limit  # type: ignore[attr-defined]  # likewise
    most_lines = most + _BEYOND_LIMIT
    lines: list[bytes] = []
    while True:
        line = source.readline(longest + 1)
        if len(line) > longest:
            raise http.client.LineTooLong("header line")
        lines.append(line)
        if len(lines) > most_lines:
            raise http.client.HTTPException(f"got more than {most} {kind}")
        if line in (b"\r\n", b"\n", b""):
            return lines


def refuse_cut(lines: list[bytes]) -> None:
    """Refuse a head whose last line was cut: the rest may say the opposite of the whole line (RFC 9112 section 8).

    A head that ends with a whole line, only without the empty one, passes: http.client accepts it too.

    :raises http.client.RemoteDisconnected: the connection ended in the middle of a line
    """
    last = b"".join(lines[-2:])
    if last and not last.endswith(b"\n"):
        raise http.client.RemoteDisconnected("Remote end closed connection in the middle of the head")


def check_field_lines(fields: bytes) -> None:
    """Refuse a header section that parsers read differently: it could smuggle a response (RFC 9112 sections 2.2, 5.1).

    :raises http.client.HTTPException: there is NUL or a bare CR, or white space before a colon
    """
    if _plain_fields(fields):
        return
    if b"\0" in fields:
        raise http.client.HTTPException("NUL in the headers of the response")
    if _bare_cr(fields):
        raise http.client.HTTPException("bare CR in the headers of the response")
    if _space_before_colon(fields):
        raise http.client.HTTPException("white space before a colon in the headers of the response")


def parse_fields(fields: bytes) -> http.client.HTTPMessage:
    """Return the message that http.client makes of a header section.

    Ordinary header sections are split here. Folded lines, lines without a colon and bare LF are left to the standard
    library's parser. The result is the same, field by field.
    """
    if not _plain_fields(fields):
        return http.client.parse_headers(io.BytesIO(fields))
    message = http.client.HTTPMessage()
    for line in fields[:-4].decode("iso-8859-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name:
            message.set_raw(name, value.lstrip(" \t"))
    if message.get_content_maintype() in ("multipart", "message"):
        # The standard library's parser notes defects of these, or parses a message inside the message.
        return http.client.parse_headers(io.BytesIO(fields))
    message.set_payload("")
    return message


_authorization = re.compile(
    rb"^((?:proxy-)?authorization:[ \t]*[^ \t\r\n]+)[ \t]+[^\r\n]*", re.IGNORECASE | re.MULTILINE
)


def hide_authorization(message: bytes) -> bytes:
    """Return a request whose authorization is hidden, for people to read."""
    return _authorization.sub(rb"\1 (hidden)", message)
