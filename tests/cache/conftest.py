"""What each test of the cache begins with: a new folder, a site that counts, and one that goes by steps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.cache_site import Site
from support.counting_site import Counting
from support.peer import ScriptedPeer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def site() -> Iterator[Any]:
    server = Counting()
    with ScriptedPeer(server) as started:
        peer: Any = started
        peer.count = lambda: server.count
        yield peer


@pytest.fixture
def stepped(folder: Path) -> Site:
    return Site(folder)
