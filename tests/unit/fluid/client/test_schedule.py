import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.client.schedule import Schedule


class Moments:
    """Requests and their moments, and a schedule of them."""

    def __init__(self) -> None:
        self.now: dict[str, float] = {}
        self.orders: dict[str, int] = {}
        self.schedule = Schedule(self.now.get)

    def set(self, request_id: str, moment_s: float) -> None:
        self.now[request_id] = moment_s
        order = self.orders.setdefault(request_id, len(self.orders))
        self.schedule.set(moment_s, order, request_id)

    def entries(self) -> list[tuple[float, int, str]]:
        return [(at, self.orders[name], name) for name, at in self.now.items()]


@pytest.fixture
def moments() -> Moments:
    return Moments()


def test_what_is_due_comes_in_the_order_of_submission(moments: Moments) -> None:
    moments.set("first", 2.0)
    moments.set("second", 1.0)
    moments.set("third", 3.0)
    assert moments.schedule.soonest() == 1.0
    assert moments.schedule.take_due(2.0) == ["first", "second"]
    assert moments.schedule.soonest() == 3.0


def test_only_the_last_moment_of_a_request_stands(moments: Moments) -> None:
    moments.set("a", 1.0)
    moments.set("a", 5.0)
    assert moments.schedule.soonest() == 5.0
    assert moments.schedule.take_due(4.0) == []
    moments.set("a", 5.0)
    assert moments.schedule.take_due(5.0) == ["a"]


def test_what_has_ended_is_not_due(moments: Moments) -> None:
    moments.set("a", 1.0)
    del moments.now["a"]
    assert moments.schedule.take_due(2.0) == []
    assert moments.schedule.soonest() is None


def test_a_schedule_that_is_mostly_void_is_made_anew(moments: Moments) -> None:
    for number in range(5000):
        moments.set("a", float(number))
    asked = []

    def entries() -> list[tuple[float, int, str]]:
        asked.append(True)
        return moments.entries()

    moments.schedule.tidy(1, entries)
    moments.schedule.tidy(1, entries)
    assert asked == [True]
    assert moments.schedule.soonest() == 4999.0


@given(
    steps=st.lists(st.tuples(st.sampled_from("abcde"), st.floats(0.0, 9.0))),
    now=st.floats(0.0, 9.0),
)
def test_it_agrees_with_looking_at_all(steps: list[tuple[str, float]], now: float) -> None:
    moments = Moments()
    for request_id, moment_s in steps:
        moments.set(request_id, moment_s)
    due = [name for name, at in moments.now.items() if at <= now]
    assert moments.schedule.soonest() == min(moments.now.values(), default=None)
    assert moments.schedule.take_due(now) == sorted(due, key=moments.orders.__getitem__)
