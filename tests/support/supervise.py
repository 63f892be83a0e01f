"""Run a command until standard input ends: `python supervise.py SIGNAL COMMAND ARGUMENT...`.

The tests hold the other end of that pipe. However they end, SIGNAL goes to the server and its helpers then,
which are a process group of their own, and SIGKILL to what is left of them a little later.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

PATIENCE = 5.0  # seconds between asking to end and ending by force


def end_when_input_ends(server: subprocess.Popen[bytes], number: int) -> None:
    while os.read(0, 4096):
        pass
    os.killpg(server.pid, number)
    deadline = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)


def main() -> int:
    server = subprocess.Popen(sys.argv[2:], stdin=subprocess.DEVNULL, start_new_session=True)
    ending = threading.Thread(target=end_when_input_ends, args=(server, int(sys.argv[1])), daemon=True)
    ending.start()
    while server.poll() is None and ending.is_alive():
        ending.join(0.05)
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # The whole group has ended.
    return server.wait()


if __name__ == "__main__":
    sys.exit(main())
