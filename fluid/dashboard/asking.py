"""The page's own requests: a drawing or a file becomes a request, and its answer a document.

Owns what is sent, and learning from the cluster which size its model takes where no bundle was
given. `FluidClient` moves it.
"""

import base64
import re
from asyncio import to_thread, wrap_future
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from fluid.bundle import InputSpec
from fluid.client import Answer
from fluid.codec import DecodeLimits
from fluid.dashboard.pictures import as_digit, png, read_grey
from fluid.errors import (
    BrokerError,
    ErrorCode,
    FluidError,
    RequestRefused,
    RequestTimeout,
)
from fluid.messages.replies import Result

# What most bundles of digits take, until the cluster says otherwise.
_GUESS = InputSpec((28, 28, 1))
_LIMITS = DecodeLimits()
# The end of the message of WRONG_SHAPE about a picture: width x height.
_TAKES = re.compile(r"the model takes (\d{1,4}) x (\d{1,4})\b")
_LONGEST_SIDE_PX = 1024  # no network for digits takes more
ANSWER_TIMEOUT_S = 15.0


class Submits(Protocol):
    """What is used of `FluidClient`."""

    def submit(
        self, image: bytes, *, probabilities: bool, timeout_s: float
    ) -> "Future[Answer]": ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """status: of HTTP. document: what the browser gets."""

    status: int
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Request:
    """payload: what is published. prepared: whether it is another picture than was handed in."""

    payload: bytes
    prepared: bool


class Asking:
    """Asks the cluster for one image at a time.

    spec: what the model takes, None where that is not known. ended: told of each answer.
    broker_trouble: why the broker is known to be out of reach; "" where it is not.
    """

    def __init__(
        self,
        client: Submits,
        *,
        spec: InputSpec | None,
        ended: Callable[[Answer], None],
        broker_trouble: Callable[[], str] = lambda: "",
    ) -> None:
        self._client = client
        self._spec = spec
        self._ended = ended
        self._broker_trouble = broker_trouble

    async def ask(self, payload: bytes, *, is_drawing: bool) -> Outcome:
        """is_drawing: it is a digit in the middle of nowhere; a file may be just what the model
        takes, and is only made into a digit if it is not."""
        outcome, answer = await self._ask_once(payload, is_drawing=is_drawing)
        if answer is not None and self._learns(answer):
            outcome, _ = await self._ask_once(payload, is_drawing=is_drawing)
        return outcome

    async def _ask_once(self, payload: bytes, *, is_drawing: bool) -> tuple[Outcome, Answer | None]:
        request = await to_thread(self._request, payload, is_drawing=is_drawing)
        if request is None:
            return _error(422, "nothing_drawn", "there is nothing on it: draw a digit first"), None
        # The client waits for a broker that is gone, as programs want it; nobody at a page does.
        if trouble := self._broker_trouble():
            return _error(502, "broker", trouble), None
        try:
            # Connects with the first request, and waits for that.
            future = await to_thread(
                self._client.submit,
                request.payload,
                probabilities=True,
                timeout_s=ANSWER_TIMEOUT_S,
            )
        except BrokerError as error:
            return _error(502, "broker", str(error)), None
        answer = await wrap_future(future)
        self._ended(answer)
        if isinstance(answer.error, RequestTimeout) and (trouble := self._broker_trouble()):
            return _error(502, "broker", trouble), answer
        return _outcome(answer, request), answer

    def _request(self, payload: bytes, *, is_drawing: bool) -> _Request | None:
        if not is_drawing and self._takes_files_as_they_are():
            return _Request(payload, prepared=False)
        height, width, _ = (self._spec or _GUESS).shape
        grey = read_grey(payload, _LIMITS)
        if grey is None or (not is_drawing and grey.shape == (height, width)):
            return _Request(payload, prepared=False)  # whatever it is, the cluster says so
        digit = as_digit(grey, height=height, width=width)
        return None if digit is None else _Request(png(digit), prepared=True)

    def _takes_files_as_they_are(self) -> bool:
        return self._spec is None or self._spec.resize == "bilinear"

    def _learns(self, answer: Answer) -> bool:
        """Whether the answer is that the model takes another size, which we did not know."""
        if not answer.replies:
            return False
        (reply, *_) = answer.replies
        if isinstance(reply, Result) or reply.code != ErrorCode.WRONG_SHAPE:
            return False
        found = _TAKES.search(reply.message)
        if found is None:
            return False
        width, height = int(found[1]), int(found[2])
        if not (0 < width <= _LONGEST_SIDE_PX and 0 < height <= _LONGEST_SIDE_PX):
            return False
        learnt = InputSpec((height, width, 1))
        is_news, self._spec = learnt != self._spec, learnt
        return is_news


def _outcome(answer: Answer, request: _Request) -> Outcome:
    try:
        result = answer.result()
    except RequestRefused as error:
        return _error(422, error.code, str(error).removesuffix(f" [{error.code}]"))
    except RequestTimeout as error:
        return _error(504, "timeout", f"{error}; is a device online?")
    except FluidError as error:
        return _error(502, "failed", str(error))
    except ValueError:
        message = f"that was a batch of {len(answer.replies)} images: give one at a time"
        return _error(422, "batch", message)
    sent = base64.b64encode(request.payload).decode() if request.prepared else None
    return Outcome(
        200,
        {
            **result.to_json(),
            "latency_ms": round(answer.latency_ms, 3),
            "attempts": answer.attempts,
            "sent": sent,
        },
    )


def _error(status: int, code: str, message: str) -> Outcome:
    return Outcome(status, {"error": {"code": code, "message": message}})
