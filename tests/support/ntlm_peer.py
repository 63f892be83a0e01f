"""A site or proxy that demands NTLM and verifies it, as a script for ScriptedPeer."""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass
from typing import Any

import spnego

from support.peer import ClientGone, Wire


@dataclass(frozen=True)
class Seen:
    """One request: on which connection, with which NTLM message (0 for none), with which body, who was logged in."""

    connection: int
    method: str
    message: int
    body: bytes
    user: str | None


class NtlmPeer:
    """The script. NTLM_USER_FILE names the users; `role` is "site" or "proxy".

    :param offer: what is offered, NTLM alone by default
    :param each_request: ask for a login with each request, as some servers do
    :param first: lines added to the response without a token; "close" among them closes the connection behind it
    :param second: the same for the response with the server's token
    :param early: whether a first message is accepted as if the login was done
    :param version: of the responses; HTTP/1.0 keeps its connections by header
    """

    def __init__(
        self,
        role: str = "site",
        offer: tuple[str, ...] = ("NTLM",),
        each_request: bool = False,
        first: tuple[str, ...] = (),
        second: tuple[str, ...] = (),
        early: bool = False,
        version: str = "HTTP/1.1",
    ) -> None:
        self.status, self.challenge, self.authorization = {
            "site": ("401 Unauthorized", "WWW-Authenticate", b"authorization"),
            "proxy": ("407 Proxy Authentication Required", "Proxy-Authenticate", b"proxy-authorization"),
        }[role]
        self.offer = offer
        self.each_request = each_request
        self.first = first
        self.second = second
        self.early = early
        self.version = version
        self.seen: list[Seen] = []
        self._lock = threading.Lock()

    @property
    def messages(self) -> list[int]:
        """The NTLM message of each request, 0 for none."""
        return [seen.message for seen in self.seen]

    @property
    def users(self) -> list[str | None]:
        """Who was logged in at the end of each request that was let in."""
        return [seen.user for seen in self.seen if seen.user is not None]

    def __call__(self, wire: Wire) -> None:
        context: Any = None
        user: str | None = None
        while True:
            try:
                head, body = wire.read_request()
            except ClientGone:
                return
            token = self._token(head)
            number = token[8] if token else 0
            lines: tuple[str, ...]
            reply = None
            if number == 1:
                user, context = None, spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
                reply = context.step(token)
                user = "early" if self.early else None
            elif number == 3:
                try:
                    context.step(token)
                    user = context.client_principal
                except spnego.exceptions.SpnegoError:
                    user = None
                context = None
            elif self.each_request:
                user = None
            with self._lock:
                method = head.split()[0].decode()
                self.seen.append(Seen(wire.number, method, number, body, user))
            if user is not None:
                self._send(wire, "200 OK", (), b"" if method == "HEAD" else b"ok")
                continue
            if reply is not None:
                lines = (f"{self.challenge}: NTLM {base64.b64encode(reply).decode()}", *self.second)
            else:
                lines = (*(f"{self.challenge}: {offer}" for offer in self.offer), *self.first)
            self._send(wire, self.status, tuple(line for line in lines if line != "close"), b"")
            if "close" in lines or "Connection: close" in lines:
                wire.close()
                return

    def _token(self, head: bytes) -> bytes:
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == self.authorization and value.strip().startswith(b"NTLM "):
                return base64.b64decode(value.strip()[5:])
        return b""

    def _send(self, wire: Wire, status: str, lines: tuple[str, ...], body: bytes) -> None:
        keep = () if self.version == "HTTP/1.1" else ("Connection: keep-alive",)
        head = [f"{self.version} {status}", *keep, *lines, f"Content-Length: {len(body)}", "", ""]
        wire.send("\r\n".join(head).encode() + body)
