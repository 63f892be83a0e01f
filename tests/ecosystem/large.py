"""One large file downloaded by each program in a process of its own: time, CPU, and the most memory that it had.

``python tests/ecosystem/large.py`` prints a table; the exit status is 1 if a file is wrong. ``CODA_LARGE`` (2048) is
the size in MiB, ``CODA_ROUNDS`` (3) how often each has its turn; each round begins with another program, so that nobody
is always the first. Times and CPU are the median of the rounds and, in brackets, the least; memory is the most. Needs
Debian's nginx and squid; curl, wget, aria2c and requests are rows where they are installed.
"""

from __future__ import annotations

import os
import random
from contextlib import ExitStack
from statistics import median

from place import MIB, Place, digest, is_missing, timed

DOWNLOAD = """
import sys
from coda_network.utilities import download_file
download_file(sys.argv[1], sys.argv[2], segments=int(sys.argv[3]))
"""
STREAMING = """
import sys, requests
with requests.get(sys.argv[1], stream=True) as response, open(sys.argv[2], "wb") as file:
    for piece in response.iter_content(1 << 18):
        file.write(piece)
"""


def programs(place: Place, url: str, target: object) -> dict[str, list[str]]:
    """Return the command of each row that is installed."""
    rows = {
        "`download_file()`": place.program(DOWNLOAD, url, target, 1),
        "`download_file(segments=4)`": place.program(DOWNLOAD, url, target, 4),
        "curl -O": ["curl", "-s", "-O", url],
        "wget": ["wget", "-q", url],
        "aria2c -x4": ["aria2c", "-q", "-x4", "-s4", "--file-allocation=none", url],
        "requests, streaming": place.program(STREAMING, url, target),
    }
    for name in [name for name, command in rows.items() if is_missing(command)]:
        print(f"not installed: {name}")
        del rows[name]
    return rows


def main() -> int:
    size, rounds = int(os.environ.get("CODA_LARGE", "2048")), int(os.environ.get("CODA_ROUNDS", "3"))
    with ExitStack() as stack:
        place = Place(stack)
        source = place.nginx.directory / "static" / "large"
        with open(source, "wb") as file:
            piece = random.Random(1).randbytes(MIB)
            for number in range(size):
                file.write(number.to_bytes(8, "big") + piece[8:])
        source.chmod(0o644)
        expected, url, target = digest(source), f"{place.nginx.url}/large", place.folder / "large"
        rows = list(programs(place, url, target).items())
        found: dict[str, list[tuple[float, float, int, bool]]] = {name: [] for name, _ in rows}
        for turn in range(rounds):
            first = turn * 2 % len(rows)
            for name, command in rows[first:] + rows[:first]:
                code, seconds, burnt, memory = timed(command, place.ways["directly"], place.folder)
                is_right = code == 0 and target.exists() and digest(target) == expected
                place.check(is_right)
                found[name].append((seconds, burnt, memory, is_right))
                target.unlink(missing_ok=True)
        print(f"| {size} MiB, {rounds} rounds | time, s | CPU, s | peak memory, MiB | right |")
        print("| --- | --- | --- | --- | --- |")
        for name, each in found.items():
            times, cpus, memories, rights = zip(*each, strict=True)
            time = f"{median(times):.1f} ({min(times):.1f})"
            cpu = f"{median(cpus):.2f} ({min(cpus):.2f})"
            print(f"| {name} | {time} | {cpu} | {max(memories)} | {sum(rights)} of {rounds} |")
        return 1 if place.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
