"""The head of a message as bytes: status line, header lines, what is legal in each.

Nothing here reads: the functions take a head that somebody has read whole, or one line of it.
"""

from __future__ import annotations

import http.client
import io
import re
import sys

TYPE_CHECKING = False  # which type checkers take for true; importing `typing` costs more than all of this
if TYPE_CHECKING:
    from typing import Protocol

    class LineReader(Protocol):
        """What a head can be read from: a file, buffered or faked."""

        def readline(self, limit: int, /) -> bytes: ...


MAX_LINE = 65536
"""Bytes of the longest line that is read (http.client's limit)."""

MAX_HEADERS = 100
"""Header lines in one head (http.client's limit)."""

MAX_INTERIM = 100
"""1xx answers before the final one; a peer that sends more is not going to answer."""

# Python before 3.15 counts the empty line at the end of a head as one of its header lines.
_BEYOND_LIMIT = 1 if sys.version_info >= (3, 15) else 0

# RFC 9110 5.6.2.
_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"

# RFC 9112 4: the reason may be missing together with its space; white space is read leniently, as http.client does.
_status_line = re.compile(rb"(HTTP/[^ \t\r\n\0]+)[ \t]+([1-9][0-9][0-9])(?:[ \t]+([^\r\n\0]*?))?[ \t]*\r?\n?").fullmatch

# The ordinary head, recognised in one scan: every line a token, a colon and a value, no folding, CRLF throughout.
_plain_fields = re.compile(rb"(?:" + _TOKEN + rb":[^\0\r\n]*\r\n)*\r\n").fullmatch

# RFC 9112 5.1: white space between the name and the colon has been used to smuggle responses past proxies.
_space_before_colon = re.compile(rb"^" + _TOKEN + rb"[ \t]+:", re.MULTILINE).search
_bare_cr = re.compile(rb"\r(?!\n)").search


def parse_status_line(line: bytes) -> tuple[str, int, str]:
    """Return the version, the status and the reason of a status line (RFC 9112 4).

    :raises http.client.BadStatusLine: the line is none, HTTP/0.9 bodies included
    """
    found = _status_line(line)
    if found is None:
        raise http.client.BadStatusLine(line.decode("iso-8859-1"))
    version, status, reason = found.groups(b"")
    return version.decode("ascii", "replace"), int(status), reason.decode("iso-8859-1")


def version_number(version: str) -> int:
    """Return 10 or 11, the way http.client numbers versions; later 1.x count as 1.1 (RFC 9110 2.5).

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
    """Tell whether another answer follows (RFC 9110 15.2); 101 is the last that HTTP says on a connection."""
    return 100 <= status < 200 and status != 101


def most_interim() -> int:
    """Return how many interim responses are skipped: as many as http.client skips where it has a limit."""
    limit: int = getattr(http.client, "_MAXINTERIMRESPONSES", MAX_INTERIM)
    return limit


def read_field_lines(source: LineReader, limit: int | None = None, kind: str = "headers") -> list[bytes]:
    """Read header lines up to and including the empty one; the end of the file ends them too.

    :param limit: header lines that are allowed; None for as many as http.client allows
    :param kind: what to call the lines in an error
    :raises http.client.LineTooLong: a line longer than http.client allows
    :raises http.client.HTTPException: more lines than allowed
    """
    # Looked up when they are needed: programs set them to read heads that are larger than usual.
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
    """Refuse lines of a head of which the last was cut: what is left may say the opposite of the whole (RFC 9112 8).

    A head that ends behind a line, only without the empty one, passes, as it does in http.client.

    :raises http.client.RemoteDisconnected: the connection ended in the middle of a line
    """
    last = b"".join(lines[-2:])
    if last and not last.endswith(b"\n"):
        raise http.client.RemoteDisconnected("Remote end closed connection in the middle of the head")


def check_field_lines(fields: bytes) -> None:
    """Refuse what different parsers read differently, so that nobody is smuggled past (RFC 9112 2.2, 5.1).

    :raises http.client.HTTPException: NUL or a bare CR anywhere, or white space before a colon
    """
    if _plain_fields(fields):
        return
    if b"\0" in fields:
        raise http.client.HTTPException("NUL in the headers of the answer")
    if _bare_cr(fields):
        raise http.client.HTTPException("bare CR in the headers of the answer")
    if _space_before_colon(fields):
        raise http.client.HTTPException("white space before a colon in the headers of the answer")


def parse_fields(fields: bytes) -> http.client.HTTPMessage:
    """Return header lines as the message that http.client makes of them.

    Ordinary heads are split here; anything odd (folded lines, lines without a colon, bare LF) goes to the standard
    library's parser, so that the result is the same, field by field.
    """
    if not _plain_fields(fields):
        return http.client.parse_headers(io.BytesIO(fields))
    message = http.client.HTTPMessage()
    for line in fields[:-4].decode("iso-8859-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name:
            message.set_raw(name, value.lstrip(" \t"))
    if message.get_content_maintype() in ("multipart", "message"):
        # The standard library's parser notes defects on these, or makes a message in the message.
        return http.client.parse_headers(io.BytesIO(fields))
    message.set_payload("")
    return message


_login = re.compile(rb"^((?:proxy-)?authorization:[ \t]*[^ \t\r\n]+)[ \t]+[^\r\n]*", re.IGNORECASE | re.MULTILINE)


def without_logins(message: bytes) -> bytes:
    """Return a request with the credentials taken out of its Authorization fields, for people to read."""
    return _login.sub(rb"\1 (hidden)", message)
