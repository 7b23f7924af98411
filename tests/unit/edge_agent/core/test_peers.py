from edge_agent.core.peers import Health, HealthChanged, Peers
from tests.unit.edge_agent.making import TIMING, heartbeat, offline, presence


def watching(*agents: str, since: float = 0.0) -> Peers:
    """`me`, hearing its own echo, and these agents online."""
    peers = Peers("me", TIMING)
    peers.heartbeat(heartbeat("me"), since)
    for agent in agents:
        peers.presence(presence(agent), since)
    return peers


def echo(peers: Peers, since: float, until: float) -> None:
    """Our own heartbeats come back, every half second and at the end."""
    now = since
    while now < until:
        peers.heartbeat(heartbeat("me"), now)
        now += TIMING.heartbeat_s
    peers.heartbeat(heartbeat("me"), until)


def test_a_presence_brings_an_agent_online_and_is_news_once() -> None:
    peers = watching()
    assert peers.presence(presence("b"), 1.0) == [HealthChanged("b", Health.ONLINE)]
    assert peers.presence(presence("b"), 2.0) == []
    assert [peer.presence.agent for peer in peers.alive()] == ["b"]


def test_a_stale_incarnation_is_ignored_so_a_late_will_kills_nobody() -> None:
    peers = watching()
    peers.presence(presence("b", 5), 0.0)
    assert peers.presence(offline("b", 4), 1.0) == []
    assert peers["b"].alive
    assert peers["b"].presence.incarnation == 5
    assert peers.presence(offline("b", 5), 1.0) == [HealthChanged("b", Health.OFFLINE)]
    assert not peers["b"].alive


def test_silence_makes_suspect_and_then_dead() -> None:
    peers = watching("b")
    before = 0.0
    for now, changes in (
        (1.4, []),
        (1.5, [HealthChanged("b", Health.SUSPECT)]),
        (1.9, []),
        (2.0, [HealthChanged("b", Health.DEAD)]),
        (9.0, []),
    ):
        echo(peers, before, now)
        before = now
        assert peers.judge(now) == changes
    assert peers.alive() == ()
    assert [peer.presence.agent for peer in peers.known()] == ["b"]


def test_a_heartbeat_puts_off_every_deadline() -> None:
    peers = watching("b")
    for now in (1.4, 2.8, 4.2):
        echo(peers, now - 1.4, now)
        peers.heartbeat(heartbeat("b"), now)
        assert peers.judge(now) == []
        assert peers.next_deadline(now) == now + TIMING.suspect_after_s


def test_a_heartbeat_of_another_incarnation_or_of_a_stranger_proves_nothing() -> None:
    peers = watching("b")
    echo(peers, 0.0, 2.0)
    assert peers.heartbeat(heartbeat("b", incarnation=2), 2.0) == []
    assert peers.heartbeat(heartbeat("stranger"), 2.0) == []
    assert peers.judge(2.0) == [HealthChanged("b", Health.DEAD)]


def test_nobody_is_judged_while_our_own_echo_is_missing() -> None:
    peers = watching("b")
    assert not peers.stalled(TIMING.echo_stall_s)
    assert peers.stalled(TIMING.echo_stall_s + 0.01)
    assert peers.judge(100.0) == []
    assert peers.next_deadline(100.0) is None


def test_nobody_is_judged_before_the_first_echo_of_a_connection() -> None:
    peers = watching("b")
    peers.link_lost()
    assert peers.stalled(0.1)
    assert peers.judge(5.0) == []


def test_after_a_stall_everybody_starts_afresh() -> None:
    peers = watching("b")
    echo(peers, 10.0, 10.0)
    assert peers.judge(10.0) == []
    echo(peers, 10.5, 11.4)
    assert peers.judge(11.4) == []
    echo(peers, 11.5, 11.5)
    assert peers.judge(11.5) == [HealthChanged("b", Health.SUSPECT)]


def test_a_dead_peer_is_revived_by_its_heartbeat() -> None:
    peers = watching("b")
    echo(peers, 0.0, 2.0)
    peers.judge(2.0)
    assert peers.heartbeat(heartbeat("b"), 2.5) == [HealthChanged("b", Health.ONLINE)]
    assert peers["b"].alive


def test_an_offline_peer_comes_back_only_by_its_presence() -> None:
    peers = watching("b")
    peers.presence(offline("b"), 1.0)
    assert peers.heartbeat(heartbeat("b"), 1.1) == []
    assert not peers["b"].alive
    assert peers.presence(presence("b", 2), 1.2) == [HealthChanged("b", Health.ONLINE)]


def test_a_forgotten_peer_is_unknown() -> None:
    peers = watching("b")
    peers.forget("b")
    peers.forget("never there")
    assert peers.known() == ()


def test_judging_at_the_deadline_always_moves_it() -> None:
    # Times where a difference and a sum do not round alike would wake the agent without an end.
    for last_heard in (0.1, 0.7, 1234.567, 99999.9):
        peers = watching("b", since=last_heard)
        now = last_heard
        for expected in (Health.SUSPECT, Health.DEAD):
            deadline = peers.next_deadline(now)
            assert deadline is not None
            echo(peers, now, deadline)
            now = deadline
            assert peers.judge(now) == [HealthChanged("b", expected)]
        assert peers.next_deadline(now) is None


def test_an_absence_is_counted_from_when_it_was_seen_first() -> None:
    peers = watching("b", "c")
    peers.presence(offline("b"), 10.0)
    peers.presence(offline("b"), 50.0)  # retained, and so heard again with each connection
    assert peers.gone_for(40.0, 49.9) == ()
    assert peers.gone_for(40.0, 50.0) == ("b",)


def test_the_silent_count_as_gone_until_they_are_heard() -> None:
    peers = watching("b")
    echo(peers, 0.0, 2.0)
    peers.judge(2.0)
    assert peers.gone_for(10.0, 12.0) == ("b",)
    peers.heartbeat(heartbeat("b"), 12.0)
    assert peers.gone_for(0.0, 100.0) == ()


def test_a_return_ends_an_absence() -> None:
    peers = watching("b")
    peers.presence(offline("b"), 1.0)
    peers.presence(presence("b", 2), 2.0)
    assert peers.gone_for(0.0, 100.0) == ()


def test_as_many_as_nobody_has_are_known_and_no_more() -> None:
    peers = Peers("a", TIMING)
    peers.presence(offline("first"), 0.0)
    for index in range(1024):
        peers.presence(presence(f"p{index}"), 1.0)
    assert "first" not in peers  # gone for longest, it made way
    assert peers.presence(presence("one-more"), 2.0) == []
    assert "one-more" not in peers
    assert len(peers.known()) == 1024
