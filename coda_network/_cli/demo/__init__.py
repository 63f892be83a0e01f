"""``coda-network demo``: a download through a proxy with a login, with servers made on the spot."""

from __future__ import annotations

import sys
from typing import Any
from urllib.error import URLError

from coda_network._net.tls import load_ssl

SCHEMES = ("ntlm", "digest", "basic")
"""The login schemes that the proxy of the demo can demand."""


def main(options: Any) -> int:
    """Run the demo as the command line says; return the exit code."""
    return run(options.scheme)


def run(scheme: str = "ntlm") -> int:
    """Download a file over https through a proxy that demands a login, and print what happens.

    :param scheme: the login scheme that the proxy demands, one of ``SCHEMES``
    :returns: the exit code: 0 if every check passed, else 1
    """
    try:
        load_ssl()
    except URLError as error:
        sys.stderr.write(f"coda-network demo: {error.reason}\n")
        return 1
    from coda_network._cli.demo.story import tell

    return tell(scheme)
