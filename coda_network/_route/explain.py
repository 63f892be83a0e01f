"""Routes and users in words for people; no secret is in them."""

from __future__ import annotations

from coda_network._auth.defaults import from_netrc

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from coda_network._route.proxy_url import ProxyURL
    from coda_network._route.route import Route


def explain_routes(routes: Sequence[Route], given: str | None = None) -> Iterator[str]:
    """Yield a line for each route, in the order in which they are tried, and for each hop of a chain.

    :param given: who logs in at a proxy whose URL names nobody, and who says so; None for netrc
    """
    for place, route in enumerate(routes):
        label = "proxy:" if place == 0 else "else: "
        if route.is_direct:
            yield f"{label} none, because {route.why}"
        elif len(route.hops) == 1:
            yield f"{label} {route}, {route.why}; {_user_of(route.hops[0], given)}"
        else:
            yield f"{label} {route}, {route.why}"
            for number, (hop, url) in enumerate(zip(route.hops, route.urls, strict=True), 1):
                yield f"  hop {number}: {url}; {_user_of(hop, given)}"


def _user_of(hop: ProxyURL, given: str | None) -> str:
    if hop.scheme in ("http", "https") or hop.username is not None:
        return explain_user((hop.username, hop.password), hop.host, given)
    return "no user name"


def explain_user(userinfo: tuple[str | None, str | None], host: str, given: str | None = None) -> str:
    """Return who logs in at a proxy or a site, and where that is said.

    :param userinfo: user name and password of its URL
    :param host: whose entry in netrc counts where the URL names nobody
    :param given: what counts in place of netrc
    """
    user, password = userinfo
    if user is not None:
        # A user name without a password is often a token, so a secret.
        return f"user {user}, from its URL" if password else "a user without a password, from its URL"
    if given is not None:
        return given
    found = from_netrc(host)
    return "no user name" if found is None else f"user {found.username}, from netrc"
