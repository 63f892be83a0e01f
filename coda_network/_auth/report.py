"""The report of a login: what became of each scheme."""

from __future__ import annotations


class AuthReport:
    """Why a login succeeded or failed: the outcome for each scheme that was considered, in that order.

    ``str()`` gives one line a scheme. Nothing in it is secret.
    """

    not_sent: str | None = None
    """Why a password was not sent, where it was refused a while ago."""

    def __init__(self) -> None:
        self._outcomes: dict[str, str] = {}

    @property
    def entries(self) -> list[tuple[str, str]]:
        """Return pairs of a scheme's name and its outcome, as a new list."""
        return list(self._outcomes.items())

    def note(self, scheme: str, outcome: str) -> None:
        """Set the outcome for a scheme, in place of an earlier one.

        :param outcome: the scheme's name in front of it is removed: ``CannotServe`` has it there, because its text is
            also shown alone
        """
        self._outcomes[scheme] = outcome.removeprefix(f"{scheme.partition(' ')[0]}: ")

    def __str__(self) -> str:
        return "\n".join(f"{scheme}: {outcome}" for scheme, outcome in self._outcomes.items())

    def __repr__(self) -> str:
        return f"AuthReport({self.entries!r})"
