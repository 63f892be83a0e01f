"""The pages of the local proxy's own: what went wrong, and what the user can do about it.

They say nothing of the login at an upstream: a client of this proxy has no part in it.
"""

from __future__ import annotations

from html import escape
from http import HTTPStatus

SOFTWARE = "coda-network"

_MEMBERS = {status.value: status.phrase for status in HTTPStatus}


class Problem(Exception):
    """A request that the local proxy itself responds to.

    :param status: of the response
    :param text: what went wrong, for people
    :param advice: what they can do, empty where there is nothing
    :param error: the type of the error in RFC 9209 section 2.3, for Proxy-Status
    """

    def __init__(self, status: int, text: str, advice: str = "", error: str = "proxy_internal_response") -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.advice = advice
        self.error = error


def reason_phrase(status: int) -> str:
    """Return the words that belong to a status code."""
    return _MEMBERS.get(status, "Unknown")


def page(problem: Problem) -> tuple[list[tuple[str, str]], bytes]:
    """Return the header fields and the body of the page for a problem."""
    reason = reason_phrase(problem.status)
    paragraphs = "".join(f"<p>{escape(text)}</p>\n" for text in (problem.text, problem.advice) if text)
    title = f"{problem.status} {reason}"
    body = (
        f"<!DOCTYPE html>\n<html><head><title>{title}</title></head>\n"
        f"<body><h1>{title}</h1>\n{paragraphs}<hr><p>{SOFTWARE}, the proxy on this machine</p></body></html>\n"
    ).encode()
    fields = [
        ("Content-Type", "text/html; charset=utf-8"),
        ("Content-Length", str(len(body))),
        ("Cache-Control", "no-store"),
        ("Proxy-Status", f"{SOFTWARE}; error={problem.error}"),
    ]
    if problem.status == 407:
        fields.append(("Proxy-Authenticate", f'Basic realm="{SOFTWARE}", charset="UTF-8"'))
    return fields, body


def came_back() -> Problem:
    """Return what to say of a request that this proxy has sent on before."""
    return Problem(
        508,
        "This request has come back to the proxy that had sent it on.",
        "Two proxies name each other as their upstream, or this one names itself.",
        "proxy_loop_detected",
    )


def login_refused(upstream: str) -> Problem:
    """Return the problem of a proxy upstream that lets nobody in."""
    return Problem(
        502,
        f"The proxy {upstream} demands a login, and none that this machine has is accepted.",
        "The password may be wrong or have expired. It is not tried again until it changes, because more attempts "
        "could lock the account: see the log of coda-network, and what `coda-network check` says.",
        "proxy_internal_error",
    )
