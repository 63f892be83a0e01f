"""``HTTPFileSystem``: sites as a filesystem of fsspec, ``coda+http`` and ``coda+https``; needs the extra ``fsspec``.

pandas, pyarrow, xarray and dask open such URLs where this package and fsspec are installed.
"""

from __future__ import annotations

from coda_network._download.filesystem import HTTPFileSystem
from coda_network._download.ranged_file import RangedFile

__all__ = ["HTTPFileSystem", "RangedFile"]
