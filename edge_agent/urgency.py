"""What goes before what, where there is more to do than can be done at once."""

from collections.abc import Iterable

from edge_agent.core.effects import CloseAdoption, DropLink, Effect, Exit, WriteAttempt
from edge_agent.core.events import AttemptConfirmed, Event, LinkName
from edge_agent.switchboard import FromLink
from fluid.bus import Confirmed, LinkEvent

# A link that is given up has to be gone when the next item is looked at: what came on it before is
# nothing to us any more, and would be taken for something that the link after it brought.
_GO_AT_ONCE = (Exit, WriteAttempt, DropLink, CloseAdoption)


def can_wait(item: object) -> bool:
    """Whether what is in the inbox lets pass what the executor has done and what other devices say:
    requests, and what comes on their connections, as its order matters. One thing of theirs does
    not wait: that the broker has an answer of ours. It matters to its own request alone, which is
    done with then."""
    if not isinstance(item, FromLink) or item.source.name is LinkName.CONTROL:
        return False
    return not (item.source.name is LinkName.INFER and _confirms_an_answer(item.event))


def _confirms_an_answer(event: LinkEvent) -> bool:
    return isinstance(event, Confirmed) and event.token > 0


def must_go_now(event: Event, caused: Iterable[Effect]) -> bool:
    """Whether to carry out what is to be done before the next event is looked at.

    Suspects run one at a time, each after its note has been to the broker and back, and all other
    requests wait for them: a batch of events in each direction made seconds of a full window.
    """
    if isinstance(event, AttemptConfirmed):
        return True
    return any(isinstance(effect, _GO_AT_ONCE) for effect in caused)
