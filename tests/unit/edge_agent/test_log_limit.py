from edge_agent.log_limit import LogLimit, Suppressed

KIND = ("malformed", "presence")
OTHER = ("malformed", "cluster")


def admitted(limit: LogLimit, count: int, now: float) -> int:
    return sum(limit.admits(KIND, now) for _ in range(count))


def test_the_first_few_in_a_window_are_admitted() -> None:
    limit = LogLimit(burst=5, window_s=60.0)
    assert admitted(limit, 9, now=100.0) == 5
    assert admitted(limit, 9, now=159.9) == 0
    assert admitted(limit, 9, now=160.0) == 5


def test_each_kind_has_a_window_of_its_own() -> None:
    limit = LogLimit(burst=1, window_s=60.0)
    assert limit.admits(KIND, 0.0)
    assert not limit.admits(KIND, 1.0)
    assert limit.admits(OTHER, 1.0)


def test_what_was_held_back_is_told_once_when_the_window_is_over() -> None:
    limit = LogLimit(burst=5, window_s=60.0)
    admitted(limit, 12, now=0.0)
    limit.admits(OTHER, 0.0)
    assert limit.take_suppressed(59.0) == []
    assert limit.take_suppressed(60.0) == [Suppressed(KIND, 7)]
    assert limit.take_suppressed(61.0) == []


def test_what_was_held_back_is_not_forgotten_when_the_next_window_opens() -> None:
    limit = LogLimit(burst=1, window_s=60.0)
    admitted(limit, 3, now=0.0)
    admitted(limit, 2, now=60.0)
    assert limit.take_suppressed(61.0) == [Suppressed(KIND, 2)]
    assert limit.take_suppressed(120.0) == [Suppressed(KIND, 1)]


def test_kinds_without_end_share_one_window() -> None:
    limit = LogLimit(burst=1, window_s=60.0)
    written = sum(limit.admits(("message", str(number)), 0.0) for number in range(1000))
    assert written == 257
    assert limit.take_suppressed(60.0) == [Suppressed(("other", ""), 743)]
    assert limit.admits(("message", "999"), 61.0)
