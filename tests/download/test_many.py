"""`download_many()`: results as they finish, each job on its own, on any executor."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor, ThreadPoolExecutor
from http.client import HTTPMessage
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
from support.accounts import ALICE
from support.origin import Origin, patterned
from support.peer import ScriptedPeer, Wire
from support.proxy import Proxy

from coda_network.utilities import Access, Job, JobResult, Retry, download_many


def test_bodies_and_files_come_as_they_finish(origin: Origin, tmp_path: Path) -> None:
    jobs = [f"{origin.url}/bytes/10", (f"{origin.url}/bytes/20", tmp_path / "a"), Job(f"{origin.url}/bytes/30")]
    results = {result.job.url.rpartition("/")[2]: result for result in download_many(jobs)}
    assert {size: result.ok for size, result in results.items()} == {"10": True, "20": True, "30": True}
    assert results["10"].result() == (200, patterned(10))
    assert (tmp_path / "a").read_bytes() == patterned(20)
    assert results["20"].value.path == str(tmp_path / "a")


def test_one_that_fails_fails_alone(origin: Origin, tmp_path: Path) -> None:
    jobs: list[Any] = [
        f"{origin.url}/bytes/5",
        "no url at all",
        "http://[bad/",
        f"{origin.url}/status/404",
        (f"{origin.url}/status/404", tmp_path / "b"),
        ("http://127.0.0.1:1/", tmp_path / "c"),
        (f"{origin.url}/bytes/5", tmp_path),
        Job(f"{origin.url}/bytes/5", options={"nonsense": 1}),
    ]
    results = {id(result.job): result for result in download_many(iter(jobs))}
    outcomes = sorted(type(r.error).__name__ if r.error else str(r.value.code) for r in results.values())
    expected = ["200", "404", "HTTPError", "IsADirectoryError", "TypeError", "URLError", "ValueError", "ValueError"]
    assert outcomes == expected
    for result in results.values():
        if result.error is not None:
            with pytest.raises(type(result.error)):
                result.result()
    with pytest.raises(ValueError, match="a job is a URL"):
        list(download_many([3]))


@pytest.mark.parametrize("per_host", [1, 3])
def test_a_host_gets_no_more_at_once_than_it_may(per_host: int) -> None:
    lock, now, most = threading.Lock(), [0], [0]

    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.01)
            with lock:
                now[0] -= 1
            wire.respond(b"x")

    with ScriptedPeer(script) as peer, ScriptedPeer(script) as other:
        urls = [f"{peer.url}/{number}" for number in range(20)]
        assert all(result.ok for result in download_many(urls, per_host=per_host))
        assert most == [per_host]
        assert peer.connections <= per_host
        # A busy host does not keep the jobs of another one waiting.
        mixed = [f"{peer.url}/{number}" for number in range(20)] + [f"{other.url}/last"]
        order = [result.job.url for result in download_many(mixed, per_host=1)]
        assert order.index(f"{other.url}/last") < 15


def test_jobs_are_taken_as_they_are_needed(origin: Origin) -> None:
    taken = []

    def jobs() -> Any:
        for number in range(100_000):
            taken.append(number)
            yield f"{origin.url}/bytes/1"

    results: Any = download_many(jobs())
    assert next(results).ok
    results.close()
    assert len(taken) < 1000
    assert list(download_many([])) == []
    with pytest.raises(ValueError, match="per_host"):
        download_many([], per_host=0)


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_other_processes(origin: Origin, basic_proxy: Proxy, tmp_path: Path, method: str) -> None:
    access = Access(basic_proxy.url, proxy_credentials=(ALICE.user, ALICE.password))
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as executor:
        jobs: list[Any] = [(f"{origin.url}/bytes/{number}", tmp_path / str(number)) for number in range(20)]
        jobs += [f"{origin.url}/bytes/7", f"{origin.url}/status/404", "http://[bad"]
        results = list(download_many(jobs, executor, access=access, retry=Retry(attempts=1)))
    assert sum(result.ok for result in results) == 21
    assert all((tmp_path / str(number)).read_bytes() == patterned(number) for number in range(20))
    [failed] = [result for result in results if result.error]
    assert isinstance(failed.error, ValueError)
    assert len(basic_proxy.requests) >= 22
    assert basic_proxy.connections <= 16


def test_an_executor_of_the_caller_is_left_open(origin: Origin) -> None:
    with ThreadPoolExecutor(2) as executor:
        assert len(list(download_many([origin.url] * 3, executor))) == 3
        assert executor.submit(int).result() == 0


def end_process(*_: Any) -> Any:
    os._exit(1)


def test_jobs_that_a_broken_pool_refuses_fail_each(origin: Origin) -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        with pytest.raises(BrokenExecutor):
            executor.submit(end_process).result()
        results = list(download_many([f"{origin.url}/bytes/{number}" for number in range(100)], executor))
    assert len({result.job.url for result in results}) == 100
    assert {isinstance(result.error, BrokenExecutor) for result in results} == {True}


def test_jobs_refused_in_the_middle_leave_the_others_right(origin: Origin) -> None:
    """An executor that is shut down while results are awaited."""
    with ThreadPoolExecutor(2) as executor:
        results = []
        for result in download_many([f"{origin.url}/bytes/{number}" for number in range(40)], executor, per_host=2):
            results.append(result)
            if len(results) == 5:
                executor.shutdown()
    outcomes = [type(result.error) for result in results]
    assert len(results) == 40
    assert set(outcomes) == {type(None), RuntimeError}
    assert all(
        result.result() == (200, patterned(int(result.job.url.rpartition("/")[2]))) for result in results if result.ok
    )
    assert outcomes.count(type(None)) >= 5


def secret() -> tuple[str, str]:
    return ALICE.user, ALICE.password


@pytest.mark.parametrize("source", [(ALICE.user, ALICE.password), secret], ids=["pair", "function"])
def test_credentials_serve_the_site(origin: Origin, source: Any) -> None:
    url = f"{origin.url}/basic/{ALICE.user}/s3cret"
    [refused] = download_many([url], access=Access("", source))
    assert refused.value.code == 401
    [result] = download_many([url], access=Access("", (ALICE.user, "s3cret")))
    assert result.ok
    assert result.value.url == url


def test_no_secret_shows_and_everything_pickles() -> None:
    access = Access("http://user:s3cret@proxy:3128", ("alice", "s3cret"), ("bob", "s3cret"))
    job = Job("http://alice:s3cret@host/", "file", {"headers": {"Authorization": "s3cret"}})
    result = JobResult(job, error=URLError("no"))
    for each in (access, job, result):
        assert "s3cret" not in repr(each)
        assert "s3cret" not in str(each)
        again = pickle.loads(pickle.dumps(each))
        assert repr(again) == repr(each)
    assert (access.handlers()[0], HTTPMessage()) != (None, None)
    assert access.handlers()[0] is access.handlers()[0]
    for bad in (("only",), 3, ("a", 3)):
        with pytest.raises(ValueError, match="credentials are"):
            Access("", bad).url("http://host/")
