import pytest

from edge_agent.admission import MOST_ALONE_S, Admission


def test_requests_are_let_in_where_nothing_is_suspect() -> None:
    assert Admission().keeps_out_s(holds_back=False, now=10.0) == 0.0


def test_they_are_kept_out_while_a_suspect_runs_but_not_for_long() -> None:
    admission = Admission()
    admission.keeps_out_s(holds_back=False, now=10.0)
    assert admission.keeps_out_s(holds_back=True, now=10.0) == pytest.approx(MOST_ALONE_S)
    almost = 10.0 + 0.9 * MOST_ALONE_S
    assert admission.keeps_out_s(holds_back=True, now=almost) == pytest.approx(0.1 * MOST_ALONE_S)
    assert admission.keeps_out_s(holds_back=True, now=10.0 + 1.01 * MOST_ALONE_S) == 0.0


def test_after_each_look_the_suspects_have_their_time_again() -> None:
    admission = Admission()
    admission.keeps_out_s(holds_back=True, now=10.0)  # nothing was let in before
    assert admission.keeps_out_s(holds_back=True, now=10.05) == pytest.approx(MOST_ALONE_S - 0.05)
