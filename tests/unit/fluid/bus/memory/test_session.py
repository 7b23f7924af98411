from hypothesis import given, settings
from hypothesis import strategies as st

from fluid.bus import Delivered, Message
from fluid.bus.memory.session import Envelope, Session


def envelope(number: int, *, expires_at_s: float | None = None) -> Envelope:
    expiry_s = None if expires_at_s is None else 99
    return Envelope(Message("x", str(number).encode(), qos=1, expiry_s=expiry_s), expires_at_s)


def session(*numbers: int) -> Session:
    created = Session("client", expiry_s=60)
    for number in numbers:
        created.push(envelope(number))
    return created


def seen(deliveries: list[Delivered]) -> list[tuple[int, bool]]:
    return [(int(each.message.payload), each.duplicate) for each in deliveries]


def test_sends_in_order_up_to_the_window() -> None:
    client = session(0, 1, 2)
    assert seen(client.send(window=2, now_s=0)) == [(0, False), (1, False)]
    assert client.send(window=2, now_s=0) == []
    assert (client.in_flight, client.backlog) == (2, 3)


def test_copy_goes_its_own_way() -> None:
    original = session(1, 2)
    original.send(window=1, now_s=0.0)
    copy = original.copy()
    original.acknowledge(1)
    original.send(window=1, now_s=0.0)
    assert (original.backlog, original.waiting) == (1, 0)
    assert (copy.backlog, copy.waiting) == (2, 1)


def test_acknowledging_makes_room_once() -> None:
    client = session(0, 1)
    [first] = client.send(window=1, now_s=0)
    assert client.acknowledge(first.ack_id)
    assert not client.acknowledge(first.ack_id)
    assert seen(client.send(window=1, now_s=0)) == [(1, False)]


def test_rewinding_sends_again_under_the_same_id_before_the_rest() -> None:
    client = session(0, 1, 2, 3)
    sent = client.send(window=3, now_s=0)
    client.acknowledge(sent[1].ack_id)
    client.rewind()
    again = client.send(window=3, now_s=0)
    assert seen(again) == [(0, True), (2, True), (3, False)]
    assert [each.ack_id for each in again[:2]] == [sent[0].ack_id, sent[2].ack_id]


def test_expired_messages_are_dropped_and_others_say_what_is_left() -> None:
    client = session()
    client.push(envelope(0, expires_at_s=10.0))
    client.push(envelope(1, expires_at_s=20.5))
    client.push(envelope(2))
    sent = client.send(window=9, now_s=10.0)
    assert [each.message.expiry_s for each in sent] == [11, None]
    assert seen(sent) == [(1, False), (2, False)]


def test_ids_of_what_expired_unsent_or_in_flight_can_be_used_again() -> None:
    client = session()
    client.push(envelope(0, expires_at_s=5.0))
    assert len(client.send(window=1, now_s=0)) == 1
    client.rewind()
    assert client.send(window=1, now_s=6.0) == []
    for number in range(65_535):
        client.push(envelope(number))
    sent = client.send(window=65_535, now_s=6.0)
    assert len({each.ack_id for each in sent}) == 65_535


ACTIONS = st.lists(
    st.sampled_from(["push", "send", "acknowledge first", "acknowledge last", "rewind"])
)


@settings(deadline=None)
@given(actions=ACTIONS, window=st.integers(min_value=1, max_value=4))
def test_delivers_everything_in_order_until_acknowledged(actions: list[str], window: int) -> None:
    """Whatever happens between: nothing is lost, reordered, or sent after its acknowledgement."""
    client = session()
    pushed = 0
    open_numbers: dict[int, int] = {}  # ack id -> number, in the order of sending
    acknowledged: set[int] = set()
    first_sent: list[int] = []
    for action in [*actions, "rewind", *["send", "acknowledge first"] * (len(actions) + 1)]:
        if action == "push":
            client.push(envelope(pushed))
            pushed += 1
        elif action == "send":
            for delivered in client.send(window=window, now_s=0):
                number = int(delivered.message.payload)
                assert number not in acknowledged
                assert delivered.duplicate == (number in first_sent)
                if not delivered.duplicate:
                    first_sent.append(number)
                open_numbers[delivered.ack_id] = number
            assert len(open_numbers) <= window
            assert list(open_numbers.values()) == sorted(open_numbers.values())
        elif action == "rewind":
            client.rewind()
            open_numbers.clear()
        elif open_numbers:
            ack_id = list(open_numbers)[0 if action.endswith("first") else -1]
            assert client.acknowledge(ack_id)
            acknowledged.add(open_numbers.pop(ack_id))
    assert first_sent == list(range(pushed))
    assert acknowledged == set(range(pushed))
    assert client.backlog == 0
