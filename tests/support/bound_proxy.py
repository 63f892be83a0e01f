"""A proxy that takes a login by NTLM or SPNEGO only where it is bound to the certificate of the proxy's own TLS.

What the binding must be is computed here from RFC 5929 section 4 (``tls-server-end-point``), RFC 4121 section 4.1.1.2
and MS-NLMP 2.2.2.1, and it is read from the message of type 3 as it came: nothing of it is left to the package that the
client makes its messages with. That the password and the pairs are genuine is for pyspnego's acceptor to say.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import struct
import threading
from typing import Any

import spnego
from spnego.exceptions import SpnegoError

from support.certs import Authority
from support.peer import ClientGone, Wire
from support.relaying import relay

TYPE_3 = b"NTLMSSP\0\x03\0\0\0"
CHANNEL_BINDINGS = 10  # MsvAvChannelBindings
NO_BINDING = bytes(16)


def certificate_of(ca: Authority) -> bytes:
    """Return the certificate of ``ca.server_context()`` in DER form."""
    text = ca.server_certificate.read_text()
    end = "-----END CERTIFICATE-----"
    return ssl.PEM_cert_to_DER_cert(text[: text.index(end) + len(end)])


def end_point(certificate: bytes) -> bytes:
    """Return the application data of the binding, for a certificate that is signed with SHA-256."""
    return b"tls-server-end-point:" + hashlib.sha256(certificate).digest()


def expected_binding(certificate: bytes) -> bytes:
    """Return the MD5 of the binding without addresses, as NTLM has it."""
    data = end_point(certificate)
    return hashlib.md5(struct.pack("<5I", 0, 0, 0, 0, len(data)) + data, usedforsecurity=False).digest()


def binding_in(token: bytes) -> bytes:
    """Return the binding in a message of type 3, which may stand inside of SPNEGO; zeros where there is none."""
    message = token[token.index(TYPE_3) :]
    length, _, offset = struct.unpack_from("<HHI", message, 20)
    response = message[offset : offset + length]
    place = 16 + 28  # behind the proof and the fixed part of the NTLMv2 response
    while place + 4 <= len(response):
        kind, size = struct.unpack_from("<HH", response, place)
        if kind == CHANNEL_BINDINGS:
            return response[place + 4 : place + 4 + size]
        if kind == 0:
            break
        place += 4 + size
    return NO_BINDING


class BoundProxy:
    """The script, for a ScriptedPeer that has the context of *certificate*. NTLM_USER_FILE names the users.

    It opens tunnels, and responds itself to requests in absolute-form.

    :param scheme: what it offers, "NTLM" or "Negotiate"
    :param certificate: its own, in DER form
    :param kerberos: take tickets, with the keytab that KRB5_KTNAME names; GSSAPI then compares the bindings
    """

    def __init__(self, scheme: str, certificate: bytes, kerberos: bool = False) -> None:
        self.scheme = scheme
        self.certificate = certificate
        self.kerberos = kerberos
        self.users: list[str] = []
        self.refusals: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, wire: Wire) -> None:
        context: Any = None
        user: str | None = None
        while True:
            try:
                head, _ = wire.read_request()
            except ClientGone:
                return
            reply = b""
            if token := self._token(head):
                if context is None or context.complete:
                    context = self._acceptor()
                try:
                    reply = context.step(token) or b""
                    if TYPE_3 in token and binding_in(token) != expected_binding(self.certificate):
                        raise ValueError("the login is bound to another certificate, or to none")
                    user = context.client_principal if context.complete else None
                except (SpnegoError, ValueError) as error:
                    with self._lock:
                        self.refusals.append(str(error))
                    context, user, reply = None, None, b""
            if user is None:
                offer = f"{self.scheme} {base64.b64encode(reply).decode()}".strip()
                wire.respond(b"who?", "407 Proxy Authentication Required", f"Proxy-Authenticate: {offer}")
                continue
            if token:
                with self._lock:
                    self.users.append(user)
            if head.startswith(b"CONNECT "):
                self._open_tunnel(wire, head.split()[1].decode())
                return
            wire.respond(b"ok")

    def _acceptor(self) -> Any:
        if self.kerberos:
            return _TicketAcceptor(self.certificate)
        options = spnego.NegotiateOptions
        own = options.use_ntlm if self.scheme == "NTLM" else options.use_negotiate
        return spnego.server(protocol=self.scheme.lower(), options=own)

    def _token(self, head: bytes) -> bytes:
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            scheme, _, token = value.strip().partition(b" ")
            if name.lower() == b"proxy-authorization" and scheme.decode() == self.scheme:
                return base64.b64decode(token, validate=True)
        return b""

    @staticmethod
    def _open_tunnel(wire: Wire, target: str) -> None:
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port)), 10) as site:
            wire.send(b"HTTP/1.1 200 Open\r\n\r\n")
            relay(wire.sock, site)


class _TicketAcceptor:
    """GSSAPI itself, which compares the bindings, in the shape of pyspnego's acceptor."""

    def __init__(self, certificate: bytes) -> None:
        import gssapi  # the extra `kerberos`

        self._error = gssapi.exceptions.GSSError
        bindings = gssapi.raw.ChannelBindings(application_data=end_point(certificate))
        creds = gssapi.Credentials(usage="accept")
        self._context = gssapi.SecurityContext(creds=creds, usage="accept", channel_bindings=bindings)
        self._context.__DEFER_STEP_ERRORS__ = False

    @property
    def complete(self) -> bool:
        return bool(self._context.complete)

    @property
    def client_principal(self) -> str:
        return str(self._context.initiator_name)

    def step(self, token: bytes) -> bytes | None:
        try:
            return self._context.step(token)
        except self._error as error:
            raise ValueError(str(error)) from None


class MiddleMan:
    """A script: ends the TLS of whoever comes, with a certificate of its own, and passes all on to a TLS proxy.

    A password, and a login that is bound to nothing, would get through.
    """

    def __init__(self, address: tuple[str, int], ca: Authority) -> None:
        self.address = address
        self.context = ca.client_context()

    def __call__(self, wire: Wire) -> None:
        with socket.create_connection(self.address, 10) as sock:
            with self.context.wrap_socket(sock, server_hostname="localhost") as upstream:
                relay(wire.sock, upstream)
