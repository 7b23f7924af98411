"""What both faces of the client say and do about a link: names, backoff, errors."""

import secrets

from fluid.bus.protocol import Bus, Closed, CloseReason, KnownUser
from fluid.errors import BrokerError, BrokerNotFound, BrokerRefused, BrokerUnreachable
from fluid.topics import Topics

_ERRORS: dict[CloseReason, type[BrokerError]] = {
    CloseReason.NOT_FOUND: BrokerNotFound,
    CloseReason.REFUSED: BrokerRefused,
}


def new_client_id() -> str:
    """A client id that nobody else has: two clients of one id disconnect each other.

    No agent has one either: a colon parts what an agent's is made of, and here there is none.
    """
    return f"fluid-client-{secrets.token_hex(6)}"


def own_topic(topics: Topics, bus: Bus, client_id: str) -> str:
    """Where a client hears what is for it alone.

    Under the name by which the broker knows us, if it has one for us: so its access control can
    let each user read its own answers and nobody else's, by one rule for all of them.
    """
    user = bus.user if isinstance(bus, KnownUser) else None
    topic = topics.result(f"{user}/{client_id}")
    return topic if user and topics.may_answer_on(topic) else topics.result(client_id)


def broker_error(closed: Closed, *, broker: str) -> BrokerError:
    """Why no connection to `broker` (its name for people) could be had or kept."""
    error_class = _ERRORS.get(closed.reason, BrokerUnreachable)
    return error_class(closed.detail or f"{broker}: {closed.reason}")


def is_lasting(closed: Closed) -> bool:
    """Whether connecting again would end in the same way until somebody changes something."""
    return closed.reason in _ERRORS
