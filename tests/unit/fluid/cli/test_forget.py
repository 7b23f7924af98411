import json
import re

import pytest
from click.testing import CliRunner, Result

from fluid.bus.protocol import Closed, CloseReason, Message
from fluid.cli import main
from fluid.cli.target import Target
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, never_answer, retained

TOPICS = Topics()
CLEARED = [
    Message(f"fluid/{kind}/pi-2", b"", 1, retain=True)
    for kind in ("presence", "term", "attempt", "condemned")
]


def said_of(agent: str, state: AgentState) -> list[Message]:
    presence = Presence(agent, state, Role.MASTER, 100, 3, bundle="abc")
    heartbeat = Heartbeat(agent, 3, 1, queue=0, busy=0.0)
    messages = [retained(TOPICS.presence(agent), presence.encode())]
    if state is AgentState.ONLINE:
        messages.append(Message(TOPICS.heartbeat(agent), heartbeat.encode()))
    return messages


LED = [
    *said_of("pi-1", AgentState.ONLINE),
    retained(TOPICS.cluster, ClusterState(1, 1, "pi-1", Mode.HA, Mode.AUTO).encode()),
]
GONE = said_of("pi-2", AgentState.OFFLINE)


def run(bus: FakeBus, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["forget", *arguments], obj=bus)


def broker(*messages: Message, reasons: tuple[int, ...] = ()) -> FakeBus:
    return FakeBus(never_answer, retained=messages, reasons=list(reasons))


def cleared(bus: FakeBus) -> list[Message]:
    return [each for each in bus.published if each.retain]


def test_what_is_kept_of_a_device_that_is_gone_is_cleared() -> None:
    bus = broker(*LED, *GONE)
    result = run(bus, "pi-2")
    assert (result.exit_code, result.stdout) == (0, "pi-2 is forgotten\n")
    assert cleared(bus) == CLEARED


@pytest.mark.parametrize(
    ("kept", "complaint"),
    [
        ([*LED, *said_of("pi-2", AgentState.ONLINE)], "pi-2 is online: .*\\[agent_online\\]"),
        (LED, "no presence of pi-2 is kept, but of: pi-1; .*\\[agent_unknown\\]"),
        ([], "of: nobody; .*\\[agent_unknown\\]"),
        (GONE, "nobody leads, .*\\[no_leader\\]"),
    ],
)
def test_nothing_is_cleared_that_may_still_count_unless_forced(
    kept: list[Message], complaint: str
) -> None:
    bus = broker(*kept)
    refused = run(bus, "pi-2")
    assert refused.exit_code == 1
    assert re.search(complaint, refused.stderr)
    assert cleared(bus) == []
    assert run(bus, "pi-2", "--force").exit_code == 0
    assert cleared(bus) == CLEARED


def test_a_broker_that_refuses_is_an_error_with_a_code() -> None:
    result = run(broker(*LED, *GONE, reasons=(0x87, 0x87, 0x87, 0x87)), "pi-2")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error: the broker does not let us clear fluid/presence/pi-2,")
    assert result.stderr.endswith("[forget_refused]\n")


@pytest.mark.parametrize("name", ["+", "#", "a/b", "../pi-2", "$SYS", "a\n", "-", "x" * 65, ""])
def test_what_is_no_agent_id_is_a_usage_error(name: str) -> None:
    bus = broker(*LED, *GONE)
    result = run(bus, "--", name)
    assert result.exit_code == 2
    assert "is no agent id" in result.stderr
    assert bus.links == []


class TestSeveralBrokers:
    @pytest.fixture
    def buses(self, monkeypatch: pytest.MonkeyPatch) -> list[FakeBus]:
        buses: list[FakeBus] = []
        monkeypatch.setattr(Target, "buses", lambda _self: tuple(buses))
        return buses

    def test_it_is_forgotten_at_each_and_one_leader_is_enough(self, buses: list[FakeBus]) -> None:
        buses += [broker(*LED, *GONE), broker(*GONE)]
        assert CliRunner().invoke(main, ["forget", "pi-2"]).exit_code == 0
        assert [cleared(each) for each in buses] == [CLEARED, CLEARED]

    def test_who_is_online_at_any_of_them_is_not_gone(self, buses: list[FakeBus]) -> None:
        buses += [broker(*LED, *GONE), broker(*said_of("pi-2", AgentState.ONLINE))]
        assert "[agent_online]" in CliRunner().invoke(main, ["forget", "pi-2"]).stderr
        assert [cleared(each) for each in buses] == [[], []]

    def test_one_that_does_not_answer_is_an_error_unless_forced(self, buses: list[FakeBus]) -> None:
        def down() -> FakeBus:
            return FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "nothing listens")])

        buses += [broker(*LED, *GONE), down()]
        result = CliRunner().invoke(main, ["forget", "pi-2"])
        assert result.exit_code == 1
        assert result.stderr.startswith("error: nothing listens; start a broker there")
        assert cleared(buses[0]) == []
        buses[1] = down()
        result = CliRunner().invoke(main, ["forget", "pi-2", "--force", "--json"])
        assert result.exit_code == 0
        document = {"forgotten": "pi-2", "brokers": 1, "failed": ["nothing listens"]}
        assert json.loads(result.stdout) == document
        assert result.stderr == "warning: not forgotten there: nothing listens\n"
        assert cleared(buses[0]) == CLEARED
        buses[:] = [down()]
        assert CliRunner().invoke(main, ["forget", "pi-2", "--force"]).exit_code == 1
