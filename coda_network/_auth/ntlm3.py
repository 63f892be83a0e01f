"""NTLM for servers that know only NTLMv1, by python-ntlm3. Used where the program names it: NTLMv1 is weak.

python-ntlm3 makes the NT hash with OpenSSL's MD4, which OpenSSL 3 refuses. It also takes hashes in the form LM:NT in
place of a password, so the hash is made here.
"""

from __future__ import annotations

import base64
import struct
import sys
from functools import partial
from types import ModuleType

from coda_network._auth.credentials import Credentials
from coda_network._auth.md4 import md4
from coda_network._auth.ntlm import Ntlm
from coda_network._auth.scheme import CannotServe, Peer

# NegotiateFlags on which both sides must agree (MS-NLMP section 2.2.2.5), and the place of the field in type 3.
_UNICODE = 0x00000001
_OEM = 0x00000002
_EXTENDED_SESSION_SECURITY = 0x00080000
_TYPE_3_FLAGS = slice(60, 64)


class LegacyMessages:
    """NTLMv1 messages, with extended session security where the server offers it (MS-NLMP section 3.3.1)."""

    def __init__(self, credentials: Credentials, peer: Peer) -> None:
        self._user = credentials.user
        self._domain = credentials.domain
        nt_hash = md4(credentials.password.encode("utf-16-le", "surrogatepass")).hex()
        # The NT hash is given as the LM hash too, so that the LM response equals the NT response: MS-NLMP section 3.3.1
        # says so for clients without an LM hash (NoLMResponseNTLMv1).
        self._hashes = f"{nt_hash}:{nt_hash}"
        self._ntlm = _load()

    def negotiate(self) -> bytes:
        # Here the domain is a hint and must be ASCII. python-ntlm3 takes it from before the backslash.
        hint = self._domain if self._domain.isascii() else ""
        try:
            return base64.b64decode(self._ntlm.create_NTLM_NEGOTIATE_MESSAGE(f"{hint}\\{self._user}"))
        except UnicodeEncodeError:
            raise CannotServe("NTLM: python-ntlm3 needs a name of this computer that is ASCII") from None

    def authenticate(self, challenge: bytes) -> bytes:
        if challenge[:12] != b"NTLMSSP\0\x02\0\0\0" or len(challenge) < 32:
            raise CannotServe("NTLM: the challenge's token is no type 2 message")
        try:
            nonce, flags = self._ntlm.parse_NTLM_CHALLENGE_MESSAGE(base64.b64encode(challenge))
        except (struct.error, ValueError):
            raise CannotServe("NTLM: the challenge's token is no type 2 message") from None
        try:
            encoded = self._ntlm.create_NTLM_AUTHENTICATE_MESSAGE(nonce, self._user, self._domain, self._hashes, flags)
        except UnicodeEncodeError:
            # Without Unicode, names are sent in the server's code page, which is not known.
            raise CannotServe("NTLM: the server takes only ASCII names, this user's is not ASCII") from None
        message = bytearray(base64.b64decode(encoded))
        (ours,) = struct.unpack("<I", message[_TYPE_3_FLAGS])
        message[_TYPE_3_FLAGS] = struct.pack("<I", _agreed(flags, ours))
        return bytes(message)


def _agreed(server: int, ours: int) -> int:
    """Return the flags for type 3: ours, which python-ntlm3 never changes, with the server's choices in them."""
    decided = _UNICODE | _OEM | _EXTENDED_SESSION_SECURITY
    chosen = server & _EXTENDED_SESSION_SECURITY | (_UNICODE if server & _UNICODE else _OEM)
    return (ours & ~decided) | chosen


def _load() -> ModuleType:
    try:
        if "ntlm3" not in sys.modules:
            _import_quietly()
        from ntlm3 import ntlm
    except ImportError:
        raise CannotServe("NTLM: python-ntlm3 is not installed") from None
    module: ModuleType = ntlm
    return module


def _import_quietly() -> None:
    """Import ntlm3 without the compiler's warnings about its escapes: ``-W error`` makes errors of them."""
    import warnings

    with warnings.catch_warnings():
        for kind in (SyntaxWarning, DeprecationWarning):  # the second before Python 3.12
            warnings.simplefilter("ignore", kind)
        import ntlm3  # noqa: F401  # only whether it is there


def create(credentials: Credentials | None, peer: Peer) -> Ntlm:
    """Return the scheme for one user.

    :raises CannotServe: there is no user name, or no python-ntlm3
    """
    if credentials is None or not credentials.user:
        raise CannotServe("NTLM: no user name given")
    _load()
    return Ntlm(partial(LegacyMessages, credentials, peer))
