"""Verifies NTLM logins for squid: `python verifier.py PORT ntlm|negotiate`, users named by NTLM_USER_FILE.

It speaks squid's helper protocol on a loopback port, one connection for each helper (see bridge.pl): `YR
TOKEN` begins a handshake, `KK TOKEN` goes on with it; the reply is `TT TOKEN`, `AF USER`, `NA REASON` or
`BH REASON`. With `negotiate` the tokens are SPNEGO with NTLM inside, and `AF` carries the final token too.
NTLMv1 is refused.

pyspnego's acceptor does the arithmetic. It computes the MIC over messages as it would have packed them
itself; what MS-NLMP 3.2.5.1.2 wants is the MIC over the messages as they were sent, so that is put right
here.
"""

from __future__ import annotations

import base64
import os
import socketserver
import sys

import spnego
import spnego.auth
from spnego._ntlm import NTLMProxy
from spnego._ntlm_raw.crypto import hmac_md5

MIC = slice(72, 88)  # The place of the MIC in an AUTHENTICATE_MESSAGE, MS-NLMP 2.2.1.3.


class Acceptor(NTLMProxy):
    """pyspnego's acceptor, with the MIC computed over the messages on the wire."""

    _messages: bytes = b""

    def step(self, in_token=None, **options):
        token = bytearray(in_token or b"")
        if self._messages and len(token) >= MIC.stop:
            token[MIC] = bytes(16)
        self._messages += token
        reply = super().step(in_token, **options)
        self._messages += reply or b""
        return reply

    def _calculate_mic(self, session_key, negotiate, challenge, authenticate):
        return hmac_md5(session_key, self._messages)


class Handler(socketserver.StreamRequestHandler):
    """One squid helper: a line in, a line out."""

    def handle(self):
        self._context = None
        for line in self.rfile:
            reply = self._reply(line.decode().split())
            self.wfile.write(reply.replace("\n", " ").encode() + b"\n")

    def _reply(self, words):
        if len(words) < 2 or words[0] not in ("YR", "KK"):
            return "BH a token is missing"
        if words[0] == "YR":
            self._context = spnego.server(protocol=PROTOCOL, options=OPTIONS)
        elif self._context is None:
            return "BH no handshake has begun"
        else:
            print("a proof came", flush=True)  # for Squid.proofs()
        try:
            token = self._context.step(base64.b64decode(words[1]))
        except Exception as reason:
            return f"NA {reason}"
        encoded = base64.b64encode(token or b"").decode()
        if not self._context.complete:
            return f"TT {encoded}"
        user = self._context.client_principal.replace(" ", "%20")
        return f"AF {user}" if PROTOCOL == "ntlm" else f"AF {encoded or '='} {user}"


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


if __name__ == "__main__":
    os.environ["LM_COMPAT_LEVEL"] = "5"
    spnego.auth.NTLMProxy = Acceptor
    PROTOCOL = sys.argv[2]
    OPTIONS = spnego.NegotiateOptions.use_ntlm if PROTOCOL == "ntlm" else spnego.NegotiateOptions.use_negotiate
    Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
