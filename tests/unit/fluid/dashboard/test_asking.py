import asyncio
import base64
from collections.abc import Callable, Sequence
from concurrent.futures import Future

import numpy as np
import pytest

from fluid.bundle import InputSpec
from fluid.client import Answer
from fluid.codec import DecodeLimits
from fluid.dashboard.asking import Asking, Outcome
from fluid.dashboard.pictures import png, read_grey
from fluid.errors import BrokerUnreachable, RequestError, RequestTimeout
from fluid.messages.replies import Reply
from tests.unit.fluid.dashboard.clusters import error, result

MNIST = InputSpec((28, 28, 1))
PHOTOS = InputSpec((96, 96, 3), resize="bilinear")


class FakeClient:
    """Ends each request with the next of these answers, or as `answer` says."""

    def __init__(self, *replies: Sequence[Reply], failure: Exception | None = None) -> None:
        self.sent: list[bytes] = []
        self._replies = list(replies)
        self._failure = failure

    def submit(self, image: bytes, *, probabilities: bool, timeout_s: float) -> "Future[Answer]":
        assert probabilities
        assert timeout_s > 0
        if isinstance(self._failure, BrokerUnreachable):
            raise self._failure
        self.sent.append(image)
        future: Future[Answer] = Future()
        if isinstance(self._failure, RequestError):
            future.set_result(Answer("a", error=self._failure))
        else:
            future.set_result(Answer("a", tuple(self._replies.pop(0)), latency_ms=4.5, attempts=1))
        return future

    @property
    def sizes(self) -> list[tuple[int, ...] | None]:
        """The pictures that were sent, by height and width; None for what is no picture."""
        greys = (read_grey(payload, DecodeLimits()) for payload in self.sent)
        return [None if grey is None else grey.shape for grey in greys]


def drawing(size: int = 280) -> bytes:
    grey = np.zeros((size, size), np.uint8)
    grey[size // 4 : size // 2, size // 3 : size // 2] = 255
    return png(grey)


def ask(
    client: FakeClient,
    payload: bytes,
    *,
    spec: InputSpec | None = MNIST,
    is_drawing: bool = True,
    ended: Callable[[Answer], None] = lambda _answer: None,
) -> Outcome:
    asking = Asking(client, spec=spec, ended=ended)
    return asyncio.run(asking.ask(payload, is_drawing=is_drawing))


def code(outcome: Outcome) -> tuple[int, str]:
    return outcome.status, outcome.document["error"]["code"]


def test_a_drawing_is_sent_as_the_model_takes_it_and_shown_so() -> None:
    client = FakeClient([result(probabilities=(0.1, 0.9))])
    ended: list[Answer] = []
    outcome = ask(client, drawing(), ended=ended.append)
    assert client.sizes == [(28, 28)]
    assert outcome.status == 200
    assert base64.b64decode(outcome.document["sent"]) == client.sent[0]
    assert (outcome.document["class"], outcome.document["subnetwork"]) == ("7", "100")
    assert outcome.document["devices"] == ["master", "worker"]
    assert outcome.document["probabilities"] == [0.1, 0.9]
    assert (outcome.document["latency_ms"], outcome.document["attempts"]) == (4.5, 1)
    assert [answer.id for answer in ended] == ["a"]


def test_without_a_bundle_the_size_is_learnt_from_the_refusal() -> None:
    refusal = error(message="the image is 28 x 28 pixels (width x height); the model takes 8 x 10")
    client = FakeClient([refusal], [result()], [result()])
    asking = Asking(client, spec=None, ended=lambda _answer: None)
    assert asyncio.run(asking.ask(drawing(), is_drawing=True)).status == 200
    assert asyncio.run(asking.ask(drawing(), is_drawing=True)).status == 200
    assert client.sizes == [(28, 28), (10, 8), (10, 8)]


@pytest.mark.parametrize("size", ["28 x 28", "0 x 0", "9999 x 9999"])
def test_a_refusal_that_teaches_nothing_is_told(size: str) -> None:
    client = FakeClient([error(message=f"the model takes {size}")])
    assert code(ask(client, drawing())) == (422, "wrong_shape")
    assert len(client.sent) == 1


def test_a_file_that_the_model_takes_is_sent_as_it_is() -> None:
    client = FakeClient([result()])
    payload = drawing(28)
    outcome = ask(client, payload, is_drawing=False)
    assert client.sent == [payload]
    assert outcome.document["sent"] is None


def test_a_file_of_another_size_is_made_a_digit() -> None:
    client = FakeClient([result()])
    ask(client, drawing(300), is_drawing=False)
    assert client.sizes == [(28, 28)]


def test_a_file_goes_as_it_is_first_where_nothing_is_known_of_the_model() -> None:
    refusal = error(message="the image is 300 x 300 pixels; the model takes 28 x 28")
    client = FakeClient([refusal], [result()])
    assert ask(client, drawing(300), spec=None, is_drawing=False).status == 200
    assert client.sizes == [(300, 300), (28, 28)]


def test_where_the_model_scales_pictures_itself_files_are_left_alone() -> None:
    client = FakeClient([result()])
    payload = drawing(300)
    ask(client, payload, spec=PHOTOS, is_drawing=False)
    assert client.sent == [payload]


def test_what_is_no_picture_is_for_the_cluster_to_judge() -> None:
    client = FakeClient([error(code="not_an_image", message="no image")])
    outcome = ask(client, b"GIF89a", is_drawing=False)
    assert client.sent == [b"GIF89a"]
    assert code(outcome) == (422, "not_an_image")
    assert outcome.document["error"]["message"] == "no image"


def test_an_empty_drawing_is_not_sent() -> None:
    client = FakeClient()
    outcome = ask(client, png(np.zeros((280, 280), np.uint8)))
    assert code(outcome) == (422, "nothing_drawn")
    assert client.sent == []


@pytest.mark.parametrize(
    ("failure", "status", "error_code"),
    [
        (BrokerUnreachable("nothing listens there"), 502, "broker"),
        (RequestTimeout("a", "nobody answered within 15 s"), 504, "timeout"),
        (RequestError("a", "the client was closed"), 502, "failed"),
    ],
)
def test_what_goes_wrong_is_told(failure: Exception, status: int, error_code: str) -> None:
    outcome = ask(FakeClient(failure=failure), drawing())
    assert code(outcome) == (status, error_code)
    assert str(failure) in outcome.document["error"]["message"]


def test_a_broker_that_is_known_to_be_gone_is_not_waited_for() -> None:
    client = FakeClient()
    asking = Asking(
        client, spec=MNIST, ended=lambda _answer: None, broker_trouble=lambda: "it broke"
    )
    outcome = asyncio.run(asking.ask(drawing(), is_drawing=True))
    assert code(outcome) == (502, "broker")
    assert outcome.document["error"]["message"] == "it broke"
    assert client.sent == []


def test_a_broker_that_goes_while_an_answer_is_waited_for_is_why_none_came() -> None:
    client = FakeClient(failure=RequestTimeout("a", "nobody answered within 15 s"))
    asking = Asking(
        client,
        spec=MNIST,
        ended=lambda _answer: None,
        broker_trouble=lambda: "it broke" if client.sent else "",
    )
    outcome = asyncio.run(asking.ask(drawing(), is_drawing=True))
    assert code(outcome) == (502, "broker")


def test_a_batch_is_refused_as_there_is_one_answer_to_show() -> None:
    client = FakeClient([result(), result()])
    outcome = ask(client, b"\x93NUMPY", is_drawing=False)
    assert code(outcome) == (422, "batch")
    assert "2 images" in outcome.document["error"]["message"]
