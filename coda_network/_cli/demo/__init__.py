"""``coda-network demo``: a download through a proxy with a login, with servers made on the spot."""

from __future__ import annotations

SCHEMES = ("ntlm", "digest", "basic")
"""The login schemes that the proxy of the demo can demand."""


def run(scheme: str = "ntlm") -> int:
    """Download a file over https through a proxy that demands a login, and print what happens.

    :param scheme: the login scheme that the proxy demands, one of ``SCHEMES``
    :returns: the exit code: 0 if every check passed, else 1
    """
    from coda_network._cli.demo.story import tell

    return tell(scheme)
