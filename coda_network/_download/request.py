"""The Request of a download, from what a program has: text, the fields of a form, JSON, files, or bytes."""

from __future__ import annotations

import json as json_module
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from coda_network import urllib2
from coda_network._download.conditions import LastModified, http_date
from coda_network._download.multipart import MultipartBody


def download_request(
    url: str,
    postdata: Any = None,
    *,
    data: Any = None,
    json: Any = None,
    files: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    method: str | None = None,
    last_modified: LastModified | None = None,
    etag: str | None = None,
) -> urllib2.Request:
    """Return the Request.

    :param postdata: what to send: text becomes UTF-8, a mapping an HTML form (a list as a value repeats its field);
        anything else is sent as it is
    :param data: the same, under the name that other libraries have for it
    :param json: what to send as JSON
    :param files: name -> file of a form, as ``MultipartBody`` takes it; ``data`` has its other fields
    :raises ValueError: more than one body; a body that is no JSON
    """
    given = [value for value in (postdata, data) if value is not None]
    if len(given) > 1 or (json is not None and (given or files is not None)):
        raise ValueError("a request has one body: postdata, data, json or files")
    content = given[0] if given else None
    fields = dict(headers or {})
    body: Any
    if files is not None:
        if content is not None and not isinstance(content, Mapping):
            raise ValueError("beside files, data is a mapping: the other fields of the form")
        body = MultipartBody(content, files)
        _set_default(fields, "Content-Type", body.content_type)
        _set_default(fields, "Content-Length", str(len(body)))
    elif json is not None:
        body = json_module.dumps(json, ensure_ascii=False, allow_nan=False).encode()
        _set_default(fields, "Content-Type", "application/json")
    else:
        body = post_body(content)
    request = urllib2.Request(url, body, fields, method=method)
    if last_modified is not None:
        request.add_header("If-Modified-Since", http_date(last_modified))
    if etag is not None:
        request.add_header("If-None-Match", etag)
    return request


def post_body(content: Any) -> Any:
    """Return what a Request takes as its data.

    :param content: text becomes UTF-8, a mapping an HTML form (a list as a value repeats its field); anything else is
        returned as it is
    :returns: bytes, or what was given
    """
    if isinstance(content, str):
        return content.encode()
    if isinstance(content, Mapping):
        return urlencode(content, doseq=True).encode("ascii")
    return content


def _set_default(fields: dict[str, str], name: str, value: str) -> None:
    if not any(given.lower() == name.lower() for given in fields):
        fields[name] = value
