"""requests, as people use it: arguments are a base URL with http and one with https."""

import sys

import requests


def pieces():
    yield from [b"0123456789abcdef" * 4096] * 32


for base in sys.argv[1:]:
    with requests.Session() as session:
        for _ in range(5):
            session.get(f"{base}/small.bin").raise_for_status()
        session.head(f"{base}/small.bin").raise_for_status()
        session.post(f"{base}/upload", data={"name": "value"}).raise_for_status()
        with session.get(f"{base}/text.txt", stream=True) as response:
            response.raise_for_status()
            assert b"".join(response.iter_content(1000)).count(b"\n") == 100
    # A connection of its own for each: the login comes with the body.
    for body in (b"small", b"0123456789abcdef" * 327680, pieces()):
        requests.post(f"{base}/upload", data=body).raise_for_status()
    with open(__file__, "rb") as file:
        requests.put(f"{base}/upload", data=file).raise_for_status()
print("done")
