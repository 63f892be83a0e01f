"""The logins that the proxy of the demo verifies: each door judges one login on one connection."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import NamedTuple, Protocol

from coda_network._wire.challenge import parse_challenges

REALM = "demo"


class Account(NamedTuple):
    """The user who may pass."""

    domain: str
    user: str
    password: str


class Verdict(NamedTuple):
    """How a door judges one Proxy-Authorization field."""

    passed: bool
    challenge: str
    """The Proxy-Authenticate of the 407 response; empty where the login passed."""
    remark: str
    """What happened, as the demo prints it."""


class Door(Protocol):
    """One login on one connection."""

    def judge(self, authorization: str | None) -> Verdict: ...


class NtlmDoor:
    """NTLM (MS-NTHT); pyspnego's acceptor verifies the password and accepts NTLMv2 only."""

    def __init__(self, account: Account) -> None:
        import spnego

        # It reads the account from the file that NTLM_USER_FILE names; LM_COMPAT_LEVEL makes it refuse NTLMv1.
        self._acceptor = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)

    def judge(self, authorization: str | None) -> Verdict:
        from spnego.exceptions import SpnegoError

        scheme, token = _parts(authorization)
        if scheme != "ntlm":
            return Verdict(False, "NTLM", "it wants NTLM")
        try:
            reply = self._acceptor.step(base64.b64decode(token))
        except (SpnegoError, ValueError):
            return Verdict(False, "NTLM", "the login is refused")
        if self._acceptor.complete:
            return Verdict(True, "", f"NTLMv2 verified: {self._acceptor.client_principal}")
        challenge = base64.b64encode(reply or b"").decode()
        return Verdict(False, f"NTLM {challenge}", "its NTLM challenge, for this connection")


class DigestDoor:
    """Digest with SHA-256 (RFC 7616)."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._nonce = secrets.token_hex(16)
        self._challenge = f'Digest realm="{REALM}", nonce="{self._nonce}", algorithm=SHA-256, qop="auth"'

    def judge(self, authorization: str | None) -> Verdict:
        if _parts(authorization)[0] != "digest":
            return Verdict(False, self._challenge, "it wants Digest")
        given = parse_challenges([authorization or ""])[0].params
        user = f"{self._account.domain}\\{self._account.user}"
        secret = _sha256(f"{user}:{REALM}:{self._account.password}")
        request = _sha256(f"CONNECT:{given.get('uri')}")
        proof = _sha256(f"{secret}:{self._nonce}:{given.get('nc')}:{given.get('cnonce')}:auth:{request}")
        if hmac.compare_digest(proof, given.get("response", "")):
            return Verdict(True, "", f"Digest verified: {user}")
        return Verdict(False, self._challenge, "the login is refused")


class BasicDoor:
    """Basic (RFC 7617)."""

    def __init__(self, account: Account) -> None:
        self._user = f"{account.domain}\\{account.user}"
        self._expected = base64.b64encode(f"{self._user}:{account.password}".encode()).decode()

    def judge(self, authorization: str | None) -> Verdict:
        scheme, token = _parts(authorization)
        challenge = f'Basic realm="{REALM}"'
        if scheme != "basic":
            return Verdict(False, challenge, "it wants Basic")
        if hmac.compare_digest(token, self._expected):
            return Verdict(True, "", f"Basic verified: {self._user}")
        return Verdict(False, challenge, "the login is refused")


DOORS: dict[str, Callable[[Account], Door]] = {"ntlm": NtlmDoor, "digest": DigestDoor, "basic": BasicDoor}


def _parts(authorization: str | None) -> tuple[str, str]:
    scheme, _, token = (authorization or "").partition(" ")
    return scheme.lower(), token


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
