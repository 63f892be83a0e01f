"""Header fields on their way through a proxy (RFC 9110 section 7.6)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from http.client import HTTPMessage

from coda_network._wire.framing import tokens

Fields = list[tuple[str, str]]

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authentication-info",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "transfer-encoding",
        "upgrade",
    }
)

# What a sender could not mean by naming it in Connection: without it the message would be another one.
_NEVER_HOP_BY_HOP = frozenset({"content-length", "host", "via"})

_fold = re.compile(r"\r?\n[ \t]+").sub


def end_to_end(message: HTTPMessage) -> Fields:
    """Return the fields that are for the far end, in their order and spelling."""
    named = tokens(message.get_all("connection") or ())
    dropped = _HOP_BY_HOP.union(set(named) - _NEVER_HOP_BY_HOP) if named else _HOP_BY_HOP
    return [
        (name, _fold(" ", value) if "\n" in value else value)
        for name, value in message.raw_items()
        if name.lower() not in dropped
    ]


def without(fields: Fields, *names: str) -> Fields:
    """Return the fields but those with these names, in lower case."""
    return [field for field in fields if field[0].lower() not in names]


def with_via(fields: Fields, version: int, pseudonym: str) -> Fields:
    """Return the fields with ourselves in Via (RFC 9110 section 7.6.3).

    :param version: of the message as it was received: 10 or 11
    """
    received = [value for name, value in fields if name.lower() == "via"]
    via = ", ".join([*received, f"{version / 10} {pseudonym}"])
    return [*without(fields, "via"), ("Via", via)]


def has_passed(message: HTTPMessage, pseudonym: str) -> bool:
    """Return whether a message has been here before."""
    stations = ",".join(message.get_all("via") or ()).split(",")
    return any(pseudonym in station.split() for station in stations)


# The engine looks these up by their usual spelling.
_SPELLINGS = {name.lower(): name for name in ("Authorization", "Content-Type", "Cookie", "Expect")}


def as_mapping(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return fields as the engine takes them: of one name there is one, a list with commas (RFC 9110 section 5.3)."""
    mapping: dict[str, str] = {}
    names: dict[str, str] = {}
    for given, value in fields:
        lower = given.lower()
        name = names.setdefault(lower, _SPELLINGS.get(lower, given))
        if name in mapping:
            # RFC 6265 section 5.4 knows one Cookie field; HTTP/2 clients send several.
            mapping[name] += ("; " if lower == "cookie" else ", ") + value
        else:
            mapping[name] = value
    return mapping


def head_bytes(first_line: str, fields: Fields) -> bytes:
    """Return a head as it goes out."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in fields])
    return f"{first_line}\r\n{lines}\r\n".encode("latin-1", "replace")
