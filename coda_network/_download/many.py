"""``download_many()``: many URLs at once, on threads or on any executor, in other processes and on other machines."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from coda_network._download.access import Access
from coda_network._download.call import do_download
from coda_network._download.to_file import download_file
from coda_network._secrets import hide_userinfo, lets_out_no_secret

MOST_AT_ONCE = 64
"""Jobs under way altogether, on an executor of the caller too: more only wait in its queue."""


@dataclass(frozen=True, repr=False)
class Job:
    """One download; it pickles, and its repr shows no secret.

    :param url: what to download
    :param path: the file to write; None returns the body
    :param options: further arguments of ``download_file()``, or ``do_download()`` where there is no path
    """

    url: str
    path: str | os.PathLike[str] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Job({hide_userinfo(self.url)!r}, {None if self.path is None else os.fspath(self.path)!r})"


@dataclass(frozen=True, repr=False)
class JobResult:
    """What came of a job: ``value`` where it succeeded, ``error`` where it did not.

    :param job: as it was given
    :param value: a FileDownload, or a DownloadResult where there was no path
    :param error: why it failed
    """

    job: Job
    value: Any = None
    error: BaseException | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a value, whose status is no error."""
        return self.error is None and 200 <= self.value.code < 400

    def result(self) -> Any:
        """Return the value, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value

    def __repr__(self) -> str:
        outcome = type(self.error).__name__ if self.error is not None else repr(self.value)
        return f"<JobResult {self.job!r}: {outcome}>"


def download_many(
    jobs: Iterable[Any],
    executor: Executor | None = None,
    per_host: int = 8,
    *,
    access: Access | None = None,
    **options: Any,
) -> Iterator[JobResult]:
    """Download many URLs at once; yield what came of each as it finishes. A job that fails fails alone.

    :param jobs: URLs; ``(url, path)``; or Jobs. They are taken as they are needed, so it may be a generator
    :param executor: where they run: any ``concurrent.futures.Executor``, in other processes or on other machines too.
        None is a pool of threads for this call
    :param per_host: how many may run at once for one host
    :param access: the proxy and the credentials of all jobs
    :param options: further arguments of ``download_file()``, or ``do_download()`` where there is no path; those of a
        job come before them. For other processes they have to pickle
    :returns: the results; to stop asking for them ends the jobs that have not begun
    :raises ValueError: *per_host* is less than one
    """
    if per_host < 1:
        raise ValueError(f"per_host is a number from 1 on, not {per_host!r}")
    return _run(iter(jobs), executor, per_host, access or Access(), options)


def _run(
    jobs: Iterator[Any], executor: Executor | None, per_host: int, access: Access, options: dict[str, Any]
) -> Iterator[JobResult]:
    pool = executor or ThreadPoolExecutor(min(MOST_AT_ONCE, 4 * per_host), thread_name_prefix="coda_network download")
    finished: SimpleQueue[Future[JobResult]] = SimpleQueue()
    running: dict[Future[JobResult], tuple[Job, str]] = {}
    busy: dict[str, int] = {}
    # Jobs whose host is busy wait here, while those of other hosts go before them.
    waiting: dict[str, deque[Job]] = {}
    ready: deque[Job] = deque()
    held = 0
    try:
        while True:
            while len(running) < MOST_AT_ONCE:
                if ready:
                    job = ready.popleft()
                elif held < 4 * MOST_AT_ONCE and (given := next(jobs, None)) is not None:
                    job = as_job(given)
                    host = _host(job.url)
                    if busy.get(host, 0) >= per_host:
                        waiting.setdefault(host, deque()).append(job)
                        held += 1
                        continue
                else:
                    break
                host = _host(job.url)
                busy[host] = busy.get(host, 0) + 1
                future = _submit(pool, job, access, options)
                running[future] = job, host
                future.add_done_callback(finished.put)
            if not running:
                return
            future = finished.get()
            job, host = running.pop(future)
            busy[host] -= 1
            if waiting.get(host):
                ready.append(waiting[host].popleft())
                held -= 1
            elif not busy[host]:
                del busy[host]
                waiting.pop(host, None)
            yield _result_of(future, job)
    finally:
        for future in running:
            future.cancel()
        if executor is None:
            pool.shutdown(cancel_futures=True)


def as_job(given: Any) -> Job:
    """Return what was given as a Job; a URL that makes no sense is found when it runs."""
    if isinstance(given, Job):
        return given
    if isinstance(given, str):
        return Job(given)
    try:
        url, path = given
    except (TypeError, ValueError):
        raise ValueError(f"a job is a URL, (url, path), or a Job, not {type(given).__name__}") from None
    return Job(url, path)


def run_job(job: Job, access: Access, options: Mapping[str, Any]) -> JobResult:
    """Do one job, wherever this is called."""
    try:
        return JobResult(job, _value_of(job, access, options))
    except Exception as error:
        del access, options  # this frame is in the error's traceback
        if isinstance(error, HTTPError):
            error.close()  # nobody would close an error among the results
        return JobResult(job, error=error)


@lets_out_no_secret
def _value_of(job: Job, access: Access, options: Mapping[str, Any]) -> Any:
    arguments = {"proxy_handlers": access.handlers() or None, **options, **job.options}
    url = access.url(job.url)
    if job.path is None:
        return do_download(url, **arguments)
    return download_file(url, job.path, **arguments)


def _submit(pool: Executor, job: Job, access: Access, options: dict[str, Any]) -> Future[JobResult]:
    """Return the job's future; that of a job that the executor refuses has failed."""
    try:
        return pool.submit(run_job, job, access, options)
    except Exception as error:  # BrokenExecutor where a worker was killed, RuntimeError after shutdown()
        refused: Future[JobResult] = Future()
        refused.set_exception(error)
        return refused


def _result_of(future: Future[JobResult], job: Job) -> JobResult:
    try:
        found = future.result()
    except BaseException as error:  # the executor's: a worker was killed, or what came does not pickle
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        return JobResult(job, error=error)
    return JobResult(job, found.value, found.error)


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.rpartition("@")[2].lower()
    except ValueError:
        return ""
