"""Download a file, the second time only if the site has a newer one.

    python download.py URL FILE

The file is complete or not replaced: a connection that ends too early is an error. Proxies come from the environment.
"""

from __future__ import annotations

import hashlib
import os
import sys
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.error import HTTPError

from coda_network import create_download_handle


def main(url: str, place: str) -> int:
    target, partial = Path(place), Path(f"{place}.part")
    known = target.stat().st_mtime if target.exists() else None
    checksum = hashlib.sha256()
    try:
        with create_download_handle(url, last_modified=known, timeout_sec=600) as handle:
            if handle.code == 304:
                print("nothing new")
                return 0
            with partial.open("wb") as file:
                while block := handle.read(1 << 16):
                    file.write(block)
                    checksum.update(block)
            modified = handle.headers["Last-Modified"]
    except HTTPError as error:
        with error:
            print(error.code, error.reason)
        return 1
    if modified:
        time = parsedate_to_datetime(modified).timestamp()
        os.utime(partial, (time, time))
    partial.replace(target)
    print(target.stat().st_size, "bytes, SHA-256", checksum.hexdigest())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
