from dataclasses import replace

import pytest

from fluid.bus.protocol import Closed, CloseReason
from fluid.client import ClusterSnapshot
from fluid.dashboard.mode_change import change_mode, judge
from fluid.messages.control import AgentState, ClusterState, Mode
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, retained
from tests.unit.fluid.dashboard.clusters import MASTER, STATE

TOPICS = Topics()
FOLLOWS = replace(STATE, mode=Mode.HT, operator_mode=Mode.HT)


def test_the_operators_word_is_said_and_its_effect_told() -> None:
    def decide(link: FakeLink, _message: object) -> None:
        link.deliver(retained(TOPICS.cluster, FOLLOWS.encode()))

    bus = FakeBus(
        decide,
        retained=[
            retained(TOPICS.presence("master"), MASTER.encode()),
            retained(TOPICS.cluster, STATE.encode()),
        ],
    )
    outcome = change_mode([bus], TOPICS, Mode.HT)
    assert (outcome.status, outcome.document) == (
        200,
        {"mode": "ht", "operator_mode": "ht", "leader": "master"},
    )
    assert [(each.topic, each.payload) for each in bus.published] == [("fluid/mode/set", b"ht")]


def test_a_broker_that_cannot_be_used_is_told() -> None:
    bus = FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "nothing listens there")])
    outcome = change_mode([bus], TOPICS, Mode.HT)
    assert outcome.status == 502
    assert outcome.document["error"] == {"code": "broker", "message": "nothing listens there"}


@pytest.mark.parametrize(
    ("state", "code"),
    [
        pytest.param(None, "no_leader", id="nobody ever led"),
        pytest.param(replace(FOLLOWS, leader="worker"), "no_leader", id="its leader is gone"),
        pytest.param(STATE, "not_taken_up", id="another word stands"),
        pytest.param(
            replace(STATE, operator_mode=Mode.HT), "not_followed", id="the mode is another"
        ),
    ],
)
def test_a_word_without_effect_is_an_error(state: ClusterState | None, code: str) -> None:
    outcome = judge(ClusterSnapshot((MASTER,), state), Mode.HT)
    assert outcome.status >= 400
    assert outcome.document["error"]["code"] == code


def test_automatic_is_any_mode() -> None:
    assert judge(ClusterSnapshot((MASTER,), STATE), Mode.AUTO).status == 200


def test_an_offline_leader_takes_up_nothing() -> None:
    gone = replace(MASTER, state=AgentState.OFFLINE)
    assert judge(ClusterSnapshot((gone,), FOLLOWS), Mode.HT).status == 409
