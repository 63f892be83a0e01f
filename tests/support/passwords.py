"""Password files in the forms that the servers read."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from support.accounts import Account
from support.servers import program, write


def write_htpasswd(path: Path, accounts: Iterable[Account]) -> Path:
    """Write `user:hash` lines (apr1) for nginx, Apache and squid's basic_ncsa_auth."""
    lines = []
    for account in accounts:
        command = [program("openssl", "openssl"), "passwd", "-apr1", "-stdin"]
        made = subprocess.run(command, input=account.password.encode(), capture_output=True, check=True)
        lines.append(f"{account.user}:{made.stdout.decode().strip()}\n")
    return write(path, "".join(lines))


def write_htdigest(path: Path, realm: str, accounts: Iterable[Account]) -> Path:
    """Write `user:realm:md5(user:realm:password)` lines for Apache and squid's digest_file_auth."""
    lines = []
    for account in accounts:
        prefix = f"{account.user}:{realm}"
        secret = hashlib.md5(f"{prefix}:{account.password}".encode(), usedforsecurity=False).hexdigest()
        lines.append(f"{prefix}:{secret}\n")
    return write(path, "".join(lines))


def write_ntlm_users(path: Path, accounts: Iterable[Account]) -> Path:
    """Write `DOMAIN:user:password` lines, with and without domain, for gss-ntlmssp and pyspnego."""
    lines = []
    for account in accounts:
        lines.append(f"{account.domain}:{account.user}:{account.password}\n")
        lines.append(f":{account.user}:{account.password}\n")
    return write(path, "".join(lines))
