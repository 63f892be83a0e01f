"""Challenges: the WWW-Authenticate and Proxy-Authenticate fields taken apart (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class Challenge(NamedTuple):
    """One challenge: a scheme with either a token or parameters, or with neither.

    `scheme` and the names in `params` are in lower case. `token` is a token68, as NTLM and Negotiate send it.
    Values are unquoted.
    """

    scheme: str
    token: str | None = None
    params: Mapping[str, str] = _NO_PARAMS


# Each pattern is matched at one place and moves on from there, and none has two ways to match the same text:
# the time is linear in the length of the header. White space includes CR and LF, which are left over from
# folded lines.
_separators = re.compile(r"[ \t\r\n,]*").match
_name = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t\r\n]*)").match
_token68 = re.compile(r"([A-Za-z0-9\-._~+/]+=*)[ \t\r\n]*").match
_equals = re.compile(r"=[ \t\r\n]*").match
_quoted = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL).match
# More than a token: servers leave out the quotes where they are needed, as in nonce=bm9uY2U=.
_unquoted = re.compile(r'[^ \t\r\n,"]*').match
_up_to_comma_or_quote = re.compile(r'[^,"]*').match
_escaped = re.compile(r"\\(.)", re.DOTALL).sub


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Take apart all lines of a challenge field, in their order; each line may hold several challenges.

    Never raises. Where a challenge cannot be read further, the rest of it is dropped and reading goes on with
    the next scheme behind a comma. Of a parameter that is given twice the first counts.
    """
    return [challenge for value in values for challenge in _parse_line(value)]


def _parse_line(line: str) -> list[Challenge]:
    challenges: list[Challenge] = []
    params: dict[str, str] | None = None  # of the challenge being read; None while nothing can be added to it
    position = 0
    while True:
        separators = _separators(line, position)
        assert separators is not None  # matches the empty text, too
        # Servers forget the comma between parameters; a scheme is only known by the comma before it.
        scheme_may_begin = position == 0 or "," in separators.group()
        position = separators.end()
        if position == len(line):
            return challenges
        name = _name(line, position)
        if name is None:
            params, position = None, _after_junk(line, position)
            continue
        position = name.end()
        if equals := _equals(line, position):
            value = _value(line, equals.end())
            if value is None:
                return challenges  # a quote that is never closed swallows the rest of the line
            text, position = value
            if params is not None:
                params.setdefault(name[1].lower(), text)
        elif scheme_may_begin and (name[2] or line[position : position + 1] in ("", ",")):
            token = _token68(line, position)
            if token and line[token.end() : token.end() + 1] in ("", ","):
                params, position = None, token.end()
                challenges.append(Challenge(name[1].lower(), token[1]))
            else:
                params = {}
                challenges.append(Challenge(name[1].lower(), None, params))
        else:
            params, position = None, _after_junk(line, position)


def _value(line: str, position: int) -> tuple[str, int] | None:
    """The value of a parameter, unquoted, and where it ends; None if its quote is never closed."""
    if not line.startswith('"', position):
        unquoted = _unquoted(line, position)
        assert unquoted is not None  # matches the empty text, too
        return unquoted.group(), unquoted.end()
    quoted = _quoted(line, position)
    if quoted is None:
        return None
    text = quoted[1]
    return _escaped(r"\1", text) if "\\" in text else text, quoted.end()


def _after_junk(line: str, position: int) -> int:
    """The place of the next comma that is outside quotes, or the end of the line."""
    while True:
        skipped = _up_to_comma_or_quote(line, position)
        assert skipped is not None  # matches the empty text, too
        position = skipped.end()
        if not line.startswith('"', position):
            return position
        quoted = _quoted(line, position)
        if quoted is None:
            return len(line)
        position = quoted.end()
