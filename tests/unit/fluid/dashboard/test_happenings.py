from dataclasses import replace

import pytest

from fluid.client import ClusterSnapshot
from fluid.client.observer import ClusterView
from fluid.dashboard.happenings import Chronicle, Kind
from fluid.messages.control import AgentState, ClusterState, Mode, Presence
from tests.unit.fluid.dashboard.clusters import MASTER, STATE, WORKER, view

OFFLINE = replace(WORKER, state=AgentState.OFFLINE, serving=None)


def told(*views: ClusterView) -> list[tuple[Kind, str]]:
    """What the last of these views tells, each looked at when it was heard."""
    chronicle = Chronicle()
    for each in views:
        happenings = chronicle.look(each, 10.0)
    return [(each.kind, each.text) for each in happenings]


def test_the_first_look_says_how_it_stands() -> None:
    assert told(view()) == [
        (Kind.WATCHING, "watching: 2 devices are online, master leads, the mode is high accuracy")
    ]


def test_the_first_look_at_a_cluster_that_never_was_says_so() -> None:
    assert told(ClusterView(ClusterSnapshot())) == [
        (Kind.WATCHING, "watching: no devices are online, nobody leads")
    ]


def test_nothing_is_told_of_a_cluster_that_is_as_it_was() -> None:
    assert told(view(), view()) == []


@pytest.mark.parametrize(
    ("before", "after", "kind", "text"),
    [
        pytest.param((MASTER,), (MASTER, WORKER), Kind.JOINED, "worker joined", id="new"),
        pytest.param((MASTER, OFFLINE), (MASTER, WORKER), Kind.JOINED, "worker is back", id="back"),
        pytest.param(
            (MASTER, WORKER),
            (MASTER, replace(WORKER, incarnation=2)),
            Kind.JOINED,
            "worker connected anew",
            id="a connection that nobody saw end",
        ),
        pytest.param(
            (MASTER, WORKER),
            (MASTER, OFFLINE),
            Kind.DIED,
            "worker went down without a word",
            id="last will",
        ),
        pytest.param(
            (MASTER, replace(WORKER, serving=None)),
            (MASTER, OFFLINE),
            Kind.LEFT,
            "worker left",
            id="it said first that it serves no more",
        ),
        pytest.param(
            (MASTER, OFFLINE), (MASTER,), Kind.FORGOTTEN, "worker was forgotten", id="forgotten"
        ),
        pytest.param(
            (MASTER, WORKER),
            (MASTER, replace(WORKER, bundle="0123456789abcdef")),
            Kind.BUNDLE,
            "worker serves another bundle, 0123456789ab",
            id="rollout",
        ),
    ],
)
def test_what_happens_to_a_device_is_told(
    before: tuple[Presence, ...], after: tuple[Presence, ...], kind: Kind, text: str
) -> None:
    assert told(view(*before), view(*after)) == [(kind, text)]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        pytest.param(
            replace(STATE, term=4, leader="worker"),
            [(Kind.LEADER, "worker leads, in term 4")],
            id="leader",
        ),
        pytest.param(
            replace(STATE, mode=Mode.HT),
            [(Kind.MODE, "the mode is high throughput")],
            id="mode by load",
        ),
        pytest.param(
            replace(STATE, mode=Mode.HT, operator_mode=Mode.HT),
            [
                (Kind.MODE, "an operator asked for the mode high throughput"),
                (Kind.MODE, "the mode is high throughput"),
            ],
            id="mode by an operator",
        ),
        pytest.param(
            replace(STATE, placement={"lower": ("master", "worker"), "upper": ("worker",)}),
            [(Kind.PLACED, "worker holds lower and upper")],
            id="placement",
        ),
        pytest.param(replace(STATE, epoch=2), [], id="a decision that changes nothing"),
    ],
)
def test_what_the_leader_decides_is_told(
    after: ClusterState, expected: list[tuple[Kind, str]]
) -> None:
    assert told(view(), view(state=after)) == expected


def test_a_leader_that_is_gone_is_told_and_who_follows_it() -> None:
    gone = view(replace(MASTER, state=AgentState.OFFLINE, serving=None), WORKER)
    assert (Kind.LEADER, "nobody leads") in told(view(), gone)
    heir = replace(STATE, term=4, leader="worker")
    assert told(view(), gone, replace_state(gone, heir)) == [
        (Kind.LEADER, "worker leads, in term 4")
    ]


def test_while_the_broker_is_gone_nothing_else_is_told() -> None:
    lost = view(trouble="the connection broke")
    assert told(view(), lost) == [(Kind.BROKER_LOST, "the broker is gone (the connection broke)")]
    assert told(view(), lost, lost) == []


def test_what_changed_while_the_broker_was_gone_is_told_when_it_is_back() -> None:
    after = view(MASTER, OFFLINE)
    assert told(view(), view(trouble="gone"), after) == [
        (Kind.BROKER_BACK, "the broker is back"),
        (Kind.DIED, "worker went down without a word"),
    ]


def test_a_silent_agent_is_told_once_and_so_is_its_return() -> None:
    chronicle = Chronicle()
    chronicle.look(view(heard_at_s=10.0), 10.0)
    quiet = view(heard_at_s={"master": 12.0, "worker": 10.0})
    assert chronicle.look(quiet, 11.9) == ()
    (silent,) = chronicle.look(quiet, 12.0)
    assert (silent.kind, silent.text) == (Kind.SILENT, "nothing is heard of worker")
    assert chronicle.silent == {"worker"}
    assert chronicle.look(quiet, 12.5) == ()
    (heard,) = chronicle.look(view(heard_at_s=13.0), 13.0)
    assert (heard.kind, heard.text) == (Kind.HEARD, "worker is heard again")
    assert chronicle.silent == frozenset()


def test_an_agent_that_was_never_heard_is_given_time_to_speak() -> None:
    chronicle = Chronicle()
    unheard = view(heard_at_s={"master": 19.0})
    chronicle.look(unheard, 19.0)
    assert chronicle.look(unheard, 20.9) == ()
    (silent,) = chronicle.look(view(heard_at_s={"master": 20.9}), 21.0)
    assert silent.text == "nothing is heard of worker"


def test_one_that_comes_back_is_given_time_to_speak_again() -> None:
    chronicle = Chronicle()
    chronicle.look(view(heard_at_s=10.0), 10.0)
    chronicle.look(view(MASTER, OFFLINE, heard_at_s=10.0), 10.5)
    back = view(heard_at_s={"master": 600.0, "worker": 10.0})
    assert [each.text for each in chronicle.look(back, 600.0)] == ["worker is back"]
    assert chronicle.silent == frozenset()
    (silent,) = chronicle.look(view(heard_at_s={"master": 602.0, "worker": 10.0}), 602.0)
    assert silent.text == "nothing is heard of worker"


def test_one_that_was_never_heard_in_its_life_before_is_given_time_too() -> None:
    chronicle = Chronicle()
    never = {"master": 10.0}
    chronicle.look(view(heard_at_s=never), 10.0)
    chronicle.look(view(MASTER, OFFLINE, heard_at_s=never), 10.5)
    back = chronicle.look(view(heard_at_s={"master": 600.0}), 600.0)
    assert [each.text for each in back] == ["worker is back"]


def test_the_silence_of_a_lost_broker_is_nobodys() -> None:
    chronicle = Chronicle()
    chronicle.look(view(heard_at_s=10.0), 10.0)
    lost = chronicle.look(view(heard_at_s=10.0, trouble="gone"), 60.0)
    assert [each.kind for each in lost] == [Kind.BROKER_LOST]
    # Afterwards nothing was heard yet on the new connection: the time counts from there.
    back = chronicle.look(view(heard_at_s={}), 60.5)
    assert [each.kind for each in back] == [Kind.BROKER_BACK]


def test_one_adoption_is_told_once() -> None:
    chronicle = Chronicle()
    chronicle.look(view(), 10.0)
    (adopted,) = chronicle.adoption("worker", 11.0)
    assert (adopted.kind, adopted.text) == (
        Kind.ADOPTED,
        "master took over the requests of worker",
    )
    assert chronicle.adoption("worker", 12.0) == ()
    assert len(chronicle.adoption("worker", 60.0)) == 1


def replace_state(before: ClusterView, state: ClusterState) -> ClusterView:
    return replace(before, snapshot=replace(before.snapshot, state=state))
