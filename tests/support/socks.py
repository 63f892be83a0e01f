"""Real SOCKS proxies: microsocks (version 5, with or without a login) and dante (versions 4 and 5)."""

from __future__ import annotations

from support.real_server import RealServer
from support.servers import IS_ROOT, ServerProcess, free_port, program, public_directory, write

# Each statement of a block has a line of its own.
DANTE = """
logoutput: {directory}/danted.log
internal: 127.0.0.1 port = {port}
external: 127.0.0.1
clientmethod: none
socksmethod: none
{users}
client pass {{
    from: 127.0.0.0/8 to: 0.0.0.0/0
}}
socks pass {{
    from: 127.0.0.0/8 to: 127.0.0.0/8
}}
socks pass {{
    from: 127.0.0.0/8 to: localhost
}}
"""
USERS = "user.privileged: root\nuser.unprivileged: nobody"


class _Socks(RealServer):
    """One proxy for a with statement."""

    def _command(self) -> list[str]:
        raise NotImplementedError  # each subclass has its own

    def __enter__(self) -> _Socks:
        self.directory = self._stack.enter_context(public_directory())
        self.port = free_port()
        server = ServerProcess(self._command(), self.directory / "output.log")
        server.start(self.port)
        self._stack.callback(server.stop)
        return self

    @property
    def address(self) -> tuple[str, int]:
        return "127.0.0.1", self.port


class Microsocks(_Socks):
    """microsocks; with a user and a password it demands them."""

    def __init__(self, user: str | None = None, password: str | None = None) -> None:
        super().__init__()
        self._login = [] if user is None else ["-u", user, "-P", password or ""]

    def _command(self) -> list[str]:
        return [program("microsocks", "microsocks"), "-i", "127.0.0.1", "-p", str(self.port), *self._login]


class Dante(_Socks):
    """dante without a login. It knows no SOCKS4a."""

    def _command(self) -> list[str]:
        settings = DANTE.format(directory=self.directory, port=self.port, users=USERS if IS_ROOT else "")
        return [program("danted", "dante-server"), "-f", str(write(self.directory / "danted.conf", settings))]
