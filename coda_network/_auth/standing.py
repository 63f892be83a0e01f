"""The part of a login that others ask between its events: where it stands, and whom its connection may serve."""

from __future__ import annotations

from collections.abc import Callable

from coda_network._auth.login_states import AWAITING_RESPONSE, State
from coda_network._auth.memory import Attempt


class Standing:
    """The part of Login that changes nothing."""

    # What the rest of Login has.
    _state: State
    _attempt: Attempt | None
    _failed: bool
    _holds: bool
    _is_bound_to_token: bool
    _recall: Callable[[], Attempt | None]
    _is_for_its_user: Callable[[Attempt | None], bool]

    @property
    def state(self) -> State:
        """Where the login stands."""
        return self._state

    @property
    def in_progress(self) -> bool:
        """Return whether the last authorization answers a token that is valid on this connection only."""
        return self._is_bound_to_token and self._state in AWAITING_RESPONSE

    @property
    def awaits_challenge(self) -> bool:
        """Return whether the header given out last only opens a handshake: a body would be sent in vain."""
        attempt = self._attempt
        return self._state is State.NEGOTIATING and attempt is not None and not attempt.scheme.may_suffice

    @property
    def binds_connection(self) -> bool:
        """Return whether the scheme in hand makes the connection one user's own."""
        return self._attempt is not None and self._attempt.scheme.binds_connection

    @property
    def failed(self) -> bool:
        """Return whether a login went out for this request and came to nothing."""
        return self._failed and self._state is State.GIVEN_UP

    @property
    def may_be_challenged(self) -> bool:
        """Return whether the next request may meet a challenge, as far as one can tell.

        Not on a connection whose login holds, nor with a Basic header that was accepted before. A nonce of Digest can
        become stale at any time.
        """
        attempt = self._attempt or self._recall()
        if attempt is None or self._state is State.GIVEN_UP or not self._is_for_its_user(attempt):
            return True
        if attempt.scheme.binds_connection:
            return attempt is not self._attempt or self._state is not State.ACCEPTED or not self._holds
        return attempt.challenged != "basic"

    @property
    def is_untried(self) -> bool:
        """Return whether the connection is logged in, and no request has shown yet that the login holds.

        Some servers want a login for each request, of schemes that bind the connection, too: Apache for Kerberos.
        """
        return self._state is State.ACCEPTED and self.binds_connection and not self._holds

    def is_still_for_its_user(self, bound: bool = False) -> bool:
        """Return whether the connection may serve the user whom ``credentials`` name now.

        A login that binds its connection makes it one user's own; the others go with each request.

        :param bound: the connection is one user's own whatever the scheme, as a tunnel is
        """
        attempt = self._attempt
        return attempt is None or not (bound or attempt.scheme.binds_connection) or self._is_for_its_user(attempt)
