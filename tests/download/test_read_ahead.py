"""What is read ahead of a file of a site: little where reads jump, more the longer they go on in order."""

from __future__ import annotations

import fsspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.peer import ScriptedPeer, Wire

from coda_network._download.read_ahead import FIRST, GrowingReadAhead

MIB = 1 << 20
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(MIB))  # 4 MiB


class Source:
    """Where a cache fetches from."""

    def __init__(self, content: bytes = CONTENT) -> None:
        self.content = content
        self.fetched: list[tuple[int, int]] = []

    def __call__(self, start: int, end: int) -> bytes:
        assert 0 <= start < end <= len(self.content)
        self.fetched.append((start, end))
        return self.content[start:end]

    @property
    def size(self) -> int:
        return sum(end - start for start, end in self.fetched)


READS = st.lists(st.tuples(st.integers(0, 400), st.one_of(st.none(), st.integers(0, 400))), max_size=20)


@given(reads=READS, blocksize=st.integers(1, 100))
def test_whatever_is_read_in_whatever_order_is_right(reads: list[tuple[int, int | None]], blocksize: int) -> None:
    content = bytes(range(256)) + bytes(range(44))
    source = Source(content)
    cache = GrowingReadAhead(blocksize, source, len(content))
    for start, end in reads:
        assert cache._fetch(start, end) == content[start:end]


def test_reads_that_jump_take_little_more_than_they_read() -> None:
    source = Source()
    cache = GrowingReadAhead(5 * MIB, source, len(CONTENT))
    for start in (3 * MIB, 0, 2 * MIB, MIB):
        assert cache._fetch(start, start + 500_000) == CONTENT[start : start + 500_000]
    assert source.size == 4 * (500_000 + FIRST)


def test_reads_in_order_need_fewer_and_fewer_requests() -> None:
    source = Source()
    cache = GrowingReadAhead(MIB, source, len(CONTENT))
    for start in range(0, len(CONTENT), 8192):
        assert cache._fetch(start, start + 8192) == CONTENT[start : start + 8192]
    sizes = [end - start for start, end in source.fetched]
    assert source.size == len(CONTENT)  # nothing twice
    assert sizes[:-1] == sorted(sizes[:-1])
    assert max(sizes) == MIB + 8192
    assert len(sizes) < 10


def test_a_little_back_is_still_there() -> None:
    source = Source()
    cache = GrowingReadAhead(100_000, source, len(CONTENT))
    assert cache._fetch(0, MIB) == CONTENT[:MIB]
    before = len(source.fetched)
    assert cache._fetch(MIB - 90_000, MIB) == CONTENT[MIB - 90_000 : MIB]
    assert len(source.fetched) == before


@pytest.mark.parametrize("name", [None, "readahead"])
def test_it_is_what_files_of_sites_have_unless_another_one_is_named(name: str | None) -> None:
    def script(wire: Wire) -> None:
        for _ in wire.read_heads():
            wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")  # to HEAD

    with ScriptedPeer(script) as peer:
        options = {} if name is None else {"cache_type": name}
        with fsspec.open(f"coda+{peer.url}/file", proxy="", skip_instance_cache=True, **options) as file:
            assert type(file.cache).name == (name or "coda_growing")
