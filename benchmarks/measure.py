"""Measuring: one process for each client, all of them in turn, several times over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from clients import CLIENTS
from clients.base import Client
from kinds import Kind
from place import Site
from worker import IDLE

HERE = Path(__file__).parent

IDLE_CONNECTIONS = 1000

MODULES = (
    "coda_network",
    "coda_network.httplib",
    "coda_network.urllib2",
    "http.client",
    "urllib.request",
    "urllib3",
    "requests",
    "httpx",
    "niquests",
    "aiohttp",
    "pycurl",
    "wreq",
    "primp",
    "pyreqwest",
)
"""What is imported, each in an interpreter of its own."""

# Without the site module: what .pth files of the environment load would otherwise be loaded already. `os` is there in
# every interpreter.
_TIMED_IMPORT = """
import os, sys
sys.path += sys.argv[2:]
from time import perf_counter, process_time
wall, cpu = perf_counter(), process_time()
__import__(sys.argv[1])
print(process_time() - cpu, perf_counter() - wall)
"""


@dataclass
class Figures:
    """What one client cost: seconds for one request in each pass, and the most memory in bytes."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak: float = 0

    def ratio_to(self, other: Figures) -> float:
        """Return the median of the passes' ratios of processor time."""
        return median(mine / theirs for mine, theirs in zip(self.cpu, other.cpu, strict=True))


class WorkerFailed(Exception):
    """A client cannot do what it was asked to; the message is its own."""


class Worker:
    """The process of one client."""

    def __init__(self, kind: str, client: str, site: Site, core: int | None) -> None:
        arguments = [kind, client, site.to_json(), "" if core is None else str(core)]
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=plain_environment(site),
        )
        self.count = 1

    def run(self, count: int) -> dict[str, float]:
        """Let it do *count* requests; return what they cost together."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(f"{count}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        report: dict[str, Any] = json.loads(self.process.stdout.readline() or '{"failed": "the process ended"}')
        if "failed" in report:
            raise WorkerFailed(report["failed"])
        return report

    def warm_up(self, seconds: float, threads: int) -> None:
        """Do a few requests, and choose how many fill *seconds*."""
        self.run(threads)  # the first may import what it needs
        took = self.run(threads)["wall"]
        if took < seconds / 4:
            few = threads * 50
            took = self.run(few)["wall"] * threads / few
        self.count = max(1, round(seconds / took)) * threads

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def plain_environment(site: Site) -> dict[str, str]:
    """Return the environment without proxies, and with the site's authority as the one that is trusted by default."""
    others = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR")
    environment = {
        name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy") and name not in others
    }
    return {**environment, "SSL_CERT_FILE": site.ca}


def measure_kind(
    kind: Kind, clients: list[type[Client]], site: Site, passes: int, seconds: float, core: int | None
) -> tuple[dict[str, Figures], dict[str, str]]:
    """Return what each client cost, and why others are not there.

    :param seconds: of one client in one pass; a stream counts once however long it takes
    :param core: that the clients may use, None for all
    """
    figures: dict[str, Figures] = {}
    failed: dict[str, str] = {}
    workers: dict[str, Worker] = {}
    try:
        for client in clients:
            # One after the other: while one starts, no other is timed.
            worker = workers[client.name] = Worker(kind.name, client.name, site, core)
            try:
                worker.warm_up(0 if kind.is_long else seconds, kind.threads)
                figures[client.name] = Figures()
            except WorkerFailed as error:
                failed[client.name] = str(error)
        for _ in range(passes):
            for name in list(figures):
                try:
                    _one_pass(workers[name], figures[name])
                except WorkerFailed as error:
                    failed[name] = str(error)
                    del figures[name]
    finally:
        for worker in workers.values():
            worker.close()
    return figures, failed


def _one_pass(worker: Worker, figures: Figures) -> None:
    if worker.count >= 100:
        worker.run(worker.count // 80 * 8)  # what the others have driven out of the caches comes back
    cost = worker.run(worker.count)
    figures.cpu.append(cost["cpu"] / worker.count)
    figures.wall.append(cost["wall"] / worker.count)
    figures.peak = cost["peak"]


def measure_idle(clients: list[type[Client]], site: Site) -> tuple[dict[str, float], dict[str, str]]:
    """Return the bytes of memory for each connection that a client keeps, and why others are not there."""
    held: dict[str, float] = {}
    failed: dict[str, str] = {}
    for client in clients:
        worker = Worker(IDLE, client.name, site, None)
        try:
            held[client.name] = worker.run(IDLE_CONNECTIONS)["held"]
        except WorkerFailed as error:
            failed[client.name] = str(error)
        finally:
            worker.close()
    return held, failed


def measure_imports(passes: int, core: int | None) -> dict[str, Figures]:
    """Return what it costs to import each module that is installed."""
    figures = {name: Figures() for name in MODULES}
    paths = [str(HERE.parent), *(path for path in sys.path if path.endswith("-packages"))]
    with tempfile.TemporaryDirectory(prefix="coda-benchmark-") as compiled:
        # The first pass compiles, and its results are the only ones that the others load.
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(passes + 1):
            for name in list(figures):
                command = [sys.executable, "-S", "-c", _TIMED_IMPORT, name, *paths]
                done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=_pin(core))
                if done.returncode:
                    del figures[name]
                    continue
                cpu, wall = map(float, done.stdout.split())
                figures[name].cpu.append(cpu)
                figures[name].wall.append(wall)
    for measured in figures.values():
        del measured.cpu[0], measured.wall[0]  # the first time may have compiled
    return figures


def _pin(core: int | None) -> Callable[[], None] | None:
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def cores() -> tuple[int | None, int | None]:
    """Return a core for the clients and another for the server; None where the system cannot say."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    free = sorted(os.sched_getaffinity(0))
    return (free[0], free[-1]) if len(free) > 1 else (None, None)


def able(kind: Kind, clients: list[type[Client]]) -> list[type[Client]]:
    """Return the clients that can do what *kind* asks for."""
    return [client for client in clients if hasattr(client, kind.operation) and kind.is_for(client.name)]


def named(text: str) -> list[type[Client]]:
    """Return the clients whose names contain one of the words, separated by commas; all for an empty text.

    The bare loop is always there, because the others are compared with it.
    """
    words = [word.strip() for word in text.split(",") if word.strip()]
    every = list(CLIENTS.values())
    if not words:
        return every
    return [client for client in every if client is every[0] or any(word in client.name for word in words)]
