"""A program that knows urllib.request only gets through a proxy that demands a login.

    https_proxy='http://DOMAIN%5Cuser:password@proxy.example:3128' python behind_a_proxy.py URL...

Whether the proxy asks for Basic, Digest, NTLM or Negotiate is its own affair. All URLs of a site go over one
connection.
"""

from __future__ import annotations

import hashlib
import sys
import urllib.request

import coda_network


def main(*urls: str) -> int:
    coda_network.patch()  # the only line that is not the standard library's
    for url in urls:
        with urllib.request.urlopen(url, timeout=30) as response:
            body = response.read()
            print(response.status, len(body), hashlib.sha256(body).hexdigest(), url)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
