"""nginx, as the server that every client is measured against: on one core, with all that it serves in memory."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import trustme
from place import DOMAIN, HOST, LINE, MEDIUM, PADDING, RECORDS, SMALL, Site

# Small bodies travel in one piece with their head (sendfile would make two of them), and nothing ends a kept
# connection. /ntlm/ speaks the server's half of an NTLM login by rote: it believes whatever it is told.
CONFIGURATION = """
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
    limit_req_zone $server_port zone=wait:64k rate=1000r/s;
    map $http_proxy_authorization $basic_offer {{ "" 'Basic realm="benchmark"'; default ""; }}
    map $http_proxy_authorization $digest_offer {{
        "" 'Digest realm="benchmark", nonce="bm9uY2U", qop="auth", algorithm=MD5';
        default "";
    }}
    client_max_body_size 0;
    types {{ text/plain txt; application/json json; }}
    default_type application/octet-stream;
    access_log off;
    client_body_temp_path {directory}/tmp;
    proxy_temp_path {directory}/tmp;
    fastcgi_temp_path {directory}/tmp;
    uwsgi_temp_path {directory}/tmp;
    scgi_temp_path {directory}/tmp;
    client_body_buffer_size 64k;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    gzip on;
    gzip_types application/json;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:benchmark:1m;
    ssl_certificate {directory}/server.pem;
    ssl_certificate_key {directory}/server.key;
    root {directory}/static;
    server {{
        listen {host}:{http};
        listen {host}:{https} ssl;
        location = /large {{ sendfile on; sendfile_max_chunk 1m; }}
        location /upload {{ return 200 "{small}"; }}
        location /close/ {{ alias {directory}/static/; keepalive_timeout 0; }}
        location /wait/ {{ limit_req zone=wait burst=10000; alias {directory}/static/; }}
        location /many/ {{ rewrite ^ /small last; }}
        location /long-head/ {{ {long_head} alias {directory}/static/; }}
        {padded}
        location /ntlm/ {{
            error_page 401 = @challenge;
            if ($http_authorization ~ "^NTLM TlRMTVNTUAAD") {{ rewrite ^ /close/small last; }}
            return 401;
        }}
        location @challenge {{
            set $offer "NTLM";
            if ($http_authorization ~ "^NTLM TlRMTVNTUAAB") {{ set $offer "NTLM {challenge}"; }}
            add_header WWW-Authenticate $offer always;
            return 401 "";
        }}
    }}
    server {{
        listen {host}:{basic};
        add_header Proxy-Authenticate $basic_offer always;
        if ($http_proxy_authorization = "") {{ return 407; }}
    }}
    server {{
        listen {host}:{digest};
        add_header Proxy-Authenticate $digest_offer always;
        if ($http_proxy_authorization = "") {{ return 407; }}
    }}
}}
"""


@contextmanager
def serving(large: int, core: int | None) -> Iterator[Site]:
    """Run nginx for a with statement.

    :param large: bytes of /large
    :param core: the number of the core that it may use, None for all
    :raises FileNotFoundError: nginx is not installed
    """
    binary = shutil.which("nginx", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
    if binary is None:
        raise FileNotFoundError("nginx is not installed")
    with tempfile.TemporaryDirectory(prefix="coda-benchmark-") as name:
        directory = Path(name)
        directory.chmod(0o755)  # started by root, nginx reads as somebody else
        _write_files(directory, large)
        ca = _write_certificates(directory)
        http, https, basic, digest = (_free_port() for _ in range(4))
        tunnels = _start_tunnels(directory, core)
        configuration = CONFIGURATION.format(
            user="user nobody nogroup;" if os.geteuid() == 0 else "",
            directory=directory,
            host=HOST,
            http=http,
            https=https,
            small="x" * SMALL,
            challenge=b64encode(ntlm_challenge()).decode(),
            basic=basic,
            digest=digest,
            long_head=" ".join(f"add_header X-Long-{number} {'x' * 3500};" for number in range(90)),
            padded="\n".join(
                f"location = /padded-{number} {{ sendfile on; sendfile_max_chunk 1m; "
                f"add_header X-Padding '{'x' * size}'; alias {directory}/static/large; }}"
                for number, size in enumerate(PADDING)
            ),
        )
        (directory / "nginx.conf").write_text(configuration)
        command = [binary, "-p", name, "-e", f"{name}/error.log", "-c", f"{name}/nginx.conf", "-g", "daemon off;"]
        with _confined(core):
            process = subprocess.Popen(command)
        try:
            _wait_for(process, http, https)
            ports = [int(port) for port in tunnels.stdout.readline().split()]
            yield Site(http, https, str(ca), large, f"{directory}/static/large", basic, digest, *ports)
        finally:
            tunnels.terminate()
            tunnels.communicate()
            process.terminate()
            process.wait()


def _start_tunnels(directory: Path, core: int | None) -> subprocess.Popen[str]:
    """Start the proxies that open tunnels, on the core of nginx; they print their ports."""
    command = [sys.executable, str(Path(__file__).with_name("tunnels.py")), b64encode(ntlm_challenge()).decode()]
    command += [f"{directory}/server.pem", f"{directory}/server.key"]
    with _confined(core):
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _write_files(directory: Path, large: int) -> None:
    static = directory / "static"
    static.mkdir()
    (static / "small").write_bytes(b"x" * SMALL)
    (static / "medium").write_bytes(b"x" * MEDIUM)
    records = [
        {"id": number, "name": f"record {number}", "price": number / 7, "tags": ["a", "b"]} for number in range(RECORDS)
    ]
    (static / "records.json").write_text(json.dumps(records))
    lines = b"".join(b"%0*d\n" % (LINE - 1, number) for number in range(1024))
    with open(static / "large", "wb") as file:
        for _ in range(large // len(lines)):
            file.write(lines)


def _write_certificates(directory: Path) -> Path:
    authority = trustme.CA()
    certificate = authority.issue_cert(HOST, "localhost")
    certificate.private_key_pem.write_to_path(directory / "server.key")
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(directory / "server.pem", append=True)
    authority.cert_pem.write_to_path(directory / "ca.pem")
    return directory / "ca.pem"


def ntlm_challenge() -> bytes:
    """Return a CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2) with the target information that NTLMv2 needs."""
    domain = DOMAIN.encode("utf-16-le")
    pairs = [(2, domain), (1, domain), (7, struct.pack("<Q", (1_700_000_000 + 11_644_473_600) * 10**7)), (0, b"")]
    target = b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in pairs)
    flags = 0xE28A8205  # Unicode, NTLM, extended session security, target information, 128 and 56 bits
    payload = 56
    return (
        b"NTLMSSP\0\x02\0\0\0"
        + struct.pack("<HHI", len(domain), len(domain), payload)
        + struct.pack("<I8s8x", flags, b"\x01\x23\x45\x67\x89\xab\xcd\xef")
        + struct.pack("<HHI", len(target), len(target), payload + len(domain))
        + bytes.fromhex("0a0063450000000f")
        + domain
        + target
    )


@contextmanager
def _confined(core: int | None) -> Iterator[None]:
    """Let what is started inside inherit a single core."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _free_port() -> int:
    with closing(socket.socket()) as sock:
        sock.bind((HOST, 0))
        return int(sock.getsockname()[1])


def _wait_for(process: subprocess.Popen[bytes], *ports: int) -> None:
    for port in ports:
        until = time.monotonic() + 10
        while True:
            try:
                socket.create_connection((HOST, port), 1).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError("nginx did not start") from None
                time.sleep(0.02)
