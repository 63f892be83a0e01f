"""urllib.request: arguments are a base URL with http and one with https."""

import sys
import urllib.request
from urllib.request import urlopen

for base in sys.argv[1:]:
    for _ in range(3):
        with urlopen(f"{base}/small.bin") as response:
            assert len(response.read()) == 128
    with urlopen(urllib.request.Request(f"{base}/upload", data=b"x" * 200000, method="PUT")) as response:
        assert response.status == 200
print("done")
