"""A user name and a password, and where they come from."""

from __future__ import annotations

import base64
from collections.abc import Callable


class Credentials:
    """A user name with its password; to be treated as immutable.

    ``username`` is what the person typed: ``user``, ``DOMAIN\\user`` or ``user@domain``. Two objects are equal when
    both parts are. The password appears in no ``repr`` and no message; read it from ``.password``.
    """

    # Not a dataclass: importing ``dataclasses`` costs more time than the whole of this layer.
    __slots__ = ("password", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self.password = password

    @property
    def domain(self) -> str:
        """What is before the backslash of ``DOMAIN\\user``, else empty (MS-NLMP 2.2.1.3, DomainName)."""
        return self.username.partition("\\")[0] if "\\" in self.username else ""

    @property
    def user(self) -> str:
        """The name without a ``DOMAIN\\`` in front; ``user@domain`` is a name of its own kind and stays whole."""
        return self.username.partition("\\")[2] if "\\" in self.username else self.username

    @classmethod
    def from_basic_header(cls, value: str) -> Credentials | None:
        """Read the credentials out of a ready ``Basic ...`` header value (RFC 7617 section 2).

        Programs that prepare the proxy's header themselves hand over nothing else. The bytes are taken as
        UTF-8 where they are valid UTF-8, else as Latin-1. Returns None if ``value`` is no well-formed Basic
        login.
        """
        scheme, _, encoded = value.strip().partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            raw = base64.b64decode(encoded.strip(), validate=True)
        except ValueError:  # binascii.Error is one
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


# Asked for the realm of a challenge (None where the scheme has none: NTLM, Negotiate); answers None if it
# knows nobody.
CredentialSource = Callable[[str | None], Credentials | None]


def nobody(realm: str | None) -> None:
    """Know nobody: the source of a login that waits for its next user."""
