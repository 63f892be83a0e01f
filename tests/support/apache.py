"""A real Apache, as origin and as forward proxy, with Basic, Digest, NTLM and Kerberos logins."""

from __future__ import annotations

from support.accounts import EVERYBODY
from support.certs import Authority
from support.kdc import KDC
from support.passwords import write_htdigest, write_htpasswd, write_ntlm_users
from support.real_server import RealServer
from support.servers import (
    IS_ROOT,
    AccessLog,
    ServerProcess,
    ask,
    file_of,
    free_port,
    give_to,
    library_of,
    make_folder,
    program,
    public_directory,
    write,
)

REALM = "coda apache"
OWNER = "www-data"
MODULES = "/usr/lib/apache2/modules"
NTLMSSP = "gssntlmssp/gssntlmssp.so"
LOADED = (
    *("mpm_event", "authn_core", "authz_core", "authz_user", "authn_file", "auth_basic", "auth_digest"),
    *("auth_gssapi", "dir", "mime", "alias", "env", "headers", "setenvif", "ssl", "cgid"),
    *("proxy", "proxy_http", "proxy_connect"),
)

COMMON = """
{modules}
{user}
ServerName localhost
ServerRoot {directory}
DefaultRuntimeDir {directory}/run
PidFile {directory}/run/apache.pid
Mutex pthread
ScriptSock {directory}/run/cgi
ErrorLog {directory}/error.log
LogFormat "{{\\"connection\\": %{{remote}}p, \\"number\\": %k, \\"method\\": \\"%m\\", \
\\"target\\": \\"%U\\", \\"status\\": %>s, \\"user\\": \\"%u\\", \\"port\\": %{{local}}p, \
\\"authorization\\": \\"%{{Authorization}}i\\", \
\\"proxy_authorization\\": \\"%{{Proxy-Authorization}}i\\"}}" coda
CustomLog {directory}/access.log coda
StartServers 1
ServerLimit 2
ThreadsPerChild 50
MaxRequestWorkers 100
MaxKeepAliveRequests 0
KeepAliveTimeout 60
TypesConfig /dev/null
SSLSessionCache none
"""

# What is demanded, by the name of the path or of the proxy.
LOGINS = {
    "basic": """
    AuthType Basic
    AuthName "{realm}"
    AuthBasicProvider file
    AuthUserFile {directory}/htpasswd
    Require valid-user
""",
    "digest": """
    AuthType Digest
    AuthName "{realm}"
    AuthDigestProvider file
    AuthUserFile {directory}/htdigest
    Require valid-user
""",
    # A nonce that is older than two seconds is refused with stale=true here.
    "digest-short": """
    AuthType Digest
    AuthName "{realm}"
    AuthDigestProvider file
    AuthDigestNonceLifetime 2
    AuthUserFile {directory}/htdigest
    Require valid-user
""",
    # mod_auth_gssapi offers Negotiate too: its offers are taken away, NTLM alone is offered in their place.
    "ntlm": """
    AuthType GSSAPI
    AuthName "{realm}"
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    Require valid-user
    SetEnvIf Request_Method . gssapi-no-negotiate
    Header always add {challenge} NTLM "expr=%{{REQUEST_STATUS}} == {status} && \
%{{HTTP:{authorization}}} !~ /^NTLM TlRMTVNTUAAB/"
""",
    "kerberos": """
    AuthType GSSAPI
    AuthName "{realm}"
    GssapiAllowedMech krb5
    GssapiCredStore keytab:{keytab}
    Require valid-user
""",
    # The keytab comes from KRB5_KTNAME: with GssapiCredStore and two mechanisms a worker crashes.
    "several": """
    AuthType GSSAPI
    AuthName "{realm}"
    GssapiAllowedMech krb5
    GssapiAllowedMech ntlmssp
    GssapiConnectionBound On
    GssapiBasicAuth On
    GssapiBasicAuthMech krb5
    Require valid-user
""",
}

ORIGIN = """
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{https}
DocumentRoot {directory}/static
ScriptAliasMatch "^/(?:[a-z-]+/)?echo" {directory}/echo.cgi
<Directory {directory}>
    Require all granted
</Directory>
{locations}
<VirtualHost 127.0.0.1:{https}>
    SSLEngine on
    SSLCertificateFile {ca.server_certificate}
    SSLCertificateKeyFile {ca.server_key}
</VirtualHost>
"""

PROXY = """
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
    ProxyRequests On
    AllowCONNECT 1-65535
    <Proxy *>
{login}
    </Proxy>
    {tls}
</VirtualHost>
"""
PROXY_TLS = "SSLEngine on\n    SSLCertificateFile {ca.server_certificate}\n    SSLCertificateKeyFile {ca.server_key}"

# Reads to the end of its input, so that chunked requests are seen whole.
ECHO = """#!{perl}
use strict;
use warnings;
use Digest::SHA;
my ($digest, $length) = (Digest::SHA->new(256), 0);
binmode STDIN;
while (my $size = read(STDIN, my $block, 65536)) {{ $digest->add($block); $length += $size; }}
sub quoted {{ my $text = shift // ''; $text =~ s/(["\\\\])/\\\\$1/g; return qq("$text"); }}
my @fields = map {{ quoted($_) . ': ' . quoted($ENV{{$_}}) }}
    grep {{ /^(HTTP_|REQUEST_|REMOTE_|AUTH_TYPE|SERVER_PROTOCOL|CONTENT_)/ }} sort keys %ENV;
my $response = sprintf '{{"body_length": %d, "body_sha256": "%s", %s}}',
    $length, $digest->hexdigest, join(', ', @fields);
print "Content-Type: application/json\\r\\nContent-Length: ", length($response), "\\r\\n\\r\\n", $response;
"""


class _Apache(RealServer):
    """One Apache process for a with statement; what it serves is the matter of the classes below."""

    def __init__(self, ca: Authority, kdc: KDC) -> None:
        super().__init__()
        self._ca = ca
        self._kdc = kdc

    def _configuration(self) -> tuple[str, list[int]]:
        """Return what follows the common part of the configuration, and the ports."""
        raise NotImplementedError  # each subclass has its own

    def _login(self, kind: str, challenge: str, authorization: str, status: int) -> str:
        return LOGINS[kind].format(
            realm=REALM,
            directory=self.directory,
            keytab=self._kdc.keytab,
            challenge=challenge,
            authorization=authorization,
            status=status,
        )

    def _start(self) -> None:
        binary = program("apache2", "apache2")
        file_of(f"{MODULES}/mod_auth_gssapi.so", "libapache2-mod-auth-gssapi")
        self.directory = self._stack.enter_context(public_directory())
        for name in ("run", "static", "replay"):
            make_folder(self.directory / name)
        give_to(OWNER, self.directory / "replay", self.directory / "run")
        write_htpasswd(self.directory / "htpasswd", EVERYBODY)
        write_htdigest(self.directory / "htdigest", REALM, EVERYBODY)
        users = write_ntlm_users(self.directory / "ntlm-users", EVERYBODY)
        mechanism = library_of(NTLMSSP, "gss-ntlmssp")
        mechanisms = write(self.directory / "mechanisms", f"gssntlmssp_v1 1.3.6.1.4.1.311.2.2.10 {mechanism}\n")
        common = COMMON.format(
            modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
            user=f"User {OWNER}\nGroup {OWNER}" if IS_ROOT else "",
            directory=self.directory,
        )
        special, ports = self._configuration()
        place = write(self.directory / "apache.conf", common + special)
        environment = {
            **self._kdc.for_server(self.directory / "replay"),
            "NTLM_USER_FILE": str(users),
            "GSS_MECH_CONFIG": str(mechanisms),
        }
        command = [binary, "-DFOREGROUND", "-f", str(place)]
        server = ServerProcess(command, self.directory / "output.log", environment)
        server.start(*ports)
        self._stack.callback(server.stop)
        self.log = AccessLog(self.directory / "access.log", lambda path: ask(ports[0], path) and None, settle=0.1)


class Apache(_Apache):
    """Apache as origin, over http and https.

    Paths: `/echo` (open), `/basic/echo`, `/digest/echo`, `/digest-short/echo`, `/ntlm/echo`, `/kerberos/echo`
    and `/several/echo` (Negotiate, NTLM and Basic). The echo is JSON: the CGI variables, `body_length` and
    `body_sha256`.
    """

    def __enter__(self) -> Apache:
        self.http_port, self.https_port = free_port(), free_port()
        self._start()
        return self

    def _configuration(self) -> tuple[str, list[int]]:
        write(self.directory / "echo.cgi", ECHO.format(perl=program("perl", "perl")), mode=0o755)
        locations = [
            f"<Location /{kind}>{self._login(kind, 'WWW-Authenticate', 'Authorization', 401)}</Location>"
            for kind in LOGINS
        ]
        special = ORIGIN.format(
            directory=self.directory,
            http=self.http_port,
            https=self.https_port,
            ca=self._ca,
            locations="\n".join(locations),
        )
        return special, [self.http_port, self.https_port]

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the http origin."""
        return "127.0.0.1", self.http_port

    @property
    def url(self) -> str:
        """`http://localhost:port`; Kerberos knows the service by this name, and by 127.0.0.1."""
        return f"http://localhost:{self.http_port}"

    @property
    def tls_url(self) -> str:
        """`https://localhost:port`."""
        return f"https://localhost:{self.https_port}"


class ApacheProxy(_Apache):
    """Apache as forward proxy: one port for each kind of login of `LOGINS`, and one that is reached by TLS.

    It does not carry an NTLM login of the origin for http:// URLs, which squid does.
    """

    def __enter__(self) -> ApacheProxy:
        self.ports = {kind: free_port() for kind in LOGINS}
        self.tls_ports = {kind: free_port() for kind in LOGINS}
        self._start()
        return self

    def _configuration(self) -> tuple[str, list[int]]:
        hosts = [
            PROXY.format(port=port, login=self._login(kind, "Proxy-Authenticate", "Proxy-Authorization", 407), tls=tls)
            for ports, tls in ((self.ports, ""), (self.tls_ports, PROXY_TLS.format(ca=self._ca)))
            for kind, port in ports.items()
        ]
        return "\n".join(hosts), [*self.ports.values(), *self.tls_ports.values()]

    def address(self, kind: str) -> tuple[str, int]:
        """Host and port of the proxy that demands `kind`."""
        return "127.0.0.1", self.ports[kind]

    def url(self, kind: str) -> str:
        """`http://localhost:port` of the proxy that demands `kind`."""
        return f"http://localhost:{self.ports[kind]}"
