"""Tokens made by pyspnego. Its errors become ``CannotServe``, and its log shows no tokens."""

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

# The service class of the principal, for proxies too (RFC 4559 section 4.1).
SERVICE = "HTTP"


class _WithholdTokens(logging.Filter):
    """Removes tokens from pyspnego's log at DEBUG: an NTLM token is enough to guess the password."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = str(record.msg)
        if " step input" in text or " step output" in text:
            record.msg, record.args = text.partition(":")[0] + ": (token withheld)", ()
        return True


_withhold_tokens = _WithholdTokens()


def load_spnego(scheme: str) -> None:
    """Import pyspnego, which takes time, when a login needs it.

    :param scheme: whose name begins the text of the error
    :raises CannotServe: it cannot be imported
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
    """Return whether Windows itself makes the tokens; without credentials it does so for the logged-on user."""
    return _importable("sspilib")


def has_tickets() -> bool:
    """Return whether there is Kerberos: GSSAPI with krb5, or SSPI."""
    return has_sspi() or (_importable("gssapi") and _importable("krb5"))


def _importable(module: str) -> bool:
    try:
        import_module(module)
    except (ImportError, OSError):  # OSError: the system's library is missing
        return False
    return True


class SecurityContext:
    """The client's side of one handshake: takes the peer's tokens and makes our own.

    :param scheme: whose name begins the text of errors
    :param protocol: "ntlm", "kerberos" or "negotiate"
    :param credentials: None for the tickets of the user's session
    :param peer: whose host is in the service principal, and whose certificate is in the channel binding
    :raises CannotServe: there is nothing to log in with
    :raises PasswordRefused: the KDC has refused the password
    """

    def __init__(self, scheme: str, protocol: str, credentials: Credentials | None, peer: Peer) -> None:
        load_spnego(scheme)
        import spnego

        self._scheme = scheme
        username: str | list[spnego.Credential] | None = None if credentials is None else credentials.username
        self._ticket: TicketCache | None = None
        if credentials is not None and protocol == "negotiate" and _importable("krb5") and not has_sspi():
            self._ticket = TicketCache(scheme, credentials)
            # Kerberos gets the cache, which may be empty, and not the password; NTLM gets the password.
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
        """Return the mechanism that was agreed on, "ntlm" or "kerberos"; None while it is not known."""
        return self._context.negotiated_protocol

    def step(self, token: bytes | None) -> bytes | None:
        """Return our next token; None if the handshake has ended.

        :param token: the peer's; None for the first step
        :raises CannotServe: the peer's token cannot be used
        """
        try:
            following = self._context.step(token)
        except Exception as error:  # the token comes from the peer, and its parser fails in many ways
            raise CannotServe(f"{self._scheme}: {_reason(error)}") from None
        if following is not None:
            log.debug("%s: a token of %d bytes goes out", self._scheme, len(following))
        return following

    def __repr__(self) -> str:
        return f"<SecurityContext for {self._scheme}>"


def _reason(error: Exception) -> str:
    """Return the text of an error as one line, with nothing in it from tokens or credentials."""
    from spnego.exceptions import SpnegoError

    while isinstance(error, SpnegoError) and error.base_error is not None:
        error = error.base_error
    if isinstance(error, SpnegoError):
        text = error.message
    elif type(error).__module__.partition(".")[0] in ("gssapi", "krb5", "sspilib"):
        text = str(error)
    else:
        # Not its text: a UnicodeEncodeError, for example, shows the text that it cannot encode, perhaps the password.
        text = f"the token cannot be handled ({type(error).__name__})"
    return " ".join(text.split())


def decode_token(scheme: str, text: str) -> bytes:
    """Return the token of a challenge, decoded.

    :raises CannotServe: it is not base64
    """
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        raise CannotServe(f"{scheme}: the challenge's token is not valid base64") from None


def encode_token(scheme: str, token: bytes) -> str:
    """Return the authorization that has a token in it."""
    return f"{scheme} {base64.b64encode(token).decode('ascii')}"
