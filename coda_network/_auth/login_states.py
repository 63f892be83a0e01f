"""The states of a login, and what leads from one to the next."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """Where a login stands."""

    __hash__ = object.__hash__  # as for Role

    IDLE = "no login has been asked for"
    ANTICIPATED = "a header went out before anybody asked"
    CHOOSING = "looking for a scheme to begin with"
    STEPPING = "the scheme in hand makes its next header"
    NEGOTIATING = "a header went out that another challenge must follow"
    COMPLETED = "the last header of a scheme went out"
    ACCEPTED = "the peer has accepted"
    GIVEN_UP = "no scheme can go on for this request"


class Event(Enum):
    """What can happen to a login."""

    __hash__ = object.__hash__  # as for Role

    REQUEST = "a new request begins"
    ANTICIPATE = "a header is at hand from a login that was accepted"
    CHALLENGE = "a challenge came, but not for the scheme in hand"
    GO_ON = "a challenge came for the scheme in hand"
    OTHER = "any other response came"
    LEG = "a header was made that another challenge must follow"
    FINAL = "the last header of a scheme was made"
    BROKEN = "the scheme in hand cannot go on"
    EXHAUSTED = "no scheme is left"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.IDLE, Event.REQUEST): State.IDLE,
    (State.IDLE, Event.ANTICIPATE): State.ANTICIPATED,
    (State.IDLE, Event.CHALLENGE): State.CHOOSING,
    (State.IDLE, Event.OTHER): State.IDLE,
    (State.ANTICIPATED, Event.REQUEST): State.IDLE,  # here and below: no response came to the request before
    (State.ANTICIPATED, Event.CHALLENGE): State.CHOOSING,
    (State.ANTICIPATED, Event.GO_ON): State.STEPPING,
    (State.ANTICIPATED, Event.OTHER): State.ACCEPTED,
    (State.ANTICIPATED, Event.BROKEN): State.GIVEN_UP,  # here and below: the peer's own proof is wrong
    (State.CHOOSING, Event.LEG): State.NEGOTIATING,
    (State.CHOOSING, Event.FINAL): State.COMPLETED,
    (State.CHOOSING, Event.EXHAUSTED): State.GIVEN_UP,
    (State.STEPPING, Event.LEG): State.NEGOTIATING,
    (State.STEPPING, Event.FINAL): State.COMPLETED,
    (State.STEPPING, Event.BROKEN): State.CHOOSING,
    (State.NEGOTIATING, Event.REQUEST): State.IDLE,
    (State.NEGOTIATING, Event.CHALLENGE): State.CHOOSING,
    (State.NEGOTIATING, Event.GO_ON): State.STEPPING,
    (State.NEGOTIATING, Event.OTHER): State.ACCEPTED,  # some proxies are content with the first leg
    (State.NEGOTIATING, Event.BROKEN): State.GIVEN_UP,
    (State.COMPLETED, Event.REQUEST): State.IDLE,
    (State.COMPLETED, Event.CHALLENGE): State.CHOOSING,
    (State.COMPLETED, Event.GO_ON): State.STEPPING,
    (State.COMPLETED, Event.OTHER): State.ACCEPTED,
    (State.COMPLETED, Event.BROKEN): State.GIVEN_UP,
    (State.ACCEPTED, Event.REQUEST): State.ACCEPTED,
    (State.ACCEPTED, Event.ANTICIPATE): State.ANTICIPATED,
    (State.ACCEPTED, Event.CHALLENGE): State.CHOOSING,
    (State.ACCEPTED, Event.OTHER): State.ACCEPTED,
    (State.GIVEN_UP, Event.REQUEST): State.IDLE,
    (State.GIVEN_UP, Event.CHALLENGE): State.GIVEN_UP,
    (State.GIVEN_UP, Event.OTHER): State.GIVEN_UP,
}

AWAITING_RESPONSE = (State.ANTICIPATED, State.NEGOTIATING, State.COMPLETED)
