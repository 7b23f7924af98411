import pytest

from fluid.client.wishes import Wishes, expect_timeout


def test_whoever_wishes_for_nothing_says_nothing() -> None:
    assert Wishes().properties == ()


def test_wishes_are_written_as_the_protocol_says() -> None:
    wishes = Wishes(probabilities=True, logits=True, min_subnetwork="100", deadline_s=0.25)
    assert wishes.properties == (
        ("probabilities", "true"),
        ("logits", "true"),
        ("fluid-min-subnetwork", "100"),
        ("fluid-deadline-ms", "250"),
    )


def test_a_time_out_is_for_the_client_alone() -> None:
    assert Wishes(timeout_s=5.0).properties == ()


def test_the_shortest_deadline_is_a_millisecond() -> None:
    assert Wishes(deadline_s=1e-9).properties == (("fluid-deadline-ms", "1"),)


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 257])
def test_what_can_be_no_sub_network_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="min_subnetwork must be a sub-network's name"):
        Wishes(min_subnetwork=name)


@pytest.mark.parametrize("time_s", [0.0, -1.0, 86_401.0, float("inf"), float("nan")])
def test_times_are_above_zero_and_at_most_a_day(time_s: float) -> None:
    with pytest.raises(ValueError, match="deadline_s must be above 0 and at most 86400"):
        Wishes(deadline_s=time_s)
    with pytest.raises(ValueError, match="timeout_s must be above 0 and at most 86400"):
        Wishes(timeout_s=time_s)
    with pytest.raises(ValueError, match="timeout_s must be above 0 and at most 86400"):
        expect_timeout(time_s)


def test_a_day_is_not_too_long() -> None:
    assert Wishes(deadline_s=86_400.0, timeout_s=86_400.0).properties == (
        ("fluid-deadline-ms", "86400000"),
    )
