"""Downloads measured at real servers: killed at random moments, large, many; each beside what people use otherwise.

``python tests/ecosystem/downloads.py [kills] [large] [many]`` prints tables; the exit status is 1 if a file is wrong.
``CODA_KILLS`` (50), ``CODA_LARGE`` (MiB, 2048) and ``CODA_MANY`` (5000) set how much of it. Needs Debian's nginx and
squid; curl, wget, aria2c, requests and aiohttp are rows where they are installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from support.accounts import ALICE
from support.certs import Authority
from support.nginx import Nginx
from support.servers import public_directory
from support.squid import NTLMLogin, Squid

MIB = 1 << 20

DOWNLOAD = """
import sys, time
from coda_network.utilities import download_file
url, path, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
done = download_file(url, path, progress=lambda done, total: time.sleep(pause))
print(done.resumed_from)
"""
STREAMING = """
import sys, requests
with requests.get(sys.argv[1], stream=True) as response, open(sys.argv[2], "wb") as file:
    for piece in response.iter_content(1 << 18):
        file.write(piece)
"""
MANY = """
import sys
from coda_network.utilities import download_many
jobs = ((f"{sys.argv[1]}/many/{number}", f"{sys.argv[2]}/{number}") for number in range(int(sys.argv[3])))
assert all(result.ok for result in download_many(jobs, per_host=8))
"""
MANY_TO_MEMORY = """
import sys
from coda_network.utilities import download_many
jobs = (f"{sys.argv[1]}/many/{number}" for number in range(int(sys.argv[3])))
for result in download_many(jobs, per_host=8):
    open(f"{sys.argv[2]}/{result.job.url.rpartition('/')[2]}", "wb").write(result.result().data)
"""
MANY_REQUESTS = """
import sys, requests, threading
from concurrent.futures import ThreadPoolExecutor
local = threading.local()
def get(number):
    session = getattr(local, "session", None) or requests.Session()
    local.session = session
    response = session.get(f"{sys.argv[1]}/many/{number}")
    response.raise_for_status()
    open(f"{sys.argv[2]}/{number}", "wb").write(response.content)
with ThreadPoolExecutor(8) as pool:
    list(pool.map(get, range(int(sys.argv[3]))))
"""
MANY_AIOHTTP = """
import sys, asyncio, aiohttp
async def main():
    numbers = iter(range(int(sys.argv[3])))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=8)) as session:
        async def work():
            for number in numbers:
                async with session.get(f"{sys.argv[1]}/many/{number}") as response:
                    response.raise_for_status()
                    open(f"{sys.argv[2]}/{number}", "wb").write(await response.read())
        await asyncio.gather(*(work() for _ in range(8)))
asyncio.run(main())
"""


def digest(path: Path) -> str:
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(MIB):
            found.update(piece)
    return found.hexdigest()


class Place:
    """The servers, and a folder for what is downloaded."""

    def __init__(self, stack: ExitStack) -> None:
        ca = Authority(stack.enter_context(public_directory()))
        self.nginx = stack.enter_context(Nginx(ca))
        self.squid = stack.enter_context(Squid(ca, NTLMLogin()))
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        self.wrong = 0
        plain = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        proxy = f"http://{ALICE.qualified_userinfo}@{self.squid.netloc}"
        self.ways = {"directly": plain, "NTLM squid": {**plain, "http_proxy": proxy}}

    def program(self, code: str, *arguments: object) -> list[str]:
        return [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)]

    def check(self, is_right: bool) -> str:
        self.wrong += not is_right
        return "right" if is_right else "WRONG"


def kills(place: Place) -> None:
    """Kill a download at random moments, look at what is there, and go on with it."""
    count, size = int(os.environ.get("CODA_KILLS", "50")), 32 * MIB
    file = place.nginx.file(size)
    url = place.nginx.url + file.path
    chance = random.Random(16)
    print("| way | killed | nothing or the old file | part | complete | gone on with | right after the resume |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for way, environment in place.ways.items():
        begun = time.monotonic()
        target = place.folder / "whole"
        subprocess.run(place.program(DOWNLOAD, url, target, 0.004), env=environment, check=True, capture_output=True)
        whole = time.monotonic() - begun
        counts = dict.fromkeys(("before", "part", "complete", "resumed", "right"), 0)
        for number in range(count):
            target = place.folder / f"kill{number}"
            if number % 2:
                target.write_bytes(b"old")
            with subprocess.Popen(
                place.program(DOWNLOAD, url, target, 0.004), env=environment, stdout=subprocess.DEVNULL
            ) as child:
                time.sleep(chance.uniform(0.05, whole))
                child.send_signal(signal.SIGKILL)
            there = target.read_bytes() if target.exists() else b""
            part = Path(f"{target}.part")
            if there not in (b"", b"old"):
                counts["complete"] += 1
                place.check(digest(target) == file.sha256)
            else:
                counts["part" if part.exists() and part.stat().st_size else "before"] += 1
            done = subprocess.run(
                place.program(DOWNLOAD, url, target, 0), env=environment, capture_output=True, text=True, check=False
            )
            counts["resumed"] += int(done.stdout or 0) > 0
            is_right = done.returncode == 0 and digest(target) == file.sha256
            counts["right"] += is_right
            place.check(is_right)
            for left in place.folder.glob("kill*"):
                left.unlink()
        print(f"| {way} | {count} | {' | '.join(map(str, counts.values()))} of {count} |", flush=True)


def timed(command: list[str], environment: dict[str, str], cwd: Path) -> tuple[int, float, float, int]:
    """Run a program; return its exit status, seconds, CPU seconds, and the most memory that it had, in MiB."""
    begun = time.monotonic()
    child = subprocess.Popen(command, env=environment, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    memory, ended = 0, 0
    # Not ru_maxrss, in which the memory of the process that started it counts.
    while not ended:
        with suppress(OSError, StopIteration), open(f"/proc/{child.pid}/status", encoding="ascii") as lines:
            memory = int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) // 1024
        time.sleep(0.02)
        ended, status, usage = os.wait4(child.pid, os.WNOHANG)
    child.returncode = os.waitstatus_to_exitcode(status)
    return child.returncode, time.monotonic() - begun, usage.ru_utime + usage.ru_stime, memory


def large(place: Place) -> None:
    """Download one large file by each program in turn."""
    size = int(os.environ.get("CODA_LARGE", "2048"))
    source = place.nginx.directory / "static" / "large"
    with open(source, "wb") as file:
        piece = random.Random(1).randbytes(MIB)
        for number in range(size):
            file.write(number.to_bytes(8, "big") + piece[8:])
    source.chmod(0o644)
    expected, url, target = digest(source), f"{place.nginx.url}/large", place.folder / "large"
    rows: dict[str, list[str]] = {
        "download_file()": place.program(DOWNLOAD, url, target, 0),
        "download_file(segments=4)": place.program(
            DOWNLOAD.replace("path, progress", "path, segments=4, progress"), url, target, 0
        ),
        "curl -O": ["curl", "-s", "-O", url],
        "wget": ["wget", "-q", url],
        "aria2c -x4": ["aria2c", "-q", "-x4", "-s4", "--file-allocation=none", url],
        "requests, streaming": place.program(STREAMING, url, target),
    }
    print(f"| {size} MiB | time, s | CPU, s | peak memory, MiB | checksum |\n| --- | --- | --- | --- | --- |")
    for name, command in rows.items():
        if is_missing(command):
            print(f"| {name} | not installed | | | |")
            continue
        code, seconds, cpu, memory = timed(command, place.ways["directly"], place.folder)
        result = place.check(code == 0 and target.exists() and digest(target) == expected)
        print(f"| {name} | {seconds:.1f} | {cpu:.2f} | {memory} | {result} |", flush=True)
        target.unlink(missing_ok=True)
    source.unlink()


def is_missing(command: list[str]) -> bool:
    """Return whether a program, or the package that it imports, is not installed."""
    named = [name for name in ("requests", "aiohttp") if any(f", {name}" in part for part in command)]
    return shutil.which(command[0]) is None or any(importlib.util.find_spec(name) is None for name in named)


def many(place: Place) -> None:
    """Download many small files of one host by each program in turn."""
    count, size = int(os.environ.get("CODA_MANY", "5000")), 4096
    folder = place.nginx.directory / "static" / "many"
    folder.mkdir()
    folder.chmod(0o755)
    for number in range(count):
        (folder / str(number)).write_bytes(f"{number:08}".encode() * (size // 8))
    programs = {
        "download_many(), to files": MANY,
        "download_many(), to memory": MANY_TO_MEMORY,
        "requests, 8 threads": MANY_REQUESTS,
        "aiohttp, 8 at once": MANY_AIOHTTP,
    }
    print(f"| {count} files of {size} bytes | way | time, s | CPU, s | connections | logins | files |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for way, environment in place.ways.items():
        for name, code in programs.items():
            if way != "directly" and not name.startswith("download_many"):
                continue  # they speak no NTLM
            command = place.program(code, place.nginx.url, place.folder, count)
            if is_missing(command):
                print(f"| {name} | {way} | not installed | | | | |")
                continue
            log = place.nginx.log if way == "directly" else place.squid.log
            with log.watch() as seen:
                status, seconds, cpu, _ = timed(command, environment, place.folder)
                time.sleep(0.5)
            connections = len({entry["connection"] for entry in seen.entries})
            refused = sum(entry["status"] == 407 for entry in seen.entries)
            right = sum(
                (place.folder / str(number)).read_bytes() == f"{number:08}".encode() * (size // 8)
                for number in range(count)
                if (place.folder / str(number)).exists()
            )
            place.check(status == 0 and right == count)
            # An NTLM handshake is two refusals: without a token, and with the first one.
            logins = "" if way == "directly" else f"{refused} refusals"
            print(
                f"| {name} | {way} | {seconds:.1f} | {cpu:.1f} | {connections} | {logins} | {right} right |", flush=True
            )
            for number in range(count):
                (place.folder / str(number)).unlink(missing_ok=True)


def main(words: list[str]) -> int:
    tables = {table.__name__: table for table in (kills, large, many)}
    with ExitStack() as stack:
        place = Place(stack)
        for word in words or tables:
            tables[word](place)
            print()
        return 1 if place.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
