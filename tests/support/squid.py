"""A real squid as forward proxy, without a login or with one of Basic, Digest, NTLM and Negotiate."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from support.accounts import EVERYBODY, Account
from support.certs import Authority
from support.kdc import KDC
from support.passwords import write_htdigest, write_htpasswd, write_ntlm_users
from support.real_server import RealServer
from support.servers import (
    AccessLog,
    ServerProcess,
    ask,
    file_of,
    free_port,
    give_to,
    program,
    public_directory,
    write,
)

REALM = "coda squid"
OWNER = "proxy"
HELPERS = "/usr/lib/squid"
VERIFIER = Path(__file__).with_name("verifier.py")
BRIDGE = Path(__file__).with_name("bridge.pl")

# client_request_buffer_max_size: with the default, uploads over loopback die at random (squid bug 5405).
CONFIGURATION = """
http_port 127.0.0.1:{port}
https_port 127.0.0.1:{tls_port} tls-cert={ca.server_certificate} tls-key={ca.server_key}
visible_hostname localhost
pid_filename {directory}/squid.pid
coredump_dir {directory}
cache_log {directory}/cache.log
logformat coda {{"connection": %>p, "method": "%rm", "target": "%ru", "status": %>Hs, "user": "%[un"}}
access_log stdio:{directory}/access.log coda
err_page_stylesheet none
hosts_file {directory}/hosts
dns_nameservers 127.0.0.1
cache deny all
cache_mem 4 MB
memory_pools off
max_filedescriptors 1024
netdb_filename none
pinger_enable off
shutdown_lifetime 0 seconds
client_request_buffer_max_size 64 MB
acl loopback dst 127.0.0.0/8 ::1
{login}
http_access allow loopback
http_access deny all
"""

DEMAND = """
acl authenticated proxy_auth REQUIRED
http_access deny !authenticated
"""


class Squid(RealServer):
    """squid for a with statement; `login` is what it demands of everybody, None for nothing."""

    def __init__(self, ca: Authority, login: Login | None = None) -> None:
        super().__init__()
        self._ca = ca
        self._login = login

    def __enter__(self) -> Squid:
        binary = program("squid", "squid")
        self.directory = self._stack.enter_context(public_directory(OWNER))
        self.port, self.tls_port = free_port(), free_port()
        lines, environment = "", {}
        if self._login is not None:
            lines = self._login.lines(self.directory) + DEMAND
            self._stack.enter_context(self._login.helpers(self.directory))
            environment = self._login.environment
        write(self.directory / "hosts", "127.0.0.1 localhost\n")
        configuration = CONFIGURATION.format(
            port=self.port, tls_port=self.tls_port, ca=self._ca, directory=self.directory, login=lines
        )
        place = write(self.directory / "squid.conf", configuration)
        give_to(OWNER, *self.directory.iterdir())
        # The service name keeps the shared memory of several squids apart: letters and digits only.
        command = [binary, "-N", "-n", f"coda{self.port}", "-f", str(place)]
        # squid takes two seconds to end in order, and nothing of it is kept.
        self._server = ServerProcess(command, self.directory / "output.log", environment, signal.SIGKILL)
        self._stack.callback(self._remove_shared_memory)
        self._server.start(self.port, self.tls_port)
        self._stack.callback(self._server.stop)
        self.log = AccessLog(self.directory / "access.log", self._mark)
        return self

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port

    @property
    def netloc(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://{self.netloc}"

    @property
    def tls_url(self) -> str:
        """`https://localhost:port`: the connection to the proxy is TLS as well."""
        return f"https://localhost:{self.tls_port}"

    def url_for(self, account: Account, *, qualified: bool = False) -> str:
        r"""The URL with user:password in it; `qualified` writes DOMAIN\user."""
        return f"http://{account.qualified_userinfo if qualified else account.userinfo}@{self.netloc}"

    def proofs(self) -> int:
        """Return how many messages of type 3 have come, each with a password to verify; for NTLM."""
        return (self.directory / "verifier.log").read_text().count("a proof came")

    def _remove_shared_memory(self) -> None:
        for segment in Path("/dev/shm").glob(f"coda{self.port}-*.shm"):
            segment.unlink(missing_ok=True)

    def _mark(self, path: str) -> None:
        # Port 1 is closed: the response is 407 or 503, and either is logged.
        ask(self.port, f"http://127.0.0.1:1{path}")


class Login:
    """What squid demands: `lines(directory)` writes the files and returns the configuration."""

    environment: dict[str, str] = {}

    def helpers(self, directory: Path) -> AbstractContextManager[None]:
        """What has to run beside squid."""
        return nullcontext()

    def lines(self, directory: Path) -> str:
        raise NotImplementedError  # each subclass has its own


class BasicLogin(Login):
    def lines(self, directory: Path) -> str:
        helper = file_of(f"{HELPERS}/basic_ncsa_auth", "squid")
        passwords = write_htpasswd(directory / "htpasswd", EVERYBODY)
        return (
            f"auth_param basic program {helper} {passwords}\n"
            "auth_param basic children 4 startup=1 idle=1\n"
            f"auth_param basic realm {REALM}\n"
        )


class DigestLogin(Login):
    """`nonce_uses` is how often a nonce may be used before squid says `stale=true` (its default is 50)."""

    def __init__(self, nonce_uses: int = 50) -> None:
        self._nonce_uses = nonce_uses

    def lines(self, directory: Path) -> str:
        helper = file_of(f"{HELPERS}/digest_file_auth", "squid")
        passwords = write_htdigest(directory / "htdigest", REALM, EVERYBODY)
        return (
            f"auth_param digest program {helper} -c {passwords}\n"
            "auth_param digest children 4 startup=1 idle=1\n"
            f"auth_param digest nonce_max_count {self._nonce_uses}\n"
            f"auth_param digest realm {REALM}\n"
        )


class _VerifiedLogin(Login):
    """A login whose tokens are verified by support/verifier.py."""

    protocol: str

    def __init__(self) -> None:
        self._port = free_port()

    @contextmanager
    def helpers(self, directory: Path) -> Iterator[None]:
        users = write_ntlm_users(directory / "ntlm-users", EVERYBODY)
        verifier = ServerProcess(
            [sys.executable, str(VERIFIER), str(self._port), self.protocol],
            directory / "verifier.log",
            {"NTLM_USER_FILE": str(users)},
        )
        verifier.start(self._port)
        try:
            yield
        finally:
            verifier.stop()

    def lines(self, directory: Path) -> str:
        # squid's user may not be able to enter the directory of this file.
        helper = write(directory / BRIDGE.name, BRIDGE.read_bytes())
        scheme = self.protocol
        return (
            f"auth_param {scheme} program {program('perl', 'perl-base')} {helper} {self._port}\n"
            f"auth_param {scheme} children 8 startup=2 idle=2\n"
            f"auth_param {scheme} keep_alive on\n"
        )


class NTLMLogin(_VerifiedLogin):
    protocol = "ntlm"


class NegotiateNTLMLogin(_VerifiedLogin):
    """Negotiate without Kerberos: NTLM inside SPNEGO."""

    protocol = "negotiate"


class KerberosLogin(Login):
    """Negotiate with Kerberos tickets for HTTP@localhost or HTTP@127.0.0.1."""

    def __init__(self, kdc: KDC) -> None:
        self._kdc = kdc

    def lines(self, directory: Path) -> str:
        helper = file_of(f"{HELPERS}/negotiate_kerberos_auth", "squid")
        self.environment = self._kdc.for_server(directory)
        return (
            f"auth_param negotiate program {helper} -s GSS_C_NO_NAME -k {self._kdc.keytab}\n"
            "auth_param negotiate children 4 startup=1 idle=1\n"
            "auth_param negotiate keep_alive on\n"
        )
