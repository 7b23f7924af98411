import itertools
import json
from pathlib import Path

import pytest

from fluid import FluidClient
from fluid.bundle import load_bundle
from fluid.bus import Message
from fluid.interpreter import InterpreterPackage
from tests.chaos.pictures import load_pictures
from tests.chaos.stream import Stream
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until
from tests.unit.fluid.client.fake_bus import FakeBus, FakeLink, never_answer, result_document

MNIST = Path(__file__).parents[2] / "models" / "mnist"


@pytest.fixture(scope="module")
def oracle(package: InterpreterPackage) -> Oracle:
    bundle = load_bundle(MNIST)
    return Oracle(bundle, load_pictures(bundle.manifest)[0], package=package)


class RightFor:
    """A cluster that answers each image with what the oracle says; wrong ones by their number."""

    def __init__(self, oracle: Oracle, *, wrong: int = -1) -> None:
        self._oracle = oracle
        self._wrong = wrong
        self._answered = 0

    def __call__(self, link: FakeLink, request: Message) -> None:
        expected = self._oracle.expected("100", self._answered)
        assert request.correlation is not None
        document = result_document(request.correlation.decode(), expected.label)
        document["confidence"] = expected.probabilities[expected.label]
        if self._answered == self._wrong:
            document["confidence"] = 0.123456
        self._answered += 1
        link.answer(request, json.dumps(document).encode())


def test_requests_are_due_at_even_moments_though_nothing_is_answered(oracle: Oracle) -> None:
    with FluidClient(bus=FakeBus(never_answer)) as client, Stream(client, oracle) as stream:
        stream.set_rate(2000.0)
        wait_until(lambda: stream.mark() >= 200)
        records = stream.records[:200]
        assert not any(record.deliveries for record in records)
    gaps_s = [after.due_s - before.due_s for before, after in itertools.pairwise(records)]
    assert gaps_s == pytest.approx([1 / 2000] * 199, abs=1e-6)
    assert all(record.submitted_s >= record.due_s for record in records)


def test_each_answer_is_compared_with_what_the_bundles_files_say(oracle: Oracle) -> None:
    with (
        FluidClient(bus=FakeBus(RightFor(oracle, wrong=17))) as client,
        Stream(client, oracle) as stream,
    ):
        stream.set_rate(2000.0)
        wait_until(lambda: stream.mark() >= 300)  # more than there are pictures
        stream.wait_until_answered(300)
        records = stream.records[:300]
    assert [record.index for record in records if record.is_wrong] == [17]
    assert "image 17: 100 says" in records[17].problem
    right = [record for record in records if not record.is_wrong]
    assert {(record.problem, record.deliveries, record.attempts) for record in right} == {
        ("", 1, 1)
    }
    assert {record.devices for record in right} == {("pi-1",)}


def test_what_ends_without_an_answer_is_lost_and_says_why(oracle: Oracle) -> None:
    client = FluidClient(bus=FakeBus(never_answer))
    with Stream(client, oracle) as stream:
        stream.set_rate(2000.0)
        wait_until(lambda: stream.mark() >= 10)
        stream.set_rate(None)
        client.connect()
    client.close()
    assert all(record.is_lost for record in stream.records)
    assert {record.problem.partition(":")[0] for record in stream.records} == {"RequestError"}


def test_a_stream_that_cannot_send_says_so_instead_of_waiting(oracle: Oracle) -> None:
    client = FluidClient(bus=FakeBus())
    client.close()
    with Stream(client, oracle) as stream:
        stream.set_rate(2000.0)
        with pytest.raises(RuntimeError, match="the client is closed"):
            wait_until(lambda: stream.mark() >= 10)
