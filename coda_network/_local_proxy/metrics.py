"""What a local proxy counts."""

from __future__ import annotations

import threading
from time import monotonic


class Metrics:
    """Counters of one local proxy; its text is one line for people and programs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began = monotonic()
        self.clients = 0
        """Connections that were accepted."""
        self.tunnels = 0
        self.to_clients = 0
        """Bytes; counted without a lock, so not to the last one."""
        self._by_class = [0] * 6

    def count(self, status: int) -> None:
        """Count a response."""
        with self._lock:
            self._by_class[min(status // 100, 5)] += 1

    def __str__(self) -> str:
        classes = " ".join(f"{number}xx={count}" for number, count in enumerate(self._by_class) if number)
        return (
            f"accepted={self.clients} requests={sum(self._by_class)} tunnels={self.tunnels} {classes} "
            f"bytes_to_clients={self.to_clients} seconds={monotonic() - self._began:.0f}"
        )
