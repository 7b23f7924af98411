from edge_agent.core.effects import ClearPresence, Note
from edge_agent.core.forgetting import Forgetting
from tests.unit.edge_agent.making import one_of


def test_each_is_asked_for_once_and_noted_once_the_broker_has_done_it() -> None:
    forgetting = Forgetting()
    assert forgetting.ask(["b", "c"]) == [ClearPresence("b", 1), ClearPresence("c", 2)]
    assert forgetting.ask(["b", "c"]) == []
    forgetting.done("b")  # it comes round before the confirmation, or after it
    assert forgetting.confirmed(1, accepted=True) == [Note("peer_forgotten", {"agent": "b"})]
    assert forgetting.confirmed(1, accepted=True) == []
    assert forgetting.ask(["b"]) == [ClearPresence("b", 3)]


def test_a_refusal_is_said_once_an_agent_with_what_to_do_and_tried_on_each_connection() -> None:
    forgetting = Forgetting()
    forgetting.ask(["b", "c"])
    note = one_of(forgetting.confirmed(1, accepted=False), Note)
    assert (note.event, note.fields["agent"], note.problem) == ("forget_refused", "b", True)
    assert "'fluid forget b'" in str(note.fields["message"])
    assert one_of(forgetting.confirmed(2, accepted=False), Note).fields["agent"] == "c"
    assert forgetting.ask(["b"]) == []
    forgetting.undo()
    assert forgetting.ask(["b"]) == [ClearPresence("b", 3)]
    assert forgetting.confirmed(3, accepted=False) == []
    forgetting.undo()
    forgetting.ask(["b"])
    assert forgetting.confirmed(4, accepted=True) == [Note("peer_forgotten", {"agent": "b"})]


def test_what_was_under_way_when_the_link_was_lost_is_not_taken_for_done() -> None:
    forgetting = Forgetting()
    forgetting.ask(["b"])
    forgetting.undo()
    assert forgetting.confirmed(1, accepted=True) == []
