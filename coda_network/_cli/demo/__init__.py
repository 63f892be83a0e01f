"""`coda-network demo`: the main job, on this machine alone, with everything that it needs made on the spot."""

from __future__ import annotations

SCHEMES = ("ntlm", "digest", "basic")
"""The logins that the proxy of the demo can demand."""


def run(scheme: str = "ntlm") -> int:
    """Download a file over https through a proxy that demands a login, and print what happens.

    :param scheme: the login that the proxy demands, one of SCHEMES
    :returns: the exit code: 0 if everything happened as it is told, else 1
    """
    from coda_network._cli.demo.story import tell

    return tell(scheme)
