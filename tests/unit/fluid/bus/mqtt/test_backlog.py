from fluid.bus.mqtt.backlog import Backlog


def test_so_many_calls_may_wait_and_the_next_is_an_overrun() -> None:
    backlog = Backlog(1000, most_calls=3)
    assert [backlog.admit() for _ in range(3)] == [True] * 3
    assert backlog.overrun() == ""
    assert not backlog.admit()
    assert backlog.overrun() == (
        "is too slow: 3 calls with 0 bytes wait for it, and no more than 3 calls or 1000 bytes may"
    )


def test_so_many_bytes_may_wait() -> None:
    backlog = Backlog(1000)
    assert backlog.admit(999)
    assert backlog.admit(1)
    assert not backlog.admit(1)
    assert "2 calls with 1000 bytes" in backlog.overrun()


def test_what_has_left_makes_room() -> None:
    backlog = Backlog(1000, most_calls=1)
    for _ in range(5):
        assert backlog.admit(900)
        backlog.leave(900)
    assert not backlog.overrun()


def test_one_message_may_be_of_any_size() -> None:
    backlog = Backlog(10)
    assert backlog.admit(1_000_000)
    assert not backlog.admit(1)


def test_from_half_full_on_what_may_be_dropped_is_and_is_counted() -> None:
    backlog = Backlog(1000)
    assert backlog.admit(499, may_be_dropped=True)
    assert backlog.admit(1)
    assert not backlog.admit(1, may_be_dropped=True)
    assert not backlog.admit(1, may_be_dropped=True)
    assert backlog.dropped == 2
    assert not backlog.overrun()
    assert backlog.admit(1)
