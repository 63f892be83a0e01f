"""What the log says of a login: offers, tokens by their kind, reasons."""

from __future__ import annotations

from coda_network._auth.registry import label
from coda_network._auth.tokens import describe
from coda_network._wire.challenge import Challenge


def offer(challenges: list[Challenge]) -> str:
    """Tell what a peer offers, in its order."""
    return f"wants a login, offers {', '.join(map(label, challenges)) or 'no scheme that can be read'}"


def further(challenge: Challenge) -> str:
    """Tell what a peer sends to the scheme in hand."""
    return f"it sends {describe(f'{challenge.scheme} {challenge.token}')}" if challenge.token else "it asks again"


def bare(scheme: str, reason: object) -> str:
    """Return a reason without the name of its scheme in front."""
    name, _, rest = str(reason).partition(": ")
    return rest if name.lower() == scheme else str(reason)
