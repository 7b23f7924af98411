from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.team import Team, rendezvous
from tests.unit.edge_agent.cut import DYNAMIC, STATIC, cut_team
from tests.unit.edge_agent.making import MANIFEST, team

KEYS = [bytes([index]) * 16 for index in range(200)]
PAIR = {"lower": ["a"], "upper": ["b"]}


def test_where_slots_read_each_other_all_shares_are_of_one_plan() -> None:
    pair = cut_team("a", DYNAMIC, PAIR)
    assert pair.due(("a", "b")) == ("logits.lower", "logits.upper")
    assert pair.my_share(KEYS[0], ("a", "b")) == ("logits.lower",)
    assert pair.my_stages() == ("lower50",)
    assert pair.due(("a",)) == ("lower50",)
    assert pair.due(("b",)) == ()
    assert cut_team("b", DYNAMIC, PAIR).my_stages() == ()
    assert cut_team("a", STATIC, PAIR).my_stages() == ()


def test_nobody_is_responsible_where_nobody_is() -> None:
    assert rendezvous(KEYS[0], ()) is None
    assert rendezvous(KEYS[0], ("a",)) == "a"


@given(
    st.binary(min_size=16, max_size=16),
    st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=6, unique=True),
)
def test_all_agree_on_the_responsible_whatever_order_they_know_the_members_in(
    key: bytes, names: list[str]
) -> None:
    chosen = rendezvous(key, tuple(names))
    assert chosen in names
    assert rendezvous(key, tuple(reversed(names))) == chosen
    assert rendezvous(key, tuple(sorted(names))) == chosen


def test_when_a_member_leaves_only_its_own_requests_move() -> None:
    before = {key: rendezvous(key, ("a", "b", "c")) for key in KEYS}
    after = {key: rendezvous(key, ("a", "c")) for key in KEYS}
    assert all(after[key] == before[key] for key in KEYS if before[key] != "b")


def test_requests_are_spread_over_all_members() -> None:
    shares = Counter(rendezvous(key, ("a", "b", "c", "d")) for key in KEYS)
    assert set(shares) == set("abcd")
    assert min(shares.values()) > len(KEYS) / 10


def test_members_agree_on_the_combiner_of_each_request() -> None:
    hearers = ("a", "b", "c")
    teams = [team(me, PAIR, members=["c"]) for me in hearers]
    for key in KEYS:
        assert len({each.combiner(key, hearers) for each in teams}) == 1


def test_a_newcomer_never_combines_a_request_from_before_its_time() -> None:
    grown = team("a", PAIR, members=["newcomer"])
    assert {grown.combiner(key, ("a", "b")) for key in KEYS} == {"a", "b"}


def test_where_all_who_heard_a_request_are_gone_we_combine_it_ourselves() -> None:
    assert team("a", {"lower": ["a"], "upper": []}).combiner(KEYS[0], ("gone",)) == "a"


def test_each_slot_of_a_request_is_computed_by_one_of_its_holders() -> None:
    holders = {"lower": ["a", "c"], "upper": ["b"]}
    hearers = ("a", "b", "c")
    for key in KEYS:
        shares = [team(me, holders).my_share(key, hearers) for me in hearers]
        assert sorted(stage for share in shares for stage in share) == ["lower50", "upper50"]


def test_a_device_computes_no_share_of_what_it_has_not_heard_with_the_rest() -> None:
    holders = {"lower": ["a", "newcomer"], "upper": ["b"]}
    newcomer = team("newcomer", holders)
    assert all(newcomer.my_share(key, ("a", "b")) == () for key in KEYS)
    assert all(team("a", holders).my_share(key, ("a", "b")) == ("lower50",) for key in KEYS)


def test_alone_a_device_answers_with_all_that_it_holds() -> None:
    both = team("a", {"lower": ["a"], "upper": ["a", "b"]})
    assert both.my_slots() == ("lower", "upper")
    assert both.my_stages() == ("lower50", "upper50")
    assert team("x", PAIR).my_stages() == ()


def test_due_is_what_those_who_heard_the_request_and_are_still_there_hold() -> None:
    hearers = ("a", "b")
    assert team("a", PAIR).due(hearers) == ("lower50", "upper50")
    assert team("a", {"lower": ["a"], "upper": []}).due(hearers) == ("lower50",)
    assert team("a", {"lower": ["a"], "upper": ["newcomer"]}).due(hearers) == ("lower50",)


def test_owners_are_those_who_compute_the_stages() -> None:
    assert team("a", PAIR).owners(("upper50", "lower50"), KEYS[0], ("a", "b")) == ("b", "a")
    assert team("a", PAIR).owners(("upper50",), KEYS[0], ("a",)) == ()


def test_a_slot_that_the_placement_does_not_know_is_nobodys() -> None:
    assert Team("a", MANIFEST, ("a",)).due(("a",)) == ()
    assert Team("a", MANIFEST, ("a",)).my_slots() == ()


# Capacities.

MANY_KEYS = [index.to_bytes(16, "big") for index in range(4000)]
capacities = st.floats(0.001, 1000.0)


def test_keys_are_shared_in_proportion_to_capacities() -> None:
    shares = Counter(
        rendezvous(key, ("a", "b", "c"), {"a": 1.0, "b": 2.0, "c": 5.0}) for key in MANY_KEYS
    )
    for name, expected in {"a": 500, "b": 1000, "c": 2500}.items():
        assert abs(shares[name] - expected) < 150, shares


@given(st.sampled_from(MANY_KEYS), capacities)
def test_equal_capacities_are_as_none(key: bytes, capacity: float) -> None:
    names = ("a", "b", "c", "d")
    assert rendezvous(key, names, dict.fromkeys(names, capacity)) == rendezvous(key, names)


@given(
    st.binary(min_size=16, max_size=16),
    st.dictionaries(st.text(min_size=1, max_size=8), capacities, min_size=1, max_size=6),
)
def test_with_capacities_too_all_agree(key: bytes, shares: dict[str, float]) -> None:
    names = tuple(shares)
    chosen = rendezvous(key, names, shares)
    assert chosen in names
    assert rendezvous(key, names[::-1], dict(reversed(shares.items()))) == chosen


def test_when_a_member_leaves_the_others_keep_their_keys_whatever_their_capacities() -> None:
    shares = {"a": 1.0, "b": 3.0, "c": 0.5}
    before = {key: rendezvous(key, ("a", "b", "c"), shares) for key in MANY_KEYS}
    after = {key: rendezvous(key, ("a", "c"), shares) for key in MANY_KEYS}
    assert all(after[key] == before[key] for key in MANY_KEYS if before[key] != "b")


def test_the_stronger_holder_of_a_slot_computes_more_of_its_shares() -> None:
    holders = {"lower": ("a", "c"), "upper": ("b",)}
    hearers = ("a", "b", "c")
    teams = {me: Team(me, MANIFEST, hearers, holders, capacities={"a": 3.0}) for me in hearers}
    counts = Counter(me for key in MANY_KEYS for me in "ac" if teams[me].my_share(key, hearers))
    assert sum(counts.values()) == len(MANY_KEYS)
    assert 0.7 < counts["a"] / len(MANY_KEYS) < 0.8
