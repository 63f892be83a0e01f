"""A proxy URL that urllib3 has cut in its userinfo: ``http://DOMAIN\\user:password@proxy:3128``."""

from __future__ import annotations

import http.client

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from typing import Any


def refuse_cut_userinfo(connection: Any) -> None:
    """Refuse to dial a host that is the domain of the proxy's user, and not the proxy.

    To urllib3 a backslash begins the path, as to browsers (WHATWG URL, "relative slash state"); urllib.request and curl
    take it for a part of the user name. urllib3 leaves the parts of the proxy's URL on its connections.

    :param connection: one that is about to be opened
    :raises http.client.InvalidURL: its host is not the proxy
    """
    url = getattr(connection, "proxy", None)
    path = getattr(url, "path", None)
    if not isinstance(path, str) or not path.startswith("/%5C"):
        return
    # A "?" or "#" in the password ends the path in its turn.
    parts = (path, getattr(url, "query", None), getattr(url, "fragment", None))
    if any("@" in part for part in parts if part):
        del url, path, parts  # The password is in there.
        raise http.client.InvalidURL(
            r"a backslash in the URL of a proxy ends the host for urllib3: DOMAIN\user is written DOMAIN%5Cuser there"
        )
