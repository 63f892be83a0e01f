"""Connections for a pool that note what is done with them."""

from __future__ import annotations

from coda_network._pool.key import PoolKey
from coda_network._pool.pool import Pool


class Connection:
    """A connection that notes what is done with it; ``gone`` says that the peer has dropped it."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.closed = 0
        self.gone = False

    def close(self) -> None:
        self.closed += 1

    def dropped(self) -> bool:
        return self.gone

    def __repr__(self) -> str:
        return f"<{self.name}>"


HERE = PoolKey(Connection, "here.example", None, ())
THERE = PoolKey(Connection, "proxy.example:3128", "there.example:443", ())


def filled(pool: Pool, key: PoolKey, count: int) -> list[Connection]:
    connections = [Connection(f"{key.authority} {number}") for number in range(count)]
    for connection in connections:
        pool.release(key, connection)
    return connections
