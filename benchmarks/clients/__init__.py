"""The clients that are compared, in the order of the tables."""

from __future__ import annotations

from importlib.util import find_spec

from clients.base import Client
from clients.peers import (
    Aiohttp,
    Httpx,
    Niquests,
    PatchedRequests,
    PatchedUrllib3,
    PlainPycurl,
    Pycurl,
    Requests,
    RequestsNtlm,
    Urllib3,
)
from clients.rust import Primp, Pyreqwest, Wreq
from clients.stdlib import (
    Bare,
    CodaConnection,
    CodaDownload,
    CodaOpener,
    Connection,
    Opener,
    PatchedOpener,
)

CLIENTS: dict[str, type[Client]] = {
    client.name: client
    for client in (
        Bare,
        CodaConnection,
        CodaOpener,
        CodaDownload,
        PatchedOpener,
        PatchedUrllib3,
        PatchedRequests,
        Pycurl,
        PlainPycurl,
        Wreq,
        Primp,
        Pyreqwest,
        Connection,
        Opener,
        Urllib3,
        Requests,
        RequestsNtlm,
        Httpx,
        Niquests,
        Aiohttp,
    )
}


def missing(client: type[Client]) -> list[str]:
    """Return the modules that a client needs and that are not installed."""
    return [name for name in client.needs if not _is_there(name)]


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False
