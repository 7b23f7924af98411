"""Requests that go on, over TLS, while something happens to the fleet: none may be lost.

The records are those of `tests.chaos.stream`; what is judged here is the whole of them.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fluid import FluidClient
from fluid.client import Backoff, ResendPolicy
from tests.chaos.stream import Record, Stream
from tests.fleet.fleet import REQUESTER, Fleet
from tests.fleet.reference import Reference
from tests.processes import wait_until

# What four emulated devices on two cores answer with ease.
REQUESTS_PER_S = 8.0
_TIMEOUT_S = 300.0  # only to end a test in which nothing happens any more


class Traffic:
    """The stream of one test, and how it has gone."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @property
    def records(self) -> list[Record]:
        """All that were sent, in order."""
        return self._stream.records

    def mark(self) -> int:
        """The number of the next request."""
        return self._stream.mark()

    def wait_until(self, condition: Callable[[list[Record]], bool], what: str) -> None:
        """Wait until that holds for what is sent from now on and answered. what: as yet."""
        begin = self.mark()

        def holds() -> bool:
            self._stream.mark()  # raises what has ended the stream
            return condition([each for each in self.records[begin:] if each.deliveries])

        wait_until(holds, timeout_s=_TIMEOUT_S, what=what)

    def wait_for_more(self, count: int) -> None:
        """Wait until so many more have been sent and answered."""
        self.wait_until(lambda done: len(done) >= count, f"{count} more are not answered")


@contextmanager
def traffic(
    fleet: Fleet, reference: Reference, *, requests_per_s: float = REQUESTS_PER_S
) -> Iterator[Traffic]:
    """Send until the block ends. Then fails unless each request has one answer, and a right one.

    The client never asks again for want of an answer, so what the fleet loses stays lost.
    """
    never = Backoff(first_s=3600.0, greatest_s=3600.0)
    client = FluidClient(
        fleet.url(REQUESTER), ca_file=fleet.ca_file, resend=ResendPolicy(unanswered=never)
    )
    with client, Stream(client, reference, logits=True) as stream:
        stream.set_rate(requests_per_s)
        run = Traffic(stream)
        run.wait_for_more(10)
        yield run
        stream.set_rate(None)
        end = stream.mark()
        stream.wait_until_answered(end)
        records = stream.records[:end]
    duplicates = client.statistics.duplicates
    _judge(records, duplicates)


def _judge(records: list[Record], duplicates: int) -> None:
    lost = [record for record in records if record.is_lost or not record.deliveries]
    wrong = [record for record in records if record.problem and not record.is_lost]
    twice = [record for record in records if record.deliveries > 1]
    slowest_s = max(record.latency_s for record in records)
    print(
        f"{len(records)} requests: {len(lost)} lost, {len(wrong)} wrong, {len(twice)} handed out "
        f"twice ({duplicates} second answers dropped by the client); slowest {slowest_s:.1f} s; "
        f"answered by {dict(Counter(record.subnetwork for record in records))}"
    )
    assert [record.problem for record in lost] == []
    assert [record.problem for record in wrong] == []
    assert twice == []
