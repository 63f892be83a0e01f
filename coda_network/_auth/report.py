"""What became of a login, told scheme by scheme."""

from __future__ import annotations


class AuthReport:
    """Why a login succeeded or failed: an entry for each scheme that was looked at, in that order.

    `entries` are pairs of a scheme's name and its outcome. `str()` gives one line for each entry. Nothing in
    it is secret.
    """

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}

    @property
    def entries(self) -> list[tuple[str, str]]:
        """Scheme and outcome, as a new list."""
        return list(self._outcomes.items())

    def note(self, scheme: str, outcome: str) -> None:
        """Set the outcome for a scheme; it replaces what was noted for the scheme before.

        A scheme's own reasons begin with its name, so that they can stand alone; here the name is said once.
        """
        self._outcomes[scheme] = outcome.removeprefix(f"{scheme.partition(' ')[0]}: ")

    def __str__(self) -> str:
        return "\n".join(f"{scheme}: {outcome}" for scheme, outcome in self._outcomes.items())

    def __repr__(self) -> str:
        return f"AuthReport({self.entries!r})"
