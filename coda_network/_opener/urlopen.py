"""``urlopen(context=...)`` that keeps connections alive beyond the call."""

from __future__ import annotations

import functools

from coda_network._secrets import forget_secrets

TYPE_CHECKING = False  # known to type checkers; importing ``typing`` costs time
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def sharing_urlopen(plain: Callable[..., Any], opener_for: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return an ``urlopen`` that keeps connections alive for calls with a TLS context, too.

    The standard library's makes an opener for each such call; the openers of one context share one session.

    :param plain: the ``urlopen`` for calls without a context
    :param opener_for: makes an opener from a context
    """

    @functools.wraps(plain)
    def urlopen(url: Any, data: Any = None, *args: Any, context: Any = None, **options: Any) -> Any:
        if context is None or not set(options) <= {"timeout", "cadefault"} or options.get("cadefault"):
            try:
                return plain(url, data, *args, context=context, **options)
            except BaseException as error:
                del url, data
                forget_secrets(error)
                raise
        from coda_network._transport.context_sessions import session_for
        from coda_network._transport.session import set_session

        options.pop("cadefault", None)
        opener = opener_for(context)
        set_session(opener, session_for(context))
        try:
            return opener.open(url, data, *args, **options)
        except BaseException:
            del url, data
            raise

    return urlopen
