"""Digests of a download: those that the program expects, and those that the response announces."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

# What RFC 9530 section 5 and the registry of RFC 3230 call them -> hashlib's name; the strongest first.
_ALGORITHMS = {"sha-512": "sha512", "sha-256": "sha256", "sha": "sha1", "md5": "md5"}
_SIZES = {"sha512": 64, "sha256": 32, "sha1": 20, "md5": 16}
_MEMBER = re.compile(r"\s*([A-Za-z0-9*._-]+)\s*=\s*:?([A-Za-z0-9+/=_-]*):?")


class WrongDigest(OSError):
    """What came has another digest than it should have.

    :param what: which digest it is, and who says it
    :param expected: in hexadecimal digits
    :param found: in hexadecimal digits
    :param kept: the file with what came, None where it is not kept
    """

    def __init__(self, what: str, expected: str, found: str, kept: str | None = None) -> None:
        where = f"; what came is kept in {kept}" if kept else ""
        super().__init__(f"wrong {what}: {found} came, {expected} was expected{where}")
        self._parts = what, expected, found, kept
        self.expected = expected
        self.found = found
        self.kept = kept

    def __reduce__(self) -> tuple[type[WrongDigest], tuple[str, str, str, str | None]]:
        return type(self), self._parts


class Digests:
    """The digests of one body, updated while it comes.

    :param sha256: the expected one, in hexadecimal digits; True to have it computed only
    :param md5: the same
    :raises ValueError: a digest that is none
    """

    def __init__(self, sha256: str | bool | None = None, md5: str | bool | None = None) -> None:
        self._expected: list[tuple[str, str, str]] = []  # algorithm, digest, who says it
        self._asked = set()
        for name, given in (("sha256", sha256), ("md5", md5)):
            if given not in (None, False):
                self._asked.add(name)
            if isinstance(given, str):
                self._expected.append((name, hex_digest(name, given), f"{name} digest"))
        self._announced: list[tuple[str, str, str]] = []
        self._running: dict[str, Any] = {}

    def begin(self, headers: Any = None, is_whole: bool = True) -> None:
        """Begin anew.

        :param headers: of the response, whose digests are checked too; None to leave them out
        :param is_whole: the response has the whole body, not a range of it
        """
        self._announced = [] if headers is None else announced(headers, is_whole)
        names = self._asked | {name for name, _, _ in self._announced}
        self._running = {name: hashlib.new(name, usedforsecurity=False) for name in names}

    def update(self, data: Any) -> None:
        """Take the next bytes."""
        for running in self._running.values():
            running.update(data)

    @property
    def are_needed(self) -> bool:
        """Whether anybody wants to know."""
        return bool(self._running)

    def value(self, name: str) -> str | None:
        """Return the digest of all bytes so far; None where nobody asked for it."""
        return self._running[name].hexdigest() if name in self._asked and name in self._running else None

    def wrong(self) -> tuple[str, str, str] | None:
        """Return what a WrongDigest says of the first digest that is another one; None where all are right."""
        for name, expected, what in [*self._expected, *self._announced]:
            found = self._running[name].hexdigest()
            if found != expected:
                return what, expected, found
        return None


def hex_digest(name: str, given: str) -> str:
    """Return a digest that a program gave in lower case, without ``sha256:`` before it.

    :raises ValueError: it is no digest of this kind
    """
    text = given.strip().lower()
    text = text[len(name) + 1 :] if text.startswith((f"{name}:", f"{name}=")) else text
    if not re.fullmatch(f"[0-9a-f]{{{2 * _SIZES[name]}}}", text):
        raise ValueError(f"a {name} digest is {2 * _SIZES[name]} hexadecimal digits, not {given[:80]!r}")
    return text


def announced(headers: Any, is_whole: bool) -> list[tuple[str, str, str]]:
    """Return the digests that a response announces of the whole body: algorithm, hexadecimal digits, the field's name.

    ``Repr-Digest`` (RFC 9530) and ``Digest`` (RFC 3230) are of the whole body, also in the response to a range;
    ``Content-Digest`` and ``Content-MD5`` are of what the response itself has. Of each field the strongest counts; what
    is malformed, or of an unknown kind, says nothing.
    """
    found = []
    for field in ("Repr-Digest", "Digest", *(("Content-Digest", "Content-MD5") if is_whole else ())):
        values = headers.get_all(field) or []
        if field == "Content-MD5":
            values = [f"md5={value}" for value in values[:1]]
        members = {}
        for member in ",".join(values).split(","):
            if match := _MEMBER.fullmatch(member.rstrip()):
                members[match[1].lower()] = match[2]
        for name, algorithm in _ALGORITHMS.items():
            if (digest := _decoded(members.get(name), _SIZES[algorithm])) is not None:
                found.append((algorithm, digest, f"{algorithm} digest of the response ({field})"))
                break
    return found


def _decoded(value: str | None, size: int) -> str | None:
    if not value:
        return None
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:
        return None
    return digest.hex() if len(digest) == size else None
