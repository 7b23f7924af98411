"""A device hangs: its connections stay open and nothing comes from it. Then it goes on."""

import pytest

from fluid import FluidClient
from fluid.bus import Message
from fluid.errors import ErrorCode
from fluid.messages import ErrorReply, Mode, Result, decode_replies
from tests.integration.harness.cluster import (
    AGENTS,
    ALONE,
    MASTER,
    OTHER,
    WORKER,
    Cluster,
)
from tests.integration.harness.images import png
from tests.integration.harness.load import Load
from tests.integration.harness.oracle import Oracle


@pytest.mark.parametrize("victim", AGENTS)
@pytest.mark.parametrize("mode", [Mode.HA, Mode.HT])
def test_the_other_answers_for_a_silent_device_which_is_fenced_and_serves_again(
    cluster: Cluster, client: FluidClient, oracle: Oracle, mode: Mode, victim: str
) -> None:
    survivor = OTHER[victim]
    cluster.assemble(mode)
    missed = f"peer_dead agent={victim}"  # by its heartbeats; the broker is slower to find out
    adopted, fenced = f"adoption_finished agent={victim}", "link_closed link=infer"
    before = {text: cluster[survivor].log.count(text) for text in (missed, adopted)}
    fences = cluster[victim].log.count(fenced)
    with Load(client, oracle) as load:
        cluster[victim].suspend()
        for text, times in before.items():
            cluster[survivor].wait_until_it_logs(text, times=times + 1)
        cluster.wait_until_alone(survivor)
        mark = load.mark()
        load.wait_for_more(300)
        assert {(result.subnetwork, result.devices) for result in load.results_since(mark)} == {
            (ALONE[survivor], (survivor,))
        }
        cluster[victim].resume()
        cluster[victim].wait_until_it_logs(fenced, times=fences + 1)
        cluster.wait_until_formed(mode)
        load.wait_for_answer_by((MASTER, WORKER) if mode is Mode.HA else (victim,))


@pytest.mark.parametrize("victim", AGENTS)
def test_a_request_that_has_brought_down_its_devices_is_refused_and_not_passed_on(
    cluster: Cluster, oracle: Oracle, victim: str
) -> None:
    """Two devices went down over them before, as an adopter's property says: nobody runs them,
    neither the device that is there nor, for the one that goes, its adopter."""
    ids = [f"poison/{index}" for index in range(8)]
    twice_before = (("fluid-handovers", "2"),)
    cluster.assemble(Mode.HT)
    cluster[victim].suspend()  # what is sent to it now it holds, and it answers nothing
    with cluster.listening("fluid/result/poison/#") as results:
        for index, request_id in enumerate(ids):
            topic = f"fluid/infer/{request_id}"
            payload = png(oracle.image(index))
            results.publish(Message(topic, payload, qos=1, user_properties=twice_before))
        cluster[victim].kill()
        answers = [delivered.message for delivered in results.delivered(len(ids))]
    replies = [decode_replies(answer.payload) for answer in answers]
    assert all(isinstance(reply, tuple) for reply in replies)
    singles = [reply[0] for reply in replies if isinstance(reply, tuple)]
    assert sorted(reply.id for reply in singles) == ids
    refused_with = {reply.code for reply in singles if isinstance(reply, ErrorReply)}
    assert [reply for reply in singles if isinstance(reply, Result)] == []
    assert refused_with == {ErrorCode.EXECUTION_FAILED}
