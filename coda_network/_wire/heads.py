"""The head of a response as bytes: the status line and the header section, and what is legal in each.

Only ``read_field_lines()`` reads, from a file that it is given. The other functions take what has been read.
"""

from __future__ import annotations

import email.errors
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

_MOST_SHOWN = 500  # bytes of what is no status line, in an error

# The empty line at the end of a head is a header line to Python before 3.15: it is counted, and printed.
_END_IS_A_LINE = sys.version_info < (3, 15)

# RFC 9112 section 4. The reason may be missing, with its space; white space is read as leniently as by http.client.
_status_line = re.compile(rb"(HTTP/[^ \t\r\n\0]+)[ \t]+([1-9][0-9][0-9])(?:[ \t]+([^\r\n\0]*?))?[ \t]*\r*\n?").fullmatch

# The shape of a header section is what is left of it without all other characters. In an ordinary one each line is a
# colon, then any colons and white space, then CRLF: no fold, NUL or bare CR, no white space before the colon, and no
# line without one. Which bytes a name may have is not asked. An expression over all of the bytes took 10 ms for 1 MiB,
# and this takes 1.
_beside_the_shape = bytes(byte for byte in range(256) if byte not in b"\0\r\n\t :")
_plain_shape = re.compile(rb"(?::[\t :]*\r\n)*").fullmatch


_begins_a_field = re.compile(rb"[^\t :]*:").match


def parse_status_line(line: bytes) -> tuple[str, int, str]:
    """Return the version, the status and the reason of a status line (RFC 9112 section 4).

    :raises http.client.BadStatusLine: it is not a status line; that includes HTTP/0.9, which has none
    """
    found = _status_line(line)
    if found is None:
        raise http.client.BadStatusLine(line[:_MOST_SHOWN].decode("iso-8859-1"))
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
    lines: list[bytes] = []
    while True:
        line = source.readline(longest + 1)
        if len(line) > longest:
            raise http.client.LineTooLong("header line")
        is_end = line in (b"\r\n", b"\n", b"")
        if len(lines) >= most and (_END_IS_A_LINE or not is_end):
            raise http.client.HTTPException(f"got more than {most} {kind}")
        lines.append(line)
        if is_end:
            return lines


def lines_to_print(lines: list[bytes]) -> list[bytes]:
    """Return those of the header lines that the running Python's http.client prints at a debug level."""
    return lines if _END_IS_A_LINE else lines[:-1]


def refuse_cut_status(line: bytes) -> None:
    """Refuse a status line that was cut. Text that does not begin like one is left to ``parse_status_line()``.

    :raises http.client.RemoteDisconnected: the connection ended in the middle of the line
    """
    if not line.endswith(b"\n") and line.startswith(b"HTTP/"[: len(line)]):
        raise http.client.RemoteDisconnected("Remote end closed connection in the middle of the head")


def refuse_cut(lines: list[bytes]) -> None:
    """Refuse a header section without its end: what was cut off may have been the length (RFC 9112 section 8).

    :raises http.client.RemoteDisconnected: the connection ended before the empty line
    """
    if lines[-1] not in (b"\r\n", b"\n"):
        raise http.client.RemoteDisconnected("Remote end closed connection in the middle of the head")


def is_plain(fields: bytes) -> bool:
    """Return whether a header section, with its empty line, is an ordinary one, which everybody reads alike."""
    if not fields.endswith(b"\r\n\r\n"):
        return fields == b"\r\n"
    if fields.count(b"\r\n") != fields.count(b"\n"):
        return False  # in the shape a CR and a LF come together that are apart in the fields
    return _plain_shape(fields.translate(None, _beside_the_shape)[:-2]) is not None


def is_odd(fields: bytes) -> bool:
    """Return whether recipients read this header section in different ways (RFC 9112 sections 2.2, 5.1).

    Odd are white space before a colon, a line without a colon, and a bare CR. The fields are read, but the connection
    must not be used again: the bytes behind may have been smuggled past an intermediary.

    :raises http.client.HTTPException: there is NUL, which no recipient accepts
    """
    if is_plain(fields):
        return False
    if b"\0" in fields:
        raise http.client.HTTPException("NUL in the header section of the response")
    lines = fields.replace(b"\r\n", b"\n").split(b"\n")
    return any(b"\r" in line or not (line[:1] in b" \t" or _begins_a_field(line)) for line in lines if line)


def parse_fields(fields: bytes) -> http.client.HTTPMessage:
    """Return the fields of a header section; each line is read by itself, so that an odd one hides no other.

    The standard library's parser ends the header section at a line without a colon, and at a name with white space or
    a byte beyond ASCII. It loses the fields behind it, framing included. Here such a name loses the white space around
    it (RFC 9112 section 5.1), and a bare CR is a space (RFC 9110 section 5.5). A line without a colon or without a name
    is no field; as in the standard library it is a defect of the message and part of its payload, where urllib3 looks.
    Values lose the white space around them; folded lines stay folded, as in the standard library.
    """
    message = http.client.HTTPMessage()
    text = fields.decode("iso-8859-1")
    lines = text[:-4].split("\r\n") if is_plain(fields) else _unfolded(text)
    unread: list[str] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if colon and (name := name.strip(_SPACE)):
            message.set_raw(name, value.strip(_SPACE))
        elif line:
            unread.append(line)
            message.defects.append(_defect(colon))
    if message.get_content_maintype() in ("multipart", "message"):
        # The standard library's parser notes defects of these, or parses a message inside the message.
        section = "".join(f"{name}: {value}\r\n" for name, value in message.raw_items())
        return http.client.parse_headers(io.BytesIO(f"{section}\r\n".encode("iso-8859-1")))
    message.set_payload("".join(f"{line}\r\n" for line in unread))
    return message


def _defect(colon: str) -> email.errors.MessageDefect:
    if colon:
        return email.errors.InvalidHeaderDefect("Missing header name.")
    return email.errors.MissingHeaderBodySeparatorDefect()


# White space around names and values (RFC 9110 section 5.6.3), and the line end of a fold with nothing behind it.
_SPACE = " \t\r\n"


def _unfolded(text: str) -> list[str]:
    """Return the fields of a header section, each with the lines that continue it and the line ends between."""
    fields: list[str] = []
    end = ""
    for line in text.split("\n"):
        content = line.removesuffix("\r")
        spaced = content.replace("\r", " ")
        if content[:1] not in (" ", "\t"):
            fields.append(spaced)
        elif fields:  # else it continues nothing
            fields[-1] += end + spaced
        end = line[len(content) :] + "\n"
    return fields


_authorization = re.compile(
    rb"^((?:(?:proxy-)?authorization|x-wsse):[ \t]*[^ \t\r\n]+)[ \t]+[^\r\n]*", re.IGNORECASE | re.MULTILINE
)


_userinfo = re.compile(rb"^([^\r\n]*? [^ /\r\n]*//|host:[ \t]*)[^/?#\r\n]*@", re.IGNORECASE | re.MULTILINE)


def hide_authorization(message: bytes) -> bytes:
    """Return a request whose authorization is hidden, and userinfo in its target or Host, for people to read."""
    head, end, body = message.partition(b"\r\n\r\n")
    if b"@" in head:
        head = _userinfo.sub(rb"\1(hidden)@", head)
    return _authorization.sub(rb"\1 (hidden)", head) + end + body


_long_token = re.compile(r"\b(NTLM|Negotiate)[ \t]+[A-Za-z0-9+/=]{16,}", re.IGNORECASE)


def hide_token(value: str) -> str:
    """Return the value of a field of a response whose token is hidden, for people to read."""
    return _long_token.sub(r"\1 (hidden)", value)
