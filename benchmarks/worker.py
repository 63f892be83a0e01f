"""The process of one client for one kind: it reads how many requests to do, and reports what they cost.

The report for each number on standard input is one line of JSON on standard output: seconds of processor time (user and
system) and of wall time for all of them, and the most memory that the process has had, in bytes.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from clients import CLIENTS
from clients.base import Client
from kinds import KINDS, Kind
from place import SMALL, Site

IDLE = "idle"
"""Not requests, but the memory of connections that are kept."""


def main(kind_name: str, client_name: str, site_text: str, core: str) -> None:
    """Serve one client until standard input ends."""
    if core:
        os.sched_setaffinity(0, {int(core)})
    site = Site.from_json(site_text)
    try:
        if kind_name == IDLE:
            for line in sys.stdin:
                _report(_idle(CLIENTS[client_name], site, int(line)))
            return
        kind = next(kind for kind in KINDS if kind.name == kind_name)
        clients = _one_for_each_thread(CLIENTS[client_name], kind, site)
        for line in sys.stdin:
            _report(_requests(clients, kind, site, int(line)))
        for client in set(clients):
            client.close()
    except Exception as error:
        message = " ".join(str(error).split())
        _report({"failed": f"{type(error).__name__}: {message[:160]}"})
        # What the client was in the middle of is dropped without a word about it.
        os._exit(1)


def _report(result: dict[str, Any]) -> None:
    print(json.dumps(result), flush=True)


def _one_for_each_thread(client: type[Client], kind: Kind, site: Site) -> list[Client]:
    if client.threads:
        return [client(site, kind.secure)] * kind.threads
    return [client(site, kind.secure) for _ in range(kind.threads)]


def _requests(clients: list[Client], kind: Kind, site: Site, count: int) -> dict[str, float]:
    expected = kind.expected(site)
    arguments = (count // len(clients), kind.operation, kind.arguments, expected)
    wall, cpu = time.perf_counter(), time.process_time()
    if len(clients) == 1:
        clients[0].repeat(*arguments)
    else:
        _in_threads(clients, arguments)
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall, "peak": _peak()}


def _in_threads(clients: list[Client], arguments: tuple[object, ...]) -> None:
    failures: list[BaseException] = []

    def run(client: Client) -> None:
        try:
            client.repeat(*arguments)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def _peak() -> int:
    # What getrusage() says begins with the parent's size; /proc counts from the start of this program.
    try:
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _idle(kind: type[Client], site: Site, count: int) -> dict[str, float]:
    """Return the bytes that a client needs for each of *count* connections that it keeps."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    client = kind(site, secure=False)
    client.repeat(1, "get", ("/small",), SMALL)  # whatever it imports only now
    gc.collect()
    before = _resident()
    kept = client.leave_idle("/small", count)
    gc.collect()
    held = (_resident() - before) / count
    open_files = len(os.listdir("/proc/self/fd"))
    if open_files < count:
        raise ValueError(f"{kind.name} kept fewer than {count} connections: {open_files} files are open")
    del kept
    client.close()
    return {"held": held}


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


if __name__ == "__main__":
    main(*sys.argv[1:])
