"""Who may log in to the servers of the tests."""

from __future__ import annotations

import urllib.parse
from dataclasses import dataclass

DOMAIN = "CODA"
KERBEROS_REALM = "CODA.TEST"


@dataclass(frozen=True)
class Account:
    """A user of every server; `domain` matters to NTLM only."""

    user: str
    password: str
    domain: str = DOMAIN

    @property
    def qualified(self) -> str:
        r"""DOMAIN\user, as NTLM wants it."""
        return f"{self.domain}\\{self.user}"

    @property
    def userinfo(self) -> str:
        """user:password as it stands in a URL."""
        return f"{_quoted(self.user)}:{_quoted(self.password)}"

    @property
    def qualified_userinfo(self) -> str:
        r"""DOMAIN%5Cuser:password as it stands in a URL."""
        return f"{_quoted(self.qualified)}:{_quoted(self.password)}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


# curl --ntlm encodes only ASCII passwords rightly, so one account keeps to ASCII.
ALICE = Account("alice", "wonder1and")
BOB = Account("bob", "p@ss/wörd %41")
EVERYBODY = (ALICE, BOB)
