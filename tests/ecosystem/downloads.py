"""Downloads measured at real servers: killed at random moments, and many; beside what people use otherwise.

``python tests/ecosystem/downloads.py [kills] [many]`` prints tables; the exit status is 1 if a file is wrong.
``CODA_KILLS`` (50) and ``CODA_MANY`` (5000) set how much of it. Needs Debian's nginx and squid; requests and aiohttp
are rows where they are installed.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from place import MIB, Place, digest, is_missing, timed

DOWNLOAD = """
import sys, time
from coda_network.utilities import download_file
url, path, pause = sys.argv[1], sys.argv[2], float(sys.argv[3])
done = download_file(url, path, progress=lambda done, total: time.sleep(pause))
print(done.resumed_from)
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
    tables = {table.__name__: table for table in (kills, many)}
    with ExitStack() as stack:
        place = Place(stack)
        for word in words or tables:
            tables[word](place)
            print()
        return 1 if place.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
