"""What downloads return: ``do_download()`` a status and a body, ``download_file()`` what it has written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from coda_network._download.charset import json_of, text_of


class _Pair(NamedTuple):
    code: int
    data: bytes | None


class DownloadResult(_Pair):
    """``(code, data)``: the status of the last response, and its body; None in place of the body of an error.

    :param headers: the header fields of the response
    :param url: from which it came, after redirects
    :param reason: the text behind its status
    :param elapsed: seconds from the call to the last byte
    :param connection_reused: the connection was open before the request
    :param sha256: of the body, in hexadecimal digits, where it was asked for
    :param from_cache: the body is the one that a cache had stored; where the server was asked, it has confirmed it
    """

    def __new__(
        cls,
        code: int,
        data: bytes | None,
        headers: Any = None,
        url: str | None = None,
        reason: str = "",
        elapsed: float = 0.0,
        connection_reused: bool = False,
        sha256: str | None = None,
        from_cache: bool = False,
    ) -> DownloadResult:
        result = super().__new__(cls, code, data)
        result.headers = headers
        result.url = url
        result.reason = reason
        result.elapsed = elapsed
        result.connection_reused = connection_reused
        result.sha256 = sha256
        result.from_cache = from_cache
        return result

    headers: Any
    url: str | None
    reason: str
    elapsed: float
    connection_reused: bool
    sha256: str | None
    from_cache: bool

    @property
    def text(self) -> str:
        """The body as text, in the charset that the response or the text itself names.

        :raises ValueError: there is no body, as the server responded with an error
        """
        return text_of(self._body(), self.headers)

    def json(self) -> Any:
        """Return what the body in JSON says.

        :raises ValueError: it is no JSON, or there is no body
        """
        return json_of(self._body())

    def _body(self) -> bytes:
        if self.data is None:
            raise ValueError(f"there is no body: the server responded with {self.code} {self.reason}".rstrip())
        return self.data

    def __repr__(self) -> str:
        body = "no body" if self.data is None else f"{len(self.data)} bytes"
        return f"<DownloadResult {self.code}, {body}>"


@dataclass(frozen=True)
class FileDownload:
    """What ``download_file()`` returns; ``os.fspath()`` and ``open()`` take it for its path.

    :param path: of the file
    :param code: the status of the last response: 200; 206 where a part was gone on with; 304 where nothing is new
    :param size: of the file, in bytes
    :param changed: whether the file has been written; False where nothing is new
    :param resumed_from: how many bytes were there already
    :param sha256: of the file, where it was asked for
    :param url: from which it came, after redirects
    :param headers: of the last response
    :param elapsed: seconds from the call on
    :param from_cache: what was written is what a cache had stored
    """

    path: str
    code: int
    size: int
    changed: bool = True
    resumed_from: int = 0
    sha256: str | None = None
    url: str | None = field(default=None, repr=False)
    headers: Any = field(default=None, repr=False, compare=False)
    elapsed: float = field(default=0.0, compare=False)
    from_cache: bool = field(default=False, compare=False)

    def __fspath__(self) -> str:
        return self.path
