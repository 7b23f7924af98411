import json

import pytest
from click.testing import CliRunner, Result

from fluid.bus.protocol import Message
from fluid.cli import main
from fluid.messages import AgentState, ClusterState, Mode, Presence, Role
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, Script, never_answer, retained

TOPICS = Topics()
LEADER = Presence("pi-1", AgentState.ONLINE, Role.MASTER, 100, 3, bundle="abc")


def state(mode: Mode, operator_mode: Mode) -> Message:
    value = ClusterState(1, 1, "pi-1", mode, operator_mode)
    return retained(TOPICS.cluster, value.encode())


def becomes(mode: Mode, operator_mode: Mode) -> Script:
    def decide(link: FakeLink, _message: Message) -> None:
        link.deliver(state(mode, operator_mode))

    return decide


def run(script: Script, *arguments: str, reasons: list[int] | None = None) -> Result:
    stands = Mode.HA if arguments[0] == "auto" else Mode.AUTO  # another word than is given now
    before = [retained(TOPICS.presence("pi-1"), LEADER.encode()), state(Mode.HA, stands)]
    bus = FakeBus(script, retained=before, reasons=reasons or [])
    return CliRunner().invoke(main, ["mode", *arguments], obj=bus)


@pytest.mark.parametrize(
    ("word", "mode"), [("ha", Mode.HA), ("ht", Mode.HT), ("auto", Mode.HT), ("auto", Mode.HA)]
)
def test_says_what_the_mode_became(word: str, mode: Mode) -> None:
    result = run(becomes(mode, Mode(word)), word)
    assert result.exit_code == 0
    assert result.stdout == f"mode is {mode} (asked for: {word}; leader pi-1)\n"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        (
            never_answer,
            "leader pi-1 has not taken up 'ht' within 0.05 s; the mode is ha: try again",
        ),
        (becomes(Mode.HA, Mode.HT), "leader pi-1 has taken up 'ht', but the mode is still ha"),
    ],
)
def test_a_leader_that_does_not_follow_is_an_error(script: Script, complaint: str) -> None:
    result = run(script, "ht", "--timeout", "0.05")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"error: {complaint}")
    assert result.stderr.count("\n") == 1


def test_as_json_it_says_the_same() -> None:
    result = run(becomes(Mode.HT, Mode.AUTO), "auto", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {
        "mode": "ht",
        "operator_mode": "auto",
        "leader": "pi-1",
        "term": 1,
        "note": None,
    }


@pytest.mark.parametrize(("word", "is_told"), [("ha", True), ("ht", False)])
def test_with_different_bundles_nobody_works_together_in_ha(word: str, is_told: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    other = Presence("pi-2", AgentState.ONLINE, Role.WORKER, 10, 1, bundle="another")
    bus = FakeBus(
        becomes(Mode(word), Mode(word)),
        retained=[retained(TOPICS.presence(each.agent), each.encode()) for each in (LEADER, other)],
    )
    result = CliRunner().invoke(main, ["mode", word], obj=bus)
    assert result.exit_code == 0
    assert ("different bundles" in result.stdout) is is_told


def test_nobody_there_to_hear_is_an_error() -> None:
    result = run(never_answer, "ht", reasons=[0x10])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no leader answers")


def test_an_unknown_mode_is_a_usage_error() -> None:
    result = run(never_answer, "fast")
    assert result.exit_code == 2
    assert "'auto', 'ha', 'ht'" in result.stderr
