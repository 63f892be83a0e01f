"""``HTTPFileSystem``: sites as a filesystem of fsspec, over the openers that all downloads share."""

from __future__ import annotations

import errno
import functools
import io
import os
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from fsspec.callbacks import DEFAULT_CALLBACK
from fsspec.spec import AbstractFileSystem
from fsspec.utils import isfilelike, stringify_path

from coda_network._download.access import Access, Secret
from coda_network._download.call import create_download_handle
from coda_network._download.charset import text_of
from coda_network._download.index_page import entries
from coda_network._download.ranged_file import RangedFile, Ranges, StreamedFile, as_os_error
from coda_network._download.ranges import content_length, content_range, strong_validator
from coda_network._download.read_ahead import GrowingReadAhead
from coda_network._download.retry import ONCE, Retry, part_from
from coda_network._download.to_file import download_file
from coda_network._net.tls import Cert
from coda_network._opener.handler_list import Handlers
from coda_network._secrets import lets_out_no_secret
from coda_network._transport.prepared import take_userinfo

LARGEST_PAGE = 16 << 20
"""Bytes of an index page."""

_WITHOUT_HEAD = (400, 403, 405, 501)  # what servers say that want no HEAD, or whose signed URLs are for GET


class HTTPFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """Sites as a filesystem of fsspec, for reading: ranges, ``info()``, and ``ls()`` of plain index pages.

    The arguments are what stands in ``storage_options``. Connections and logins are shared with all downloads.

    :param proxy: as for Access
    :param credentials: as for Access; userinfo in a URL becomes these
    :param proxy_credentials: as for Access
    :param auth_handlers: handlers that know logins, one or several
    :param cert: the client certificate for https
    :param headers: further header fields
    :param timeout_sec: seconds for each request, with its body; None leaves the default timeout of sockets
    :param retry: when to try again; None is ``Retry()``
    :param block_size: how many bytes more than it needs a read asks for at most; None is fsspec's 5 MiB
    :param cache_type: what is kept of reads, and read ahead: little at first, and more the longer a file is read in
        order; or one of fsspec's: ``readahead``, ``blockcache``, ``all``, ``none`` ...
    :param cache_options: what that cache takes
    """

    protocol = ("coda+http", "coda+https")

    def __init__(
        self,
        proxy: str | None = None,
        credentials: Secret = None,
        proxy_credentials: Secret = None,
        auth_handlers: Handlers = None,
        cert: Cert | None = None,
        headers: Mapping[str, str] | None = None,
        timeout_sec: float | None = None,
        retry: Retry | None = None,
        block_size: int | None = None,
        cache_type: str = GrowingReadAhead.name,
        cache_options: dict[str, Any] | None = None,
        **storage_options: Any,
    ) -> None:
        super().__init__(**storage_options)
        self._block_size, self._cache_type, self._cache_options = block_size, cache_type, cache_options
        self._access = Access(proxy, credentials, proxy_credentials)
        self._headers = dict(headers or {})
        self._options: dict[str, Any] = {
            "auth_handlers": auth_handlers,
            "cert": cert,
            "timeout_sec": timeout_sec,
            "retry": retry,
        }

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Return the URL by http or https, without userinfo, which is no part of a name."""
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        return take_userinfo(stringify_path(path).removeprefix("coda+"))[1]

    def unstrip_protocol(self, name: str) -> str:
        """Return the URL by which fsspec finds this filesystem."""
        return f"coda+{self._strip_protocol(name)}"

    @staticmethod
    def _get_kwargs_from_urls(path: str) -> dict[str, Any]:
        found = take_userinfo(stringify_path(path).removeprefix("coda+"))[0]
        return {} if found is None else {"credentials": (found.username, found.password)}

    @classmethod
    def _parent(cls, path: str) -> str:
        url = cls._strip_protocol(path).rstrip("/")
        parent: str = url.rpartition("/")[0]
        return parent if "://" in parent and not parent.endswith("/") else url

    @lets_out_no_secret
    def _request(self, url: str, headers: Mapping[str, str], method: str = "GET") -> Any:
        """Return the response.

        :raises FileNotFoundError: 404 or 410
        :raises PermissionError: 401, 403 or 407
        :raises OSError: another error of the server, or no response
        """
        try:
            return self._open_url(url, headers, method)
        except HTTPError as error:
            raise as_os_error(error, url) from None

    def _open_url(self, url: str, headers: Mapping[str, str], method: str = "GET", **options: Any) -> Any:
        try:
            return create_download_handle(
                self._access.url(url),
                proxy_handlers=self._access.handlers() or None,
                headers={**self._headers, **headers},
                method=method,
                **{**self._options, **options},
            )
        except HTTPError as error:
            part_from(error)
            raise

    def _bytes_of(self, url: str, headers: Mapping[str, str]) -> Any:
        # Ranges are of the file as it is, not of what a content coding makes of it. They are tried again with their
        # bodies, by Ranges itself.
        return self._open_url(url, {"Accept-Encoding": "identity", **headers}, retry=ONCE)

    @lets_out_no_secret
    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Return what the server says about a file: its size (None where it does not say), type and validators.

        What ends with a slash, perhaps after a redirect, is a directory.

        :raises FileNotFoundError: there is none
        :raises OSError: the server reports another error, or there is no response
        """
        url = self._strip_protocol(path)
        try:
            with self._open_url(url, {"Accept-Encoding": "identity"}, "HEAD") as handle:
                return _details(url, handle)
        except HTTPError as error:
            if error.code not in _WITHOUT_HEAD:
                raise as_os_error(error, url) from None
        try:
            with self._open_url(url, {"Accept-Encoding": "identity", "Range": "bytes=0-0"}) as handle:
                return _details(url, handle)
        except HTTPError as error:
            if error.code == 416:  # an empty file
                return {"name": url, "size": 0, "type": "file"}
            raise as_os_error(error, url) from None

    def exists(self, path: str, **_: Any) -> bool:
        """Return whether there is such a file.

        :raises OSError: nobody knows, as the server reports another error, or there is no response
        """
        try:
            self.info(path)
        except FileNotFoundError:
            return False
        return True

    @lets_out_no_secret
    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Return the entries of a folder, as its index page has them; sizes are not known.

        :raises FileNotFoundError: there is none
        :raises NotADirectoryError: it has no index page
        """
        url = self._strip_protocol(path)
        folder = urlsplit(url)._replace(query="", fragment="").geturl().rstrip("/") + "/"
        try:
            with self._request(folder, {}) as handle:
                if handle.headers.get_content_type() not in ("text/html", "application/xhtml+xml"):
                    raise NotADirectoryError(errno.ENOTDIR, "there is no index page", folder)
                if (content_length(handle.headers) or 0) > LARGEST_PAGE:
                    raise OSError(errno.EFBIG, "the index page is too large", folder)
                found = entries(_text(handle, folder), folder)
        except FileNotFoundError:
            details = self.info(url)  # of a file, or there is nothing
            return [details] if detail else [url]
        listing = [
            {"name": each.rstrip("/"), "size": None, "type": "directory" if each.endswith("/") else "file"}
            for each in found
        ]
        return listing if detail else [each["name"] for each in listing]

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: int | str | None = None,
        autocommit: bool = True,
        cache_options: dict[str, Any] | None = None,
        cache_type: str | None = None,
        **_: Any,
    ) -> Any:
        if mode != "rb":
            raise NotImplementedError("files of sites are for reading")
        url = self._strip_protocol(path)
        details = self.info(url)
        if details["size"] is None:
            return io.BufferedReader(StreamedFile(self._request(url, {})))
        return RangedFile(
            self,
            url,
            self._ranges(url, details),
            block_size=block_size or self._block_size,
            cache_type=cache_type or self._cache_type,
            cache_options=cache_options or self._cache_options,
            size=details["size"],
        )

    def _ranges(self, url: str, details: Mapping[str, Any]) -> Ranges:
        open_url = functools.partial(self._bytes_of, url)
        return Ranges(open_url, url, details.get("validator"), details["size"], self._options["retry"] or Retry())

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Return a file, or a part of it by one request for just that.

        :param start: as in a slice
        :param end: as in a slice
        """
        url = self._strip_protocol(path)
        if start is None and end is None:
            with self._request(url, {}) as handle:
                return handle.read()  # type: ignore[no-any-return]  # bytes
        first, last = start or 0, end
        details: dict[str, Any] = {"size": None}
        if last is None or first < 0 or last < 0:  # else the response to the range says the size
            details = self.info(url)
            if details["size"] is None:
                with self._request(url, {}) as handle:
                    return handle.read()[start:end]  # type: ignore[no-any-return]  # bytes
            first, last, _step = slice(start, end).indices(details["size"])
        ranges = self._ranges(url, details)
        try:
            return ranges.read(first, last)
        finally:
            ranges.close()

    def get_file(self, rpath: str, lpath: Any = None, callback: Any = DEFAULT_CALLBACK, **options: Any) -> None:
        """Write a file to *lpath*, by ``download_file()``: all of it, or nothing."""
        if options.get("outfile") is not None or isfilelike(lpath):
            super().get_file(rpath, lpath, callback=callback, **options)
            return
        url, target = self._strip_protocol(rpath), os.fspath(lpath)
        if self.isdir(url):
            os.makedirs(target, exist_ok=True)
            return
        os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)

        def progress(done: int, total: int | None) -> None:
            callback.set_size(total)
            callback.absolute_update(done)

        self._write(url, target, progress)

    @lets_out_no_secret
    def _write(self, url: str, target: str, progress: Any) -> None:
        proxy = self._access.handlers() or None
        try:
            download_file(
                self._access.url(url), target, proxy, headers=self._headers, progress=progress, **self._options
            )
        except HTTPError as error:
            part_from(error)
            raise as_os_error(error, url) from None


def _details(url: str, handle: Any) -> dict[str, Any]:
    headers = handle.headers
    is_folder = urlsplit(take_userinfo(handle.url or url)[1]).path.endswith("/")
    if handle.code == 206:
        found = content_range(headers)
        size = None if found is None else found.total
    else:
        size = None if headers.get("Content-Encoding", "identity") != "identity" else content_length(headers)
    details = {
        "name": url,
        "size": None if is_folder else size,
        "type": "directory" if is_folder else "file",
        "mimetype": headers.get_content_type() if "Content-Type" in headers else None,
        "ETag": headers.get("ETag"),
        "LastModified": headers.get("Last-Modified"),
        "validator": strong_validator(headers),
    }
    return {name: value for name, value in details.items() if value is not None or name == "size"}


def _text(handle: Any, folder: str) -> str:
    page = handle.read(LARGEST_PAGE + 1)
    if len(page) > LARGEST_PAGE:
        raise OSError(errno.EFBIG, "the index page is too large", folder)
    return text_of(page, handle.headers)
