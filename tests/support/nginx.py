"""A real nginx: static files over http, https, and https that demands a client certificate."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from support.accounts import EVERYBODY
from support.certs import Authority
from support.passwords import write_htpasswd
from support.real_server import RealServer
from support.servers import (
    IS_ROOT,
    AccessLog,
    ServerProcess,
    ask,
    free_port,
    make_folder,
    program,
    public_directory,
    write,
)

BLOCK = 1 << 20

CONFIGURATION = """
{user}
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{ text/plain txt; application/octet-stream bin; }}
    default_type application/octet-stream;
    client_body_temp_path {directory}/tmp;
    proxy_temp_path {directory}/tmp;
    fastcgi_temp_path {directory}/tmp;
    uwsgi_temp_path {directory}/tmp;
    scgi_temp_path {directory}/tmp;
    client_max_body_size 0;
    log_format json escape=json '{{"connection": $connection, "number": $connection_requests, '
        '"port": $server_port, "method": "$request_method", "target": "$request_uri", "status": $status, '
        '"sent": $bytes_sent, "via": "$http_via", "authorization": "$http_authorization", '
        '"proxy_authorization": "$http_proxy_authorization", "client": "$ssl_client_s_dn"}}';
    access_log {directory}/access.log json;
    gzip on;
    gzip_types text/plain;
    gzip_min_length 100;
    gzip_proxied any;
    keepalive_requests 100000;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_certificate {ca.server_certificate};
    ssl_certificate_key {ca.server_key};
    ssl_client_certificate {ca.bundle};
    root {directory}/static;
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        include {directory}/locations.conf;
    }}
    server {{
        listen 127.0.0.1:{strict} ssl;
        ssl_verify_client on;
        include {directory}/locations.conf;
    }}
}}
"""

LOCATIONS = """
location /tree/ {{ autoindex on; }}
location /close/ {{ alias {directory}/static/; keepalive_timeout 0; }}
location /basic/ {{
    alias {directory}/static/;
    auth_basic "coda site";
    auth_basic_user_file {directory}/htpasswd;
}}
# `mirror` has the body read before the response is sent: squid 5 now and then closes a kept connection otherwise.
# nginx refuses to POST or PUT to a file with 405, and that is the response here.
location /upload {{
    mirror /nothing;
    root {directory}/static;
    try_files /small.bin =404;
    error_page 405 =200 @thanks;
}}
location @thanks {{ return 200 "thanks\\n"; }}
location = /nothing {{ internal; return 204; }}
"""


@dataclass(frozen=True)
class StaticFile:
    """A file that nginx serves: path in URLs, place on the disk, size in bytes, SHA-256 in hexadecimal."""

    path: str
    place: Path
    size: int
    sha256: str


class Nginx(RealServer):
    """nginx for a with statement. The files `small` and `text` are always there; `file(size)` makes more.

    Each can also be had under `/close` (no keep-alive) and `/basic` (a Basic login of `accounts.EVERYBODY`).
    """

    def __init__(self, ca: Authority) -> None:
        super().__init__()
        self._ca = ca
        self._files: dict[int, StaticFile] = {}

    def __enter__(self) -> Nginx:
        binary = program("nginx", "nginx")
        self.directory = self._stack.enter_context(public_directory())
        make_folder(self.directory / "static")
        self.http_port, self.https_port, self.client_certificate_port = free_port(), free_port(), free_port()
        configuration = CONFIGURATION.format(
            user="user www-data;" if IS_ROOT else "",
            directory=self.directory,
            ca=self._ca,
            http=self.http_port,
            https=self.https_port,
            strict=self.client_certificate_port,
        )
        write(self.directory / "nginx.conf", configuration)
        write(self.directory / "locations.conf", LOCATIONS.format(directory=self.directory))
        write_htpasswd(self.directory / "htpasswd", EVERYBODY)
        self.small = self._static("small.bin", b"0123456789abcdef" * 8)
        self.text = self._static("text.txt", b"All work and no play makes a dull text.\n" * 100)
        log = self.directory / "error.log"
        command = [
            binary,
            "-e",
            str(log),
            "-p",
            str(self.directory),
            "-c",
            str(self.directory / "nginx.conf"),
        ]
        server = ServerProcess([*command, "-g", "daemon off;"], log)
        server.start(self.http_port, self.https_port, self.client_certificate_port)
        self._stack.callback(server.stop)
        self.log = AccessLog(self.directory / "access.log", lambda path: ask(self.http_port, path) and None)
        return self

    @property
    def url(self) -> str:
        """`http://127.0.0.1:port`."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def tls_url(self) -> str:
        """`https://localhost:port`."""
        return f"https://localhost:{self.https_port}"

    @property
    def client_certificate_url(self) -> str:
        """`https://localhost:port`, where a request without a client certificate gets 400."""
        return f"https://localhost:{self.client_certificate_port}"

    def file(self, size: int) -> StaticFile:
        """Return a file of `size` random bytes; it is made once."""
        if size not in self._files:
            place = self.directory / "static" / f"random-{size}.bin"
            digest = hashlib.sha256()
            with place.open("wb") as target:
                for start in range(0, size, BLOCK):
                    block = os.urandom(min(BLOCK, size - start))
                    digest.update(block)
                    target.write(block)
            place.chmod(0o644)
            self._files[size] = StaticFile(f"/{place.name}", place, size, digest.hexdigest())
        return self._files[size]

    def _static(self, name: str, content: bytes) -> StaticFile:
        place = write(self.directory / "static" / name, content)
        return StaticFile(f"/{name}", place, len(content), hashlib.sha256(content).hexdigest())
