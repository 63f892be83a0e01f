"""Challenges: the WWW-Authenticate and Proxy-Authenticate fields taken apart (RFC 9110 section 11.6.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

_NO_PARAMS: Mapping[str, str] = MappingProxyType({})


class Challenge(NamedTuple):
    """One challenge: a scheme with a token, with parameters, or with neither.

    :param scheme: its name in lower case
    :param token: a token68 (RFC 9110 section 11.2), which is how NTLM and Negotiate send their tokens; None without one
    :param params: the parameters, names in lower case, values unquoted
    """

    scheme: str
    token: str | None = None
    params: Mapping[str, str] = _NO_PARAMS


# Each pattern is matched at one position and none can match the same text in two ways, so that the time is linear in
# the length of the field. White space includes CR and LF, which are left over from folded lines.
_separators = re.compile(r"[ \t\r\n,]*").match
_name = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)([ \t\r\n]*)").match
_token68 = re.compile(r"([A-Za-z0-9\-._~+/]+=*)[ \t\r\n]*").match
_equals = re.compile(r"=[ \t\r\n]*").match
_quoted = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL).match
# More characters than a token has: servers leave out quotes that are required, as in nonce=bm9uY2U=.
_unquoted = re.compile(r'[^ \t\r\n,"]*').match
# Realms as servers write them, though RFC 9110 section 11.5 has them in double quotes: in single ones, and bare words.
_single_quoted = re.compile(r"'([^']*)'(?=[ \t\r\n,]|\Z)").match
_next_parameter = re.compile(r"(?<![ \t\r\n])[ \t\r\n]+[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t\r\n]*=").search
_up_to_comma_or_quote = re.compile(r'[^,"]*').match
_escaped = re.compile(r"\\(.)", re.DOTALL).sub


MOST_CHALLENGES = 50
"""The most challenges of a response that are read; the last one may lack its parameters."""

MOST_CHARACTERS = 1 << 17
"""The most characters of challenges that are read; a token of Kerberos can be as long as a line, 64 KiB."""


def parse_challenges(values: Iterable[str]) -> list[Challenge]:
    """Return the challenges of a field, in their order.

    Malformed text raises no error: the rest of that challenge is skipped, and reading goes on at the next scheme behind
    a comma. If a parameter is given twice, the first counts.

    Nothing beyond ``MOST_CHALLENGES`` and ``MOST_CHARACTERS`` is read: no honest peer sends so much, and the login does
    work for each challenge.

    :param values: the values of all lines of the field; each may hold several challenges
    """
    challenges: list[Challenge] = []
    left = MOST_CHARACTERS
    for value in values:
        challenges += _parse_line(value[:left], MOST_CHALLENGES - len(challenges))
        left -= len(value)
        if left <= 0 or len(challenges) >= MOST_CHALLENGES:
            break
    return challenges


def _parse_line(line: str, most: int) -> list[Challenge]:
    challenges: list[Challenge] = []
    params: dict[str, str] | None = None  # of the challenge that is being read; None while it can have none
    position = 0
    while True:
        separators = _separators(line, position)
        assert separators is not None  # it matches the empty text too
        # Servers forget commas between parameters, so only a name behind a comma can be a scheme.
        scheme_may_begin = position == 0 or "," in separators.group()
        position = separators.end()
        if position == len(line) or len(challenges) >= most:
            return challenges
        name = _name(line, position)
        if name is None:
            params, position = None, _after_junk(line, position)
            continue
        position = name.end()
        if equals := _equals(line, position):
            value = _value(line, equals.end(), name[1].lower())
            if value is None:
                return challenges  # a quote that is never closed takes the rest of the line with it
            text, position = value
            if params is not None:
                params.setdefault(name[1].lower(), text)
        elif scheme_may_begin and (name[2] or line[position : position + 1] in ("", ",")):
            token = _token68(line, position)
            # "realm=" is an empty realm.
            is_token = token is not None and token[1].lower() != "realm="
            if token and is_token and line[token.end() : token.end() + 1] in ("", ","):
                params, position = None, token.end()
                challenges.append(Challenge(name[1].lower(), token[1]))
            else:
                params = {}
                challenges.append(Challenge(name[1].lower(), None, params))
        else:
            params, position = None, _after_junk(line, position)


def _value(line: str, position: int, name: str) -> tuple[str, int] | None:
    """Return the value of a parameter, unquoted, and where it ends; None if its quote is never closed.

    :param name: of the parameter, in lower case
    """
    if single_quoted := _single_quoted(line, position):
        return single_quoted[1], single_quoted.end()
    if not line.startswith('"', position):
        if name == "realm":
            return _bare_words(line, position)
        unquoted = _unquoted(line, position)
        assert unquoted is not None  # it matches the empty text too
        return unquoted.group(), unquoted.end()
    quoted = _quoted(line, position)
    if quoted is None:
        return None
    text = quoted[1]
    return _escaped(r"\1", text) if "\\" in text else text, quoted.end()


def _bare_words(line: str, position: int) -> tuple[str, int]:
    """Return a value without quotes that may have white space in it, and where it ends."""
    words = _up_to_comma_or_quote(line, position)
    assert words is not None  # it matches the empty text too
    end = words.end()
    further = _next_parameter(words.group())
    if further is not None:
        end = position + further.start()
    return line[position:end].strip(), end


def _after_junk(line: str, position: int) -> int:
    """Return the position of the next comma outside quotes, or the end of the line."""
    while True:
        skipped = _up_to_comma_or_quote(line, position)
        assert skipped is not None  # it matches the empty text too
        position = skipped.end()
        if not line.startswith('"', position):
            return position
        quoted = _quoted(line, position)
        if quoted is None:
            return len(line)
        position = quoted.end()
