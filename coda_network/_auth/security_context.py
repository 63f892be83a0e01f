"""Tokens from pyspnego: its contexts, with its errors turned into CannotServe and its log without tokens."""

from __future__ import annotations

import base64
import logging
from importlib import import_module
from typing import TYPE_CHECKING

from coda_network._auth.channel_binding import channel_bindings
from coda_network._auth.credentials import Credentials
from coda_network._auth.scheme import CannotServe, Peer
from coda_network._auth.ticket import TicketCache

if TYPE_CHECKING:
    from spnego import ContextProxy

log = logging.getLogger("coda_network.auth")

# The service class of the principal, for proxies and sites alike (RFC 4559 section 4.1).
SERVICE = "HTTP"


class _WithholdTokens(logging.Filter):
    """pyspnego writes whole tokens to its log at DEBUG; from an NTLM token a password can be guessed."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if " step input" in text or " step output" in text:
            record.msg, record.args = text.partition(":")[0] + ": (token withheld)", ()
        return True


_withhold_tokens = _WithholdTokens()


def load_spnego(scheme: str) -> None:
    """Import pyspnego, which takes its time, when a login needs it.

    Raises CannotServe where it is missing.
    """
    try:
        import_module("spnego")
    except ModuleNotFoundError as error:
        missing = "pyspnego is" if error.name == "spnego" else f"pyspnego cannot be imported: {error.name} is"
        raise CannotServe(f"{scheme}: {missing} not installed") from None
    except ImportError as error:  # cryptography, for one, refuses subinterpreters
        raise CannotServe(f"{scheme}: pyspnego cannot be imported: {' '.join(str(error).split())}") from None
    for module in ("_gss", "_negotiate", "_ntlm", "_sspi"):
        logging.getLogger(f"spnego.{module}").addFilter(_withhold_tokens)


def has_sspi() -> bool:
    """Whether Windows itself logs in, as the logged-on user where nobody else is named."""
    return _importable("sspilib")


def has_tickets() -> bool:
    """Whether Kerberos is at hand: GSSAPI with krb5, or SSPI."""
    return has_sspi() or (_importable("gssapi") and _importable("krb5"))


def _importable(module: str) -> bool:
    try:
        import_module(module)
    except (ImportError, OSError):  # OSError: the package is there, the system's library is not
        return False
    return True


class SecurityContext:
    """One side of one handshake: tokens in, tokens out.

    ``protocol`` is "ntlm", "kerberos" or "negotiate". Without credentials the tickets of the user's own session
    serve. Raises CannotServe if there is nothing to log in with, PasswordRefused if the KDC has refused the password.
    """

    def __init__(self, scheme: str, protocol: str, credentials: Credentials | None, peer: Peer) -> None:
        load_spnego(scheme)
        import spnego

        self._scheme = scheme
        username: str | list[spnego.Credential] | None = None if credentials is None else credentials.username
        self._ticket: TicketCache | None = None
        if credentials is not None and protocol == "negotiate" and _importable("krb5") and not has_sspi():
            self._ticket = TicketCache(scheme, credentials)
            # Kerberos has the cache, which may be empty, and never the password; NTLM has only that.
            username = [
                spnego.KerberosCCache(self._ticket.name),
                spnego.Password(credentials.username, credentials.password),
            ]
        try:
            self._context: ContextProxy = spnego.client(
                username=username,
                password=None if credentials is None else credentials.password,
                hostname=peer.host,
                service=SERVICE,
                channel_bindings=channel_bindings(peer.tls_certificate),
                protocol=protocol,
            )
        except Exception as error:  # whatever the system's GSSAPI or SSPI raises
            raise CannotServe(f"{scheme}: {_reason(error)}") from None

    @property
    def mechanism(self) -> str | None:
        """What has been agreed on, as far as it is known: "ntlm", "kerberos" or None."""
        return self._context.negotiated_protocol

    def step(self, token: bytes | None) -> bytes | None:
        """The next token, None if there is no more to say.

        Raises CannotServe for a token that makes no sense.
        """
        try:
            answer = self._context.step(token)
        except Exception as error:  # the token comes from the peer: its parser fails in many ways
            raise CannotServe(f"{self._scheme}: {_reason(error)}") from None
        if answer is not None:
            log.debug("%s: a token of %d bytes goes out", self._scheme, len(answer))
        return answer

    def __repr__(self) -> str:
        return f"<SecurityContext for {self._scheme}>"


def _reason(error: Exception) -> str:
    """A line for people out of an error, without anything that came out of tokens or credentials."""
    from spnego.exceptions import SpnegoError

    while isinstance(error, SpnegoError) and error.base_error is not None:
        error = error.base_error
    if isinstance(error, SpnegoError):
        text = error.message
    elif type(error).__module__.partition(".")[0] in ("gssapi", "krb5", "sspilib"):
        text = str(error)
    else:
        # Not its text: UnicodeEncodeError, for one, quotes what it could not encode, which may be the
        # password.
        text = f"the token cannot be handled ({type(error).__name__})"
    return " ".join(text.split())


def decode_token(scheme: str, text: str) -> bytes:
    """Decode the base64 of a challenge. Raises CannotServe for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise CannotServe(f"{scheme}: the challenge's token is not valid base64") from None


def encode_token(scheme: str, token: bytes) -> str:
    """The header value that carries a token."""
    return f"{scheme} {base64.b64encode(token).decode('ascii')}"
