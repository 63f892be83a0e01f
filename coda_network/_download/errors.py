"""The exceptions of a download: one kind for "there was no response", whichever layer noticed it."""

from __future__ import annotations

from http.client import HTTPException, IncompleteRead, InvalidURL
from typing import Any
from urllib.error import URLError

from coda_network._download.content_codings import ContentCodingError


def as_url_error(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call a function of an opener or a response, and turn connection and protocol failures into URLError.

    :param call: the function; the further arguments are for it
    :returns: what it returns
    :raises urllib.error.URLError: it raised an OSError or HTTPException, which is the ``reason``
    :raises http.client.IncompleteRead: a body was cut short; a response there was
    :raises ContentCodingError: a body cannot be decoded; a response there was
    :raises http.client.InvalidURL: the fault is in the URL
    """
    try:
        return call(*arguments, **options)
    except (URLError, IncompleteRead, ContentCodingError, InvalidURL):
        raise
    except (OSError, HTTPException) as error:
        raise URLError(error) from error
