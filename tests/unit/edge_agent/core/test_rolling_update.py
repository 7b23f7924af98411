"""A new bundle comes to one device after the other, while requests are under way."""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from edge_agent.core.edition import Edition
from edge_agent.core.effects import PublishPresence, RunBundle
from fluid.messages import Mode
from tests.unit.edge_agent.core.rolling import NEW, Rolling, made_of
from tests.unit.edge_agent.making import DIGEST, OTHER_DIGEST, manifest_of

MODES = pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
REQUESTS = [str(number) for number in range(24)]


def assert_answered(cluster: Rolling) -> Counter[tuple[str, int]]:
    """Each request once, by stages of the one bundle that the answer names; how many of which
    bundle, and of how many stages."""
    assert cluster.held == 0
    made = Counter[tuple[str, int]]()
    for name, results in cluster.replies.items():
        assert len(results) == 1, name
        ((digest, stages),) = made_of(results[0], name)
        assert results[0].bundle == digest[:12]
        made[digest, len(stages)] += 1
    return made


@MODES
@pytest.mark.parametrize("agents", ["ab", "abc"])
def test_every_request_is_answered_once_by_one_bundle(mode: Mode, agents: str) -> None:
    """In whatever order messages arrive, jobs are done and devices switch."""
    made = Counter[tuple[str, int]]()
    for seed in range(25):
        chance = random.Random(seed)  # noqa: S311 - the same each time
        cluster = Rolling(agents, mode)
        acts: list[Callable[[], object]] = [
            *(partial(cluster.ask, name) for name in REQUESTS),
            *(partial(cluster.switch, agent, NEW) for agent in agents),
        ]
        chance.shuffle(acts)
        while acts or cluster.choices():
            if acts and (not cluster.choices() or chance.random() < 0.15):
                acts.pop()()
            else:
                chance.choice(cluster.choices())()
        made += assert_answered(cluster)
    assert made[DIGEST, 1]
    assert made[OTHER_DIGEST, 1]
    if mode is Mode.HA:
        assert made[DIGEST, 2]
        assert made[OTHER_DIGEST, 2]


def test_a_share_of_the_bundle_that_comes_next_is_kept_until_then() -> None:
    """Else its sender would hand it over again only after seconds."""
    cluster = Rolling("ab", Mode.HA)
    for name in REQUESTS:
        cluster.ask(name)
    for agent in "ba":
        cluster.switch(agent, NEW)
        cluster.drain()
    assert sum(assert_answered(cluster).values()) == len(REQUESTS)


def test_a_device_whose_bundle_has_other_slots_answers_with_one_of_its_own() -> None:
    other_slots = Edition(manifest_of("left", "right"), OTHER_DIGEST)
    for mode in (Mode.HA, Mode.HT):
        cluster = Rolling("ab", mode)
        for name in REQUESTS:
            cluster.ask(name)
        cluster.switch("b", other_slots)
        cluster.drain()
        assert cluster.held == 0
        results = [result for (result,) in cluster.replies.values()]
        by_bundle = {each.bundle: (each.subnetwork, each.devices) for each in results}
        assert by_bundle[OTHER_DIGEST[:12]] in (("left50", ("b",)), ("right50", ("b",)))


def test_what_a_device_combines_from_is_told_to_others_before_it_hands_anything_over() -> None:
    cluster = Rolling("ab", Mode.HA)
    effects = cluster.switch("a", NEW)
    presence = next(each for each in effects if isinstance(each, PublishPresence)).presence
    assert presence.bundle == OTHER_DIGEST
    assert RunBundle(OTHER_DIGEST) == effects[0]
    assert cluster.switch("a", NEW)[:1] != effects[:1]  # the same once more is nothing
