import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.bus.protocol import Closed, CloseReason, Message
from fluid.client import ClusterSnapshot, cluster_snapshot, forget_agent, set_mode
from fluid.client.cluster import SnapshotCollector
from fluid.errors import BrokerNotFound, BrokerRefused, BrokerUnreachable
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from fluid.topics import Topics
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, never_answer, retained

TOPICS = Topics()


def presence(agent: str, state: AgentState = AgentState.ONLINE, incarnation: int = 1) -> Presence:
    return Presence(agent, state, Role.WORKER, 10, incarnation, bundle="abc")


def presence_message(value: Presence) -> Message:
    return retained(TOPICS.presence(value.agent), value.encode())


def heartbeat_message(agent: str) -> Message:
    return Message(TOPICS.heartbeat(agent), Heartbeat(agent, 1, 5, queue=3, busy=0.5).encode())


def state_message(mode: Mode, operator_mode: Mode = Mode.AUTO, *, epoch: int = 0) -> Message:
    state = ClusterState(2, epoch, "a", mode, operator_mode, ("a", "b"), {"lower": ("a",)})
    return retained(TOPICS.cluster, state.encode())


def claim_message(term: int, operator_mode: Mode = Mode.AUTO) -> Message:
    """The first decision of a term, as it comes round to whoever listens already."""
    state = ClusterState(term, 0, "a", Mode.HA, operator_mode)
    return Message(TOPICS.cluster, state.encode(), qos=1)


def closing(reason: CloseReason, detail: str) -> FakeBus:
    return FakeBus(refusals=[Closed(reason, detail)])


def snapshot_of(messages: list[Message]) -> ClusterSnapshot:
    collector = SnapshotCollector(TOPICS)
    for message in messages:
        collector.add(message)
    return collector.snapshot


class TestCollector:
    @given(st.permutations([1, 2, 3]))
    def test_the_highest_incarnation_of_an_agent_holds(self, order: list[int]) -> None:
        known = {
            1: presence("a", AgentState.ONLINE, 1),
            2: presence("a", AgentState.OFFLINE, 2),
            3: presence("a", AgentState.ONLINE, 3),
        }
        snapshot = snapshot_of([presence_message(known[each]) for each in order])
        assert snapshot.presences == (known[3],)

    @given(st.permutations([0, 1, 2]))
    def test_the_latest_decision_holds(self, order: list[int]) -> None:
        snapshot = snapshot_of([state_message(Mode.HA, epoch=epoch) for epoch in order])
        assert snapshot.state is not None
        assert snapshot.state.epoch == 2

    def test_a_will_of_the_same_incarnation_takes_an_agent_offline(self) -> None:
        gone = presence("a", AgentState.OFFLINE)
        snapshot = snapshot_of([presence_message(presence("a")), presence_message(gone)])
        assert snapshot.presences == (gone,)
        assert snapshot.online == ()

    def test_a_leader_that_is_offline_is_no_leader(self) -> None:
        online = [presence_message(presence("a")), state_message(Mode.HA)]
        assert snapshot_of(online).has_leader
        gone = presence_message(presence("a", AgentState.OFFLINE))
        assert not snapshot_of([*online, gone]).has_leader

    def test_heartbeats_of_agents_that_are_not_online_are_left_out(self) -> None:
        snapshot = snapshot_of(
            [presence_message(presence("a")), heartbeat_message("a"), heartbeat_message("x")]
        )
        assert list(snapshot.heartbeats) == ["a"]

    def test_who_is_cleared_is_forgotten(self) -> None:
        snapshot = snapshot_of(
            [
                presence_message(presence("a")),
                presence_message(presence("b")),
                heartbeat_message("a"),
                retained(TOPICS.presence("a"), b""),
            ]
        )
        assert [each.agent for each in snapshot.presences] == ["b"]
        assert snapshot.heartbeats == {}

    def test_an_agent_is_silent_since_its_last_heartbeat(self) -> None:
        collector = SnapshotCollector(TOPICS)
        collector.add(presence_message(presence("a")), at_s=1.0)
        assert collector.snapshot.silent_s("a", 9.0) is None
        collector.add(heartbeat_message("a"), at_s=10.0)
        collector.add(heartbeat_message("a"), at_s=10.5)
        collector.add(presence_message(presence("a", AgentState.OFFLINE)), at_s=11.0)
        assert collector.snapshot.silent_s("a", 12.0) == 1.5

    def test_a_cleared_topic_says_nothing_and_nonsense_is_counted(self) -> None:
        nonsense = Message(TOPICS.presence("a"), b"nonsense")
        assert snapshot_of([retained(TOPICS.presence("a"), b"")]) == ClusterSnapshot()
        assert snapshot_of([nonsense]).unreadable == 1

    def test_nobody_speaks_for_another_agent(self) -> None:
        gone = presence("a", AgentState.OFFLINE, incarnation=9).encode()
        beat = Heartbeat("a", 1, 5).encode()
        snapshot = snapshot_of(
            [
                presence_message(presence("a")),
                retained(TOPICS.presence("b"), gone),
                Message(TOPICS.heartbeat("b"), beat),
            ]
        )
        assert snapshot.presences == (presence("a"),)
        assert snapshot.heartbeats == {}
        assert snapshot.unreadable == 2

    def test_who_has_no_name_is_nobody(self) -> None:
        odd = "a\x1b[31m"
        message = retained(TOPICS.presence("a") + odd[1:], presence(odd).encode())
        assert snapshot_of([message]) == ClusterSnapshot(unreadable=1)

    def test_a_retained_heartbeat_is_no_sign_of_life(self) -> None:
        beat = heartbeat_message("a")
        left_behind = retained(beat.topic, beat.payload)
        snapshot = snapshot_of([presence_message(presence("a")), left_behind])
        assert snapshot.heartbeats == {}
        assert snapshot.unreadable == 1

    @given(
        st.sampled_from([TOPICS.cluster, TOPICS.presence("a"), TOPICS.heartbeat("a"), "other"]),
        st.binary(max_size=60),
    )
    def test_collecting_arbitrary_bytes_never_raises(self, topic: str, payload: bytes) -> None:
        snapshot = snapshot_of([Message(topic, payload)])
        assert snapshot.presences == ()


class TestSnapshot:
    def test_members_state_and_load_are_collected(self) -> None:
        bus = FakeBus(
            retained=[
                presence_message(presence("b", AgentState.OFFLINE)),
                presence_message(presence("a")),
                state_message(Mode.HT),
                heartbeat_message("a"),
            ]
        )
        snapshot = cluster_snapshot(bus, TOPICS, quiet_s=0.0)
        assert [each.agent for each in snapshot.presences] == ["a", "b"]
        assert [each.agent for each in snapshot.online] == ["a"]
        assert snapshot.state is not None
        assert snapshot.state.mode is Mode.HT
        assert snapshot.heartbeats["a"].queue == 3
        assert not bus.links[0].is_open

    def test_retained_messages_behind_the_marker_are_still_collected(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deliver = FakeLink.deliver

        def deliver_and_lag(link: FakeLink, message: Message) -> None:
            deliver(link, message)
            if message.payload == b"marker":
                deliver(link, presence_message(presence("a")))
                deliver(link, heartbeat_message("a"))

        monkeypatch.setattr(FakeLink, "deliver", deliver_and_lag)
        snapshot = cluster_snapshot(FakeBus(), TOPICS)
        assert [each.agent for each in snapshot.online] == ["a"]

    def test_an_online_agent_that_is_silent_is_not_waited_for_long(self) -> None:
        bus = FakeBus(retained=[presence_message(presence("a"))])
        snapshot = cluster_snapshot(bus, TOPICS, quiet_s=0.0, heartbeats_s=0.05, timeout_s=60.0)
        assert [each.agent for each in snapshot.online] == ["a"]
        assert snapshot.heartbeats == {}

    def test_an_empty_broker_gives_an_empty_snapshot(self) -> None:
        assert cluster_snapshot(FakeBus(), TOPICS, quiet_s=0.0) == ClusterSnapshot()

    def test_a_broker_that_cannot_be_used_is_an_error(self) -> None:
        with pytest.raises(BrokerNotFound, match="no such host"):
            cluster_snapshot(closing(CloseReason.NOT_FOUND, "no such host"), TOPICS)
        with pytest.raises(BrokerUnreachable, match="nothing listens"):
            cluster_snapshot(closing(CloseReason.UNREACHABLE, "nothing listens"), TOPICS)
        with pytest.raises(BrokerRefused, match="does not let us read"):
            cluster_snapshot(FakeBus(subscribe_reason=0x87), TOPICS)


class TestSeveralBrokers:
    LED = (presence_message(presence("a")), state_message(Mode.HT), heartbeat_message("a"))

    def test_the_first_at_which_somebody_leads_has_the_cluster(self) -> None:
        left = FakeBus(
            retained=[
                presence_message(presence("a", AgentState.OFFLINE)),
                state_message(Mode.HA),
            ]
        )
        led, unasked = FakeBus(retained=self.LED), FakeBus(retained=self.LED)
        snapshot = cluster_snapshot([left, led, unasked], TOPICS, quiet_s=0.0)
        assert snapshot.state is not None
        assert snapshot.state.mode is Mode.HT
        assert unasked.links == []

    def test_one_that_cannot_be_used_is_passed_over(self) -> None:
        down = closing(CloseReason.UNREACHABLE, "nothing listens")
        snapshot = cluster_snapshot([down, FakeBus(retained=self.LED)], TOPICS, quiet_s=0.0)
        assert snapshot.has_leader

    def test_if_nobody_leads_anywhere_the_first_that_can_be_used_speaks(self) -> None:
        down = closing(CloseReason.UNREACHABLE, "nothing listens")
        lonely = FakeBus(retained=[presence_message(presence("b", AgentState.OFFLINE))])
        snapshot = cluster_snapshot([down, lonely, FakeBus()], TOPICS, quiet_s=0.0)
        assert [each.agent for each in snapshot.presences] == ["b"]

    def test_if_none_can_be_used_the_error_says_why_of_each(self) -> None:
        refusing = closing(CloseReason.REFUSED, "who are you")
        down = closing(CloseReason.UNREACHABLE, "nothing listens")
        with pytest.raises(BrokerRefused, match="who are you; nothing listens"):
            cluster_snapshot([refusing, down], TOPICS)

    def test_the_mode_is_set_where_somebody_hears_it(self) -> None:
        def agree(link: FakeLink, _message: Message) -> None:
            link.deliver(state_message(Mode.HA, Mode.HA, epoch=1))

        deserted = FakeBus(never_answer, reasons=[0x10])
        led = FakeBus(agree, retained=self.LED)
        snapshot = set_mode([deserted, led], TOPICS, Mode.HA, timeout_s=60.0)
        assert snapshot.state is not None
        assert snapshot.state.mode is Mode.HA


class TestSetMode:
    def agree(self, link: FakeLink, message: Message) -> None:
        assert message.topic == TOPICS.mode_set
        wanted = Mode(message.payload.decode())
        becomes = Mode.HA if wanted is Mode.AUTO else wanted
        link.deliver(state_message(becomes, wanted, epoch=1))

    @pytest.mark.parametrize("mode", list(Mode))
    def test_the_cluster_is_shown_once_it_works_as_told(self, mode: Mode) -> None:
        before = [presence_message(presence("a")), state_message(Mode.HA)]
        bus = FakeBus(self.agree, retained=before)
        snapshot = set_mode(bus, TOPICS, mode, timeout_s=60.0)
        assert snapshot.state is not None
        assert snapshot.state.operator_mode is mode
        assert snapshot.has_leader
        assert [(each.payload, each.qos, each.retain) for each in bus.published] == [
            (mode.encode(), 1, False)
        ]

    def test_it_is_said_again_to_a_leader_that_claims_without_it(self) -> None:
        def change_hands(link: FakeLink, _message: Message) -> None:
            if len(bus.published) < 3:
                link.deliver(claim_message(2 + len(bus.published)))
            else:
                taken_up = ClusterState(4, 1, "a", Mode.HT, Mode.HT)
                link.deliver(Message(TOPICS.cluster, taken_up.encode(), qos=1))

        before = [presence_message(presence("a")), state_message(Mode.HA)]
        bus = FakeBus(change_hands, retained=before)
        snapshot = set_mode(bus, TOPICS, Mode.HT, timeout_s=60.0)
        assert snapshot.state is not None
        assert (snapshot.state.term, snapshot.state.operator_mode) == (4, Mode.HT)
        assert [each.payload for each in bus.published] == [b"ht"] * 3

    def test_what_is_decided_within_a_term_is_no_cause_to_say_it_again(self) -> None:
        def decide_otherwise(link: FakeLink, _message: Message) -> None:
            update = ClusterState(2, 1, "a", Mode.HA)
            link.deliver(Message(TOPICS.cluster, update.encode(), qos=1))

        before = [presence_message(presence("a")), state_message(Mode.HA)]
        bus = FakeBus(decide_otherwise, retained=before)
        set_mode(bus, TOPICS, Mode.HT, timeout_s=0.05)
        assert len(bus.published) == 1

    def test_it_does_not_overrule_a_later_word(self) -> None:
        def obey_and_be_overruled(link: FakeLink, _message: Message) -> None:
            # Taken up, but nobody is known to lead yet: it is still waited for.
            link.deliver(claim_message(2, Mode.HT))
            link.deliver(claim_message(3, Mode.HA))

        bus = FakeBus(obey_and_be_overruled)
        snapshot = set_mode(bus, TOPICS, Mode.HT, timeout_s=0.05)
        assert snapshot.state is not None
        assert snapshot.state.operator_mode is Mode.HA
        assert len(bus.published) == 1

    def test_what_is_so_already_needs_no_new_decision(self) -> None:
        before = [presence_message(presence("a")), state_message(Mode.HT, Mode.HT)]
        snapshot = set_mode(FakeBus(never_answer, retained=before), TOPICS, Mode.HT, timeout_s=60.0)
        assert snapshot.state is not None
        assert snapshot.state.mode is Mode.HT

    def test_a_leader_that_does_not_take_it_up_is_shown_as_it_is(self) -> None:
        before = [presence_message(presence("a")), state_message(Mode.HA)]
        snapshot = set_mode(FakeBus(never_answer, retained=before), TOPICS, Mode.HT, timeout_s=0.05)
        assert snapshot.has_leader
        assert snapshot.state is not None
        assert snapshot.state.operator_mode is Mode.AUTO

    def test_what_a_gone_cluster_left_behind_is_no_answer(self) -> None:
        left = [presence_message(presence("a")), state_message(Mode.HT, Mode.HT)]
        bus = FakeBus(never_answer, retained=left, reasons=[0x10])
        assert set_mode(bus, TOPICS, Mode.HT, timeout_s=60.0) == ClusterSnapshot()

    def test_a_broker_that_forbids_it_is_an_error(self) -> None:
        with pytest.raises(BrokerRefused, match="does not let us publish to fluid/mode/set"):
            set_mode(FakeBus(never_answer, reasons=[0x87]), TOPICS, Mode.HA)


class TestForget:
    KEPT = ("fluid/presence/b", "fluid/term/b", "fluid/attempt/b", "fluid/condemned/b")

    def test_all_that_is_kept_of_an_agent_is_cleared(self) -> None:
        bus = FakeBus(never_answer, reasons=[0x10])
        forget_agent(bus, TOPICS, "b")
        assert bus.published == [Message(each, b"", 1, retain=True) for each in self.KEPT]
        assert not bus.links[0].is_open

    def test_a_broker_that_refuses_says_what_and_what_to_do(self) -> None:
        bus = FakeBus(never_answer, reasons=[0x87, 0, 0, 0x87])
        named = r"clear fluid/presence/b, fluid/condemned/b: .* as an operator.*\[forget_refused\]$"
        with pytest.raises(BrokerRefused, match=named):
            forget_agent(bus, TOPICS, "b")

    def test_a_broker_that_does_not_confirm_it_is_an_error(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(FakeLink, "publish", lambda *_args, **_options: None)
        with pytest.raises(BrokerUnreachable, match="did not confirm"):
            forget_agent(FakeBus(), TOPICS, "b", timeout_s=0.05)

    @pytest.mark.parametrize("name", ["", "+", "#", "a/b", "../a", "$SYS", "a\0", ".a", "a" * 65])
    def test_what_is_no_agent_id_is_not_sent(self, name: str) -> None:
        bus = FakeBus(never_answer)
        with pytest.raises(ValueError, match="no agent id"):
            forget_agent(bus, TOPICS, name)
        assert bus.links == []
