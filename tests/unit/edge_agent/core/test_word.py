import pytest

from edge_agent.core.word import OperatorsWord
from fluid.messages import ClusterState, Mode
from tests.unit.edge_agent.making import cluster_state, presence


def state(term: int, operator_mode: Mode = Mode.AUTO, *, epoch: int = 0) -> ClusterState:
    return cluster_state(term, "b", epoch=epoch, operator_mode=operator_mode)


def passed_over(mode: Mode = Mode.HT) -> OperatorsWord:
    """A word that was heard in term 1, and that the leader of term 2 knows nothing of."""
    word = OperatorsWord()
    word.follow(state(1))
    word.heard(mode)
    word.follow(state(2))
    return word


def test_where_nobody_heard_a_word_the_state_says_which_stands() -> None:
    assert OperatorsWord().standing(Mode.HT, [presence("b")]) is Mode.HT


def test_the_last_word_heard_stands_above_the_state() -> None:
    word = OperatorsWord()
    word.heard(Mode.HA)
    word.heard(Mode.HT)
    assert word.standing(Mode.AUTO, []) is Mode.HT


def test_what_only_another_heard_stands_above_the_state() -> None:
    members = [presence("b"), presence("c", unheeded=Mode.HT)]
    assert OperatorsWord().standing(Mode.AUTO, members) is Mode.HT


def test_who_heard_a_word_itself_needs_nobody_elses() -> None:
    word = OperatorsWord()
    word.heard(Mode.AUTO)
    assert word.standing(Mode.HA, [presence("b", unheeded=Mode.HT)]) is Mode.AUTO


def test_a_word_that_a_new_leader_does_not_know_is_unheeded() -> None:
    assert passed_over().unheeded is Mode.HT


def test_the_leader_that_heard_it_as_well_has_its_time() -> None:
    word = OperatorsWord()
    word.follow(state(1))
    word.heard(Mode.HT)
    word.follow(state(1, epoch=1))
    assert word.unheeded is None


def test_a_word_that_was_taken_up_before_the_lead_changed_is_unheeded_all_the_same() -> None:
    word = OperatorsWord()
    word.heard(Mode.HT)
    word.follow(state(1, Mode.HT, epoch=1))
    assert word.unheeded is None
    word.follow(state(2))  # claimed before the state with the word came round
    assert word.unheeded is Mode.HT


def test_once_it_is_taken_up_it_is_heeded() -> None:
    word = passed_over()
    word.follow(state(2, Mode.HT, epoch=1))
    assert word.unheeded is None


def test_two_that_heard_different_words_do_not_overrule_each_other_for_ever() -> None:
    words = [passed_over(Mode.HT), passed_over(Mode.HA)]
    recorded, epoch = Mode.AUTO, 0
    while any(word.unheeded for word in words):
        members = [
            presence(f"{number}", unheeded=word.unheeded) for number, word in enumerate(words)
        ]
        recorded, epoch = OperatorsWord().standing(recorded, members), epoch + 1
        for word in words:
            word.follow(state(2, recorded, epoch=epoch))
    assert epoch == 2


@pytest.mark.parametrize("term", [1, 2, 3])
def test_with_the_link_what_was_heard_is_forgotten(term: int) -> None:
    word = passed_over()
    word.link_lost()
    word.follow(state(term))
    assert word.unheeded is None
    assert word.standing(Mode.HA, []) is Mode.HA


def test_after_the_link_was_lost_words_are_heard_again() -> None:
    word = passed_over()
    word.link_lost()
    word.heard(Mode.HA)
    word.follow(state(1))
    assert word.unheeded is Mode.HA
