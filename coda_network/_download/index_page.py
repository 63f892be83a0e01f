"""Index pages: which entries of a folder a plain page of links has."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit


def entries(page: str, url: str) -> list[str]:
    """Return the URLs of a folder's entries, each once; those of folders end with a slash.

    What the page links to outside of the folder (its parent, other sites), deeper in it, or with a query (another
    order of the page) is no entry.

    :param url: of the folder, with the slash at its end
    """
    parser = _Links()
    parser.feed(page)
    parser.close()
    base = urlsplit(url)._replace(query="", fragment="").geturl()
    found: dict[str, None] = {}
    for link in parser.links:
        try:
            parts = urlsplit(urljoin(base, link.strip()))
        except ValueError:
            continue
        target = parts._replace(fragment="").geturl()
        name = target[len(base) :]
        if target.startswith(base) and not parts.query and name.strip("/") and "/" not in name[:-1]:
            found[target] = None
    return list(found)


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
