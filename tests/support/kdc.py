"""A real MIT KDC: accounts are principals, the HTTP services of localhost have a keytab."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from support.accounts import EVERYBODY, KERBEROS_REALM, Account
from support.real_server import RealServer
from support.servers import ServerProcess, free_port, program, public_directory, write

MASTER_PASSWORD = "master"

CLIENT_CONFIGURATION = """
[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
[domain_realm]
    localhost = {realm}
    127.0.0.1 = {realm}
"""

SERVER_CONFIGURATION = """
[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {directory}/principal
        key_stash_file = {directory}/stash
        acl_file = {directory}/acl
        max_life = 1h
        # Without it the KDC would not look at passwords: whoever asks gets a ticket that only the right one opens.
        default_principal_flags = +preauth
    }}
[logging]
    kdc = FILE:{directory}/kdc.log
"""


class KDC(RealServer):
    """The KDC for a with statement.

    `keytab` is that of the services `HTTP/localhost` and `HTTP/127.0.0.1`, `environment` what every Kerberos
    program needs.
    """

    def __enter__(self) -> KDC:
        binary = program("krb5kdc", "krb5-kdc")
        self._kinit = program("kinit", "krb5-user")
        self.directory = self._stack.enter_context(public_directory())
        self.port = free_port()
        known = {"realm": KERBEROS_REALM, "port": self.port, "directory": self.directory}
        configuration = write(self.directory / "krb5.conf", CLIENT_CONFIGURATION.format(**known))
        profile = write(self.directory / "kdc.conf", SERVER_CONFIGURATION.format(**known))
        self.environment = {"KRB5_CONFIG": str(configuration), "KRB5_KDC_PROFILE": str(profile)}
        self.keytab = self.directory / "http.keytab"
        self._make_database()
        command = [binary, "-n", "-r", KERBEROS_REALM, "-P", str(self.directory / "kdc.pid")]
        server = ServerProcess(command, self.directory / "output.log", self.environment)
        server.start(self.port)
        self._stack.callback(server.stop)
        return self

    def ticket(self, account: Account) -> dict[str, str]:
        """Log `account` in with kinit; return the environment in which its ticket is found."""
        cache = self.directory / f"ticket-{account.user}"
        self._run([self._kinit, "-c", f"FILE:{cache}", account.user], f"{account.password}\n")
        return {"KRB5_CONFIG": self.environment["KRB5_CONFIG"], "KRB5CCNAME": f"FILE:{cache}"}

    def for_server(self, directory: Path) -> dict[str, str]:
        """Return a server's environment: the keytab, and a replay cache in `directory`, which it must own."""
        return {
            **self.environment,
            "KRB5RCACHENAME": f"file2:{directory}/replay",
            "KRB5_KTNAME": str(self.keytab),
        }

    def _make_database(self) -> None:
        self._run([program("kdb5_util", "krb5-kdc"), "create", "-s", "-r", KERBEROS_REALM, "-P", MASTER_PASSWORD])
        commands = [f'addprinc -pw "{account.password}" {account.user}' for account in EVERYBODY]
        for host in ("localhost", "127.0.0.1"):
            commands += [f"addprinc -randkey HTTP/{host}", f"ktadd -k {self.keytab} HTTP/{host}"]
        # kadmin.local is in krb5-admin-server, not in krb5-kdc.
        self._run([program("kadmin.local", "krb5-admin-server"), "-r", KERBEROS_REALM], "\n".join([*commands, ""]))
        self.keytab.chmod(0o644)

    def _run(self, command: list[str], words: str = "") -> None:
        environment = {**os.environ, **self.environment}
        done = subprocess.run(command, input=words.encode(), env=environment, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {(done.stdout + done.stderr).decode()}")
