"""``download_many()`` on executors of other processes, a worker killed in the middle: is every file there and right?

``python tests/ecosystem/executors.py [WORD ...]`` prints a table; words choose rows. ``CODA_FILES`` (2000) sets how
many files of mixed sizes. They come through a squid that wants NTLM, and all that the run shows (results, errors; of
dask the logs, the tasks and the pages of the scheduler) is searched for the password. The exit status is 1 if something
is wrong. Needs Debian's nginx and squid; loky and dask.distributed are rows where they are installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.servers import public_directory
from support.squid import NTLMLogin, Squid

from coda_network.utilities import Access, download_many

WORKERS = 4
Pids = Callable[[], list[int]]


def proxy_credentials() -> tuple[str, str]:
    """Return who logs in; called in the worker, so that the password is on no wire but the proxy's."""
    return ALICE.qualified, ALICE.password


def of_process(kind: str) -> Callable[[], Any]:
    @contextmanager
    def make() -> Iterator[tuple[Executor, Pids, list[str]]]:
        with ProcessPoolExecutor(WORKERS, mp_context=multiprocessing.get_context(kind)) as pool:
            yield pool, lambda: list(pool._processes or {}), []

    return make


@contextmanager
def of_loky() -> Iterator[tuple[Executor, Pids, list[str]]]:
    from loky import ProcessPoolExecutor as Loky

    with Loky(WORKERS) as pool:
        yield pool, lambda: list(pool._processes), []


@contextmanager
def of_dask() -> Iterator[tuple[Executor, Pids, list[str]]]:
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=WORKERS, threads_per_worker=2, dashboard_address="127.0.0.1:0") as cluster:
        with Client(cluster) as client, client.get_executor(pure=False) as pool:
            port = cluster.scheduler.http_server.port
            pages = [f"http://127.0.0.1:{port}{path}" for path in ("/info/main/workers.html", "/info/main/logs.html",
                     "/status", "/tasks", "/json/counts.json", "/json/identity.json")]  # fmt: skip

            def pids() -> list[int]:
                return [worker["pid"] for worker in client.run(lambda: {"pid": os.getpid()}).values()]

            found = read_pages(pages, cluster, client)
            yield pool, pids, found
            found += read_pages(pages, cluster, client)


def read_pages(pages: list[str], cluster: Any, client: Any) -> list[str]:
    """Return what the scheduler and the workers show: pages, logs, keys of tasks and their descriptions."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    texts = []
    for page in pages:
        try:
            with opener.open(page, timeout=10) as response:
                texts.append(response.read().decode("utf-8", "replace"))
        except OSError as error:
            texts.append(f"{page}: {error}")
    logs = repr(client.get_scheduler_logs()) + repr(client.get_worker_logs())
    keys = repr(list(cluster.scheduler.tasks.items())) + repr(list(cluster.scheduler.transition_log))
    return [*texts, logs, keys]


ROWS: dict[str, tuple[str, Callable[[], Any]]] = {
    "ProcessPoolExecutor, spawn": ("multiprocessing", of_process("spawn")),
    "ProcessPoolExecutor, forkserver": ("multiprocessing", of_process("forkserver")),
    "loky": ("loky", of_loky),
    "dask.distributed": ("distributed", of_dask),
}


def run(name: str, make: Callable[[], Any], files: dict[str, str], url: str, access: Access) -> tuple[str, bool]:
    """Download everything, and kill a worker when a third is there; a pool that breaks gets what is left once more."""
    with tempfile.TemporaryDirectory() as folder:
        left, broken, killed, seen, failures = dict(files), 0, 0, [], 0
        begun = time.monotonic()
        while left and broken < 3:
            with make() as (pool, pids, pages):
                jobs = [(url + path, os.path.join(folder, path.strip("/").replace("/", "_"))) for path in left]
                got = 0
                for result in download_many(jobs, pool, per_host=16, access=access):
                    seen.append(repr(result) + repr(result.error))
                    got += result.ok
                    failures += not result.ok
                    if result.ok:
                        left.pop(result.job.url[len(url) :], None)
                    if not killed and got > len(files) // 3:
                        killed = pids()[0]
                        os.kill(killed, signal.SIGKILL)
            seen += pages
            broken += bool(left)
        seconds = time.monotonic() - begun
        right = sum(
            hashlib.sha256(Path(folder, path.strip("/").replace("/", "_")).read_bytes()).hexdigest() == digest
            for path, digest in files.items()
            if Path(folder, path.strip("/").replace("/", "_")).exists()
        )
        others = len([each for each in os.listdir(folder) if ".part" in each])
    secret = any(ALICE.password in text for text in seen)
    is_right = right == len(files) and not secret and not left
    text = f"{right} of {len(files)} right, {others} parts left | {failures} | {broken} | {seconds:.1f}"
    size = sum(map(len, seen)) // 1000
    return f"{text} | {'FOUND' if secret else 'not found'} in {size} kB", is_right


def main(words: list[str]) -> int:
    count, wrong = int(os.environ.get("CODA_FILES", "2000")), 0
    chance = random.Random(6)
    with ExitStack() as stack:
        ca = Authority(stack.enter_context(public_directory()))
        nginx = stack.enter_context(Nginx(ca))
        squid = stack.enter_context(Squid(ca, NTLMLogin()))
        place = nginx.directory / "static" / "mixed"
        place.mkdir()
        place.chmod(0o755)
        files = {}
        for number in range(count):
            body = chance.randbytes(int(2 ** chance.uniform(0, 19)))
            (place / str(number)).write_bytes(body)
            files[f"/mixed/{number}"] = hashlib.sha256(body).hexdigest()
        access = Access(proxy=squid.url, proxy_credentials=proxy_credentials)
        print("| executor, 4 workers, one killed | files | jobs that failed | pools broken | time, s | the password |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name, (needs, make) in ROWS.items():
            if words and not any(word in name for word in words):
                continue
            if importlib.util.find_spec(needs) is None:
                print(f"| {name} | not installed | | | | |")
                continue
            text, is_right = run(name, make, files, nginx.url, access)
            wrong += not is_right
            print(f"| {name} | {text} |", flush=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
