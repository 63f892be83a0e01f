"""Credentials: a user name and a password; and the sources that they come from."""

from __future__ import annotations

import base64
from collections.abc import Callable

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


class Credentials:
    """A user name with its password; treat it as immutable.

    Two objects are equal if both parts are. The password is in no ``repr`` and no message.

    :param username: as people write it: ``user``, ``DOMAIN\\user`` or ``user@domain``
    :param password: as it is

    Programs also give bytes, read here as those of a header are, and numbers, which urllib.request formats.
    """

    # Not a dataclass: importing ``dataclasses`` takes longer than importing this whole folder.
    __slots__ = ("password", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username if type(username) is str else _as_text(username)
        self.password = password if type(password) is str else _as_text(password)

    @property
    def domain(self) -> str:
        """Return the part before the backslash of ``DOMAIN\\user``, else "" (MS-NLMP section 2.2.1.3, DomainName)."""
        return self.username.partition("\\")[0] if "\\" in self.username else ""

    @property
    def user(self) -> str:
        """Return the name without ``DOMAIN\\`` in front; ``user@domain`` is a name as a whole."""
        return self.username.partition("\\")[2] if "\\" in self.username else self.username

    @classmethod
    def from_basic_header(cls, value: str) -> Credentials | None:
        """Return the credentials in a Basic authorization (RFC 7617 section 2), which some programs make themselves.

        The bytes are read as UTF-8 where they are valid UTF-8, else as Latin-1.

        :param value: of Authorization or Proxy-Authorization
        :returns: None if it is not a well-formed Basic authorization
        """
        scheme, _, encoded = value.strip().partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            raw = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:  # binascii.Error is a subclass
            return None
        username, colon, password = raw.partition(b":")
        if not colon:
            return None
        try:
            return cls(username.decode("utf-8"), password.decode("utf-8"))
        except UnicodeDecodeError:
            return cls(username.decode("latin-1"), password.decode("latin-1"))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        return self.username == other.username and self.password == other.password

    def __hash__(self) -> int:
        return hash((self.username, self.password))

    def __repr__(self) -> str:
        return f"Credentials({self.username!r}, password hidden)"


def _as_text(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray)):
        try:
            return value.decode("utf-8")
        except UnicodeDecodeError:
            return value.decode("latin-1")
    return value if value is None or isinstance(value, str) else str(value)


CredentialSource = Callable[[str | None], Credentials | None]
"""A function of the realm in a challenge (None where the scheme has none: NTLM, Negotiate).

It returns the credentials, or None where it has none.
"""


def nobody(realm: str | None) -> None:
    """Return None: the source of a login that waits for its next user."""
