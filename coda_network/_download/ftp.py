"""FTP under a deadline: a redirect of a download may lead to an ftp URL."""

from __future__ import annotations

import ftplib
import socket
import urllib.request
from typing import Any

from coda_network._net.deadline import Deadline
from coda_network._net.deadline_socket import put_under


class _DeadlineFTP(ftplib.FTP):
    """ftplib.FTP whose sockets share one deadline: the one for commands, and those for data."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._sock: socket.socket | None = None
        super().__init__()

    @property
    def sock(self) -> Any:
        """The socket for commands; ftplib sets it as soon as it stands, before anything is read from it."""
        return self._sock

    @sock.setter
    def sock(self, sock: socket.socket | None) -> None:
        self._sock = None if sock is None else put_under(self._deadline, sock)

    def ntransfercmd(self, *args: Any, **options: Any) -> tuple[socket.socket, int | None]:
        """Begin a transfer; return its socket and the announced size."""
        sock, size = super().ntransfercmd(*args, **options)
        return put_under(self._deadline, sock), size


class DeadlineFTPWrapper(urllib.request.ftpwrapper):
    """urllib.request.ftpwrapper over a _DeadlineFTP."""

    # What urllib's __init__ sets and typeshed does not know.
    user: str
    passwd: str
    host: str
    port: int
    dirs: list[str]

    def __init__(self, deadline: Deadline, *args: Any, **options: Any) -> None:
        self._deadline = deadline
        super().__init__(*args, **options)

    def init(self) -> None:
        """Connect, log in, and go to the directory."""
        self.busy = 0
        ftp = self.ftp = _DeadlineFTP(self._deadline)
        timeout: Any = self._deadline.timeout_for_socket()
        ftp.connect(self.host, self.port, timeout)
        ftp.login(self.user, self.passwd)
        ftp.cwd("/".join(self.dirs))
