"""The report of a login: what became of each scheme."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType


class AuthReport:
    """Why a login succeeded or failed: the outcome for each scheme that was considered, in that order.

    ``str()`` gives one line a scheme. Nothing in it is secret.
    """

    not_sent: str | None = None
    """Why a password was not sent, where it was refused a while ago."""

    # Made with the first outcome: each request of a login has a report.
    _outcomes: Mapping[str, str] = MappingProxyType({})

    @property
    def entries(self) -> list[tuple[str, str]]:
        """Return pairs of a scheme's name and its outcome, as a new list."""
        return list(self._outcomes.items())

    def note(self, scheme: str, outcome: str) -> None:
        """Set the outcome for a scheme, in place of an earlier one.

        :param outcome: the scheme's name in front of it is removed: ``CannotServe`` has it there, because its text is
            also shown alone
        """
        if ": " in outcome:
            outcome = outcome.removeprefix(f"{scheme.partition(' ')[0]}: ")
        if self._outcomes:
            self._outcomes[scheme] = outcome  # type: ignore[index]  # our own dict
        else:
            self._outcomes = {scheme: outcome}

    def __str__(self) -> str:
        return "\n".join(f"{scheme}: {outcome}" for scheme, outcome in self._outcomes.items())

    def __repr__(self) -> str:
        return f"AuthReport({self.entries!r})"
