"""The name that a response gives a file (RFC 6266), made safe: a name in a folder, on every system."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

_PARAMETER = re.compile(r';\s*(filename\*?)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)', re.IGNORECASE | re.DOTALL)
_EXTENDED = re.compile(r"(utf-8|iso-8859-1)'[^']*'(.*)", re.IGNORECASE | re.DOTALL)
# Windows takes these for devices, whatever their extension.
_DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])\s*(\..*)?", re.IGNORECASE)
_MOST_BYTES = 200  # most systems take 255, and something stands behind the name for a while
_BIDI = "\u200e\u200f\u202a-\u202e\u2066-\u2069"


def name_for(headers: Any, url: str) -> str:
    """Return the name of the file in a response: of Content-Disposition, else of its URL, else ``download``.

    :param headers: of the response
    :param url: of the response, after redirects
    """
    given = disposition_name(headers.get("Content-Disposition") or "")
    try:
        path = urlsplit(url).path
    except ValueError:
        path = ""
    return (given and safe_name(given)) or safe_name(unquote(path.rpartition("/")[2])) or "download"


def disposition_name(value: str) -> str | None:
    """Return the file name in a Content-Disposition, as it stands there: ``filename*`` before ``filename``."""
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(";" + value.partition(";")[2]):
        found.setdefault(match[1].lower(), match[2].strip())
    extended = _EXTENDED.fullmatch(found.get("filename*", ""))
    if extended is not None:
        try:
            return unquote_to_bytes(extended[2]).decode(extended[1])
        except UnicodeDecodeError:
            pass
    plain = found.get("filename")
    if plain is None:
        return None
    if plain.startswith('"'):
        plain = re.sub(r"\\(.)", r"\1", plain[1:-1], flags=re.DOTALL)
    try:
        # Servers send UTF-8, which http.client reads as Latin-1.
        return plain.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return plain


def safe_name(name: str) -> str:
    """Return a name without folders, control characters, and what a system takes for something else; may be empty."""
    name = re.split(r"[/\\]", name)[-1]
    name = re.sub(f'[\x00-\x1f\x7f-\x9f<>:"|?*{_BIDI}]', "_", name).strip(" .")
    if _DEVICES.fullmatch(name):
        name = "_" + name
    stem, dot, extension = name.rpartition(".")
    while len(name.encode("utf-8", "replace")) > _MOST_BYTES:
        if stem and len(extension) < 20:
            stem = stem[:-1]
            name = stem.rstrip(" .") + dot + extension
        else:
            name = name[:-1].rstrip(" .")
    return name.encode("utf-8", "replace").decode()
