"""Downloads in one call, over the openers of ``coda_network.urllib2``.

``do_download()`` returns a status and a body, ``create_download_handle()`` a stream to read; ``build_opener()`` returns
an opener for many requests. The work is done in ``coda_network._download``.
"""

from __future__ import annotations

from coda_network._cache.cache import HTTPCache
from coda_network._download.access import Access
from coda_network._download.build import build_opener
from coda_network._download.call import create_download_handle, do_download
from coda_network._download.content_codings import ContentCodingError, DecompressionBomb
from coda_network._download.content_handler import ContentDecodingHandler
from coda_network._download.digests import WrongDigest
from coda_network._download.handle import DownloadHandle
from coda_network._download.many import Job, JobResult, download_many
from coda_network._download.result import DownloadResult, FileDownload
from coda_network._download.retry import Retry
from coda_network._download.shared import close_connections
from coda_network._download.to_file import download_file
from coda_network._net.dial import SocketKeepalive
from coda_network._opener.errors import TunnelRefused

__all__ = [
    "Access",
    "ContentCodingError",
    "ContentDecodingHandler",
    "DecompressionBomb",
    "DownloadHandle",
    "DownloadResult",
    "FileDownload",
    "HTTPCache",
    "Job",
    "JobResult",
    "Retry",
    "SocketKeepalive",
    "TunnelRefused",
    "WrongDigest",
    "build_opener",
    "close_connections",
    "create_download_handle",
    "do_download",
    "download_file",
    "download_many",
]
