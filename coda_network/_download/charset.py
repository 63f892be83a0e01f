"""The text of a body: in the charset that the response, or the text itself, names."""

from __future__ import annotations

import codecs
import json
import re
from typing import Any

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# As far as browsers look for it (WHATWG HTML, "prescan a byte stream").
_PRESCAN = 1024
_META = re.compile(rb"<meta[^>]{0,500}?charset\s*=\s*[\"']?\s*([a-zA-Z0-9_.:-]{1,40})", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([a-zA-Z0-9_.:-]{1,40})[\"']")


def charset_of(data: bytes, content_type: str | None, parameter: str | None) -> str:
    """Return the name of the charset of a body, which Python knows.

    The order is the WHATWG's: a byte order mark, what the header says, what an HTML or XML page says of itself; then
    UTF-8 where the bytes are that, and else windows-1252.

    :param data: the body
    :param content_type: its media type, in lower case
    :param parameter: the ``charset`` of Content-Type
    """
    for mark, name in _BOMS:
        if data.startswith(mark):
            return name
    if (known := _known(parameter)) is not None:
        return known
    if content_type != "application/json":  # which is UTF-8 (RFC 8259 section 8.1)
        for pattern in (_XML, _META):
            found = (pattern.match if pattern is _XML else pattern.search)(data[:_PRESCAN])
            if found and (known := _known(found[1].decode("ascii"))) is not None:
                # A page that could be read this far is not in UTF-16, whatever it says.
                return "utf-8" if known.startswith("utf-16") else known
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8"


def _known(name: str | None) -> str | None:
    if not name:
        return None
    try:
        found = codecs.lookup(name.strip().strip("\"'"))
    except (LookupError, ValueError):
        return None
    if not getattr(found, "_is_text_encoding", True):
        return None
    # Browsers read both as windows-1252, and so pages are written.
    return "cp1252" if found.name in ("iso8859-1", "ascii") else found.name


def text_of(data: bytes, headers: Any) -> str:
    """Return a body as text; what is no text in its charset becomes U+FFFD.

    :param headers: of the response; None where there are none
    """
    content_type = headers.get_content_type() if headers is not None and "Content-Type" in headers else None
    parameter = headers.get_param("charset") if content_type else None
    return data.decode(charset_of(data, content_type, parameter if isinstance(parameter, str) else None), "replace")


def json_of(data: bytes) -> Any:
    """Return what a body in JSON says; its charset shows in its first bytes.

    :raises ValueError: it is no JSON
    """
    try:
        return json.loads(data)
    except UnicodeDecodeError as error:
        raise ValueError(f"the body is no JSON: {error}") from None
