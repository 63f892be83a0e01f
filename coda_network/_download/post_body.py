"""The body of a POST from what a program has: text, the fields of a form, or bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode


def post_body(postdata: Any) -> Any:
    """Return what a Request takes as its data.

    :param postdata: text becomes UTF-8, a mapping an HTML form (a list as a value repeats its field); anything else is
        returned as it is
    :returns: bytes, or what was given
    """
    if isinstance(postdata, str):
        return postdata.encode()
    if isinstance(postdata, Mapping):
        return urlencode(postdata, doseq=True).encode("ascii")
    return postdata
