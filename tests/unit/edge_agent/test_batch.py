"""What may wait for what, where several things are handled at once."""

from collections.abc import Iterable

import pytest

from edge_agent.batch import handle
from edge_agent.core.effects import Ack, CloseAdoption, DropLink, Effect, WriteAttempt
from edge_agent.core.events import Event, LinkName, StrayArrived
from edge_agent.switchboard import FromLink, Source
from fluid.bus import Closed, CloseReason, Delivered, LinkEvent, Message, Opened

REQUEST = Delivered(Message("fluid/infer", b"", qos=1))
GIVEN_UP = (DropLink, CloseAdoption)
LOST = Closed(CloseReason.LOST, "")


class Shell:
    """A core that wants something after its nth event, and a switchboard that may lose its link."""

    def __init__(self, wants: dict[int, list[Effect]] | None = None) -> None:
        self._wants = wants or {}
        self.stepped = 0
        self.performed: list[list[Effect]] = []

    def run(self, *items: LinkEvent) -> None:
        source = Source(LinkName.INFER)
        handle(
            [FromLink(source, item) for item in items],
            events=self._events,
            step=self._step,
            perform=self._perform,
        )

    def _events(self, _item: FromLink) -> list[Event]:
        is_gone = any(isinstance(each, GIVEN_UP) for each in self._carried_out())
        return [] if is_gone else [StrayArrived(self.stepped + 1)]

    def _step(self, _event: Event) -> list[Effect]:
        self.stepped += 1
        return self._wants.get(self.stepped, [Ack(self.stepped)])

    def _perform(self, effects: list[Effect]) -> None:
        self.performed.append(effects)

    def _carried_out(self) -> Iterable[Effect]:
        return (effect for effects in self.performed for effect in effects)


def test_what_several_cause_is_performed_together_at_the_end() -> None:
    shell = Shell()
    shell.run(REQUEST, REQUEST, REQUEST)
    assert shell.performed == [[Ack(1), Ack(2), Ack(3)]]


@pytest.mark.parametrize(
    "given_up", [DropLink(LinkName.INFER), CloseAdoption("b", end_session=True)]
)
def test_what_came_on_a_link_before_it_was_given_up_is_not_looked_at_after(
    given_up: Effect,
) -> None:
    shell = Shell({2: [given_up]})
    shell.run(REQUEST, REQUEST, REQUEST)
    assert shell.stepped == 2
    assert shell.performed[0] == [Ack(1), given_up]


@pytest.mark.parametrize("news", [Opened(session_present=True), LOST])
def test_what_was_decided_before_is_performed_before_a_connection_changes(news: LinkEvent) -> None:
    shell = Shell()
    shell.run(REQUEST, news)
    assert shell.performed == [[Ack(1)], [Ack(2)]]


def test_a_note_does_not_wait_for_what_came_after_it() -> None:
    note = WriteAttempt("a", (), 1)
    shell = Shell({1: [note]})
    shell.run(REQUEST, REQUEST)
    assert shell.performed == [[note], [Ack(2)]]
