"""The thread that turns requests into answers: the thin shell around `RequestWindow`.

Owns the queue of events and the clock. One thread does everything, in the order in which things
reach its queue; other threads only put commands there. It decides nothing about when to send, as
`window.py` does, nor where to, as `line.py` does.
"""

import logging
import math
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace

from fluid.bus.protocol import (
    REASON_NO_MATCHING_SUBSCRIBERS,
    REASON_PACKET_TOO_LARGE,
    Bus,
    Closed,
    CloseReason,
    Confirmed,
    Delivered,
    LinkOptions,
    Message,
    Opened,
    Subscription,
)
from fluid.bus.rota import Pace
from fluid.client.answer import Answer
from fluid.client.connecting import broker_error
from fluid.client.line import FromLink, Line
from fluid.client.window import (
    RequestWindow,
    ResendPolicy,
    Send,
    Settled,
    Statistics,
    TimedOut,
    WhyUnanswered,
)
from fluid.errors import RequestError, RequestRefused, RequestTimeout
from fluid.messages.control import Malformed
from fluid.messages.replies import decode_replies

_LOG = logging.getLogger(__name__)

_GOODBYE_S = 2.0  # how long `stop` waits for the broker to hear of it
# What may be unanswered at a time. Whoever asks for more waits: each request ends, as it has a
# time-out. A request alone may be of any size.
MOST_UNANSWERED = 10_000
MOST_UNANSWERED_BYTES = 256 * 1024 * 1024
_SUBSCRIBED = 0  # the token of the subscription; publishes count up from 1


@dataclass(frozen=True, slots=True)
class ExchangeOptions:
    """brokers: their names for people, in the order of preference. client_id also names the
    reply topic's last part. connect_timeout_s: for each broker. pace: of going from one to
    another."""

    brokers: tuple[str, ...]
    client_id: str
    reply_topic: str
    connect_timeout_s: float = 5.0
    resend: ResendPolicy | None = None
    pace: Pace | None = None

    @property
    def broker(self) -> str:
        """All of them, for people."""
        return " or ".join(dict.fromkeys(self.brokers))


@dataclass(frozen=True, slots=True)
class _Submit:
    request_id: str
    message: Message
    timeout_s: float
    submitted_s: float
    future: "Future[Answer]"


@dataclass(frozen=True, slots=True)
class _Abandon:
    request_id: str


@dataclass(frozen=True, slots=True)
class _Stop:
    pass


class Exchange:
    """One client's conversation with the cluster. Every method may be called from any thread."""

    def __init__(self, buses: Sequence[Bus], options: ExchangeOptions) -> None:
        """buses: to the brokers of `options`, in the same order."""
        self._options = options
        self._queue: queue.SimpleQueue[FromLink | _Submit | _Abandon | _Stop] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=options.client_id, daemon=True)
        self._ready: Future[None] = Future()
        # Guards the end: a request is either refused by `submit` or ended by the thread. And what
        # is unanswered: a request is submitted once there is room for it.
        self._gate = threading.Condition()
        self._ended = False
        self._unanswered = 0
        self._unanswered_bytes = 0
        # The thread's own.
        self._window = RequestWindow(options.resend)
        self._requests: dict[str, _Submit] = {}
        self._line = Line(
            buses,
            options.brokers,
            # All of it may have to be sent at once, and some again before it is confirmed.
            options=LinkOptions(options.client_id, backlog_bytes=4 * MOST_UNANSWERED_BYTES),
            connect_timeout_s=options.connect_timeout_s,
            post=self._queue.put,
            pace=options.pace,
        )
        self._stopping = False
        self._connect_deadline_s = math.inf
        self._request_of_token: dict[int, str] = {}
        self._last_token = _SUBSCRIBED

    @property
    def statistics(self) -> Statistics:
        return self._window.statistics

    def start(self) -> None:
        """Connect; returns once replies can be heard. Raises `BrokerError`."""
        self._thread.start()
        try:
            self._ready.result()
        except BaseException:  # an interrupted wait too must leave no thread behind
            self.stop()
            raise

    def submit(self, request_id: str, message: Message, *, timeout_s: float) -> "Future[Answer]":
        """Send a request until it is answered; the future always ends, and never with an error.

        Who cancels the future calls `abandon` as well. `message` lacks only its expiry.
        Waits while too much is unanswered. Raises RuntimeError once the exchange has stopped.
        """
        future: Future[Answer] = Future()
        with self._gate:
            self._gate.wait_for(lambda: self._ended or self._has_room(len(message.payload)))
            if self._ended:
                raise RuntimeError("the client is closed")
            self._unanswered += 1
            self._unanswered_bytes += len(message.payload)
            self._queue.put(_Submit(request_id, message, timeout_s, time.monotonic(), future))
        return future

    def abandon(self, request_id: str) -> None:
        """Let go of a request whose answer nobody wants any more."""
        self._queue.put(_Abandon(request_id))

    def stop(self) -> None:
        """Disconnect; what is still unanswered ends with a `RequestError`."""
        self._queue.put(_Stop())
        self._thread.join()

    # --- the thread -------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            now = time.monotonic()
            span_s = self._options.connect_timeout_s * len(self._options.brokers)
            self._connect_deadline_s = now + span_s
            self._line.open(now)
            while not self._stopping:
                self._step()
            self._say_goodbye()
        finally:
            self._end_everything()

    def _step(self) -> None:
        """Wait for the next event or deadline; handle all events before any deadline, so that
        an answer that has arrived is never counted as missing."""
        self._handle_next(self._next_deadline())
        for _ in range(self._queue.qsize()):
            self._handle_next(0.0)
        now = time.monotonic()
        if now >= self._connect_deadline_s:
            self._fail_to_start()
        if not self._window:
            self._line.idle()
        if self._line.tick(now):
            self._let_go_of_link()
        due = self._window.due(now)
        for timed_out in due.timed_out:
            self._time_out(timed_out)
        for send in due.sends:
            self._send(send)

    def _next_deadline(self) -> float | None:
        window_s = self._window.next_deadline()
        soonest_s = min(
            self._line.next_deadline(),
            self._connect_deadline_s,
            math.inf if window_s is None else window_s,
        )
        return None if soonest_s == math.inf else soonest_s

    def _handle_next(self, deadline_s: float | None) -> None:
        wait_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        try:
            item = self._queue.get(timeout=wait_s)
        except queue.Empty:
            return
        match item:
            case FromLink():
                self._take_link_event(item)
            case _Submit():
                self._requests[item.request_id] = item
                self._window.submit(item.request_id, item.submitted_s, timeout_s=item.timeout_s)
            case _Abandon(request_id):
                if self._window.abandon(request_id):
                    request = self._requests.pop(request_id)
                    self._make_room(request)
                    # Whoever waits for a cancelled future waits until it says so.
                    _still_wanted(request.future)
            case _Stop():
                self._stopping = True

    # --- the link ---------------------------------------------------------------------------

    def _take_link_event(self, item: FromLink) -> None:
        match self._line.take(item):
            case Delivered(message):
                self._take_reply(message)
            case Confirmed() as confirmed:
                self._take_confirmation(confirmed)
            case Opened():
                self._subscribe()
            case Closed() as closed:
                self._take_closed(closed)

    def _subscribe(self) -> None:
        if self._line.link is not None:
            reply = Subscription(self._options.reply_topic, qos=1, send_retained=False)
            self._line.link.subscribe([reply], token=_SUBSCRIBED)

    def _take_confirmation(self, confirmed: Confirmed) -> None:
        if confirmed.token != _SUBSCRIBED:
            self._take_publish_confirmation(confirmed)
        elif confirmed.accepted:
            now = time.monotonic()
            self._connect_deadline_s = math.inf
            self._line.opened(now)
            self._window.link_opened(now)
            if not self._ready.done():
                self._ready.set_result(None)
        else:
            detail = f"{self._line.name} refuses to deliver {self._options.reply_topic}"
            self._line.refused(Closed(CloseReason.REFUSED, detail))
            if self._line.is_hopeless:
                self._fail_to_start()
            if self._line.link is not None:
                self._line.link.close()  # and try again, as permissions may be on their way

    def _take_closed(self, closed: Closed) -> None:
        self._let_go_of_link()
        self._line.closed(closed, time.monotonic())
        if not self._stopping and self._line.is_hopeless:
            self._fail_to_start()

    def _let_go_of_link(self) -> None:
        """What was under way on it is sent again on the next."""
        self._request_of_token.clear()
        self._window.link_lost()

    def _fail_to_start(self) -> None:
        """The first connection has failed for good: `start` raises. Later ones are retried."""
        if not self._ready.done():
            error = broker_error(self._line.failure, broker=self._options.broker)
            self._ready.set_exception(error)
            self._stopping = True

    def _say_goodbye(self) -> None:
        deadline_s = time.monotonic() + _GOODBYE_S
        self._line.close()
        while self._line.link is not None and time.monotonic() < deadline_s:
            self._handle_next(deadline_s)

    def _end_everything(self) -> None:
        with self._gate:
            self._ended = True
            self._gate.notify_all()
        while not self._queue.empty():
            item = self._queue.get()
            if isinstance(item, _Submit):
                self._requests[item.request_id] = item
        for request in tuple(self._requests.values()):
            error = RequestError(request.request_id, "the client was closed before an answer came")
            self._finish(Answer(request.request_id, error=error))
        if not self._ready.done():
            self._ready.set_exception(RuntimeError("the client was closed while it connected"))

    # --- requests ---------------------------------------------------------------------------

    def _send(self, send: Send) -> None:
        if self._line.link is None:
            return  # lost a moment ago: it is due again as soon as there is another
        self._last_token += 1
        self._request_of_token[self._last_token] = send.request_id
        message = self._requests[send.request_id].message
        expiry_s = max(1, math.ceil(send.expiry_s))
        self._line.link.publish(replace(message, expiry_s=expiry_s), token=self._last_token)

    def _take_publish_confirmation(self, confirmed: Confirmed) -> None:
        request_id = self._request_of_token.pop(confirmed.token, None)
        if request_id is None:
            return
        now = time.monotonic()
        if confirmed.reason == REASON_NO_MATCHING_SUBSCRIBERS:
            self._line.unserved(now)
        elif confirmed.accepted:
            self._line.served()
        settled = self._window.confirmed(request_id, now, reason=confirmed.reason)
        if settled is not None:
            request = self._requests[request_id].message
            message = f"{self._line.name} does not let this client publish to {request.topic}"
            if confirmed.reason == REASON_PACKET_TOO_LARGE:
                size_bytes = len(request.payload)
                message = f"{self._line.name} takes no message of {size_bytes} bytes"
            code = f"mqtt_reason_{confirmed.reason:#04x}"
            self._settle(
                settled, Answer(request_id, error=RequestRefused(request_id, code, message))
            )

    def _take_reply(self, message: Message) -> None:
        replies = decode_replies(message.payload)
        if isinstance(replies, Malformed) or not replies or message.correlation is None:
            _LOG.warning("an unreadable reply on %s is dropped", message.topic)
            self._window.unreadable()
            return
        request_id = message.correlation.decode("ascii", errors="replace")
        settled = self._window.answered(request_id, time.monotonic())
        if settled is not None:
            self._settle(settled, Answer(request_id, replies))

    def _settle(self, settled: Settled, answer: Answer) -> None:
        self._finish(replace(answer, latency_ms=settled.latency_ms, attempts=settled.attempts))

    def _time_out(self, timed_out: TimedOut) -> None:
        seconds = f"{timed_out.waited_s:.1f} s"
        reasons = {
            WhyUnanswered.NO_ANSWER: f"no answer from {self._options.broker} within {seconds}",
            WhyUnanswered.NO_AGENT: (
                f"no agent is serving at {self._options.broker} (asked for {seconds})"
            ),
            WhyUnanswered.NO_LINK: (
                f"no connection to {self._options.broker} for the last part of {seconds}: "
                f"{self._line.failure.detail}"
            ),
        }
        error = RequestTimeout(timed_out.request_id, reasons[timed_out.why])
        latency_ms = 1000 * timed_out.waited_s
        self._finish(Answer(timed_out.request_id, (), error, latency_ms, timed_out.attempts))

    def _finish(self, answer: Answer) -> None:
        request = self._requests.pop(answer.id)
        self._make_room(request)
        if _still_wanted(request.future):
            request.future.set_result(answer)

    def _has_room(self, size_bytes: int) -> bool:
        """Whether one more may be unanswered; with the gate held."""
        return self._unanswered == 0 or (
            self._unanswered < MOST_UNANSWERED
            and self._unanswered_bytes + size_bytes <= MOST_UNANSWERED_BYTES
        )

    def _make_room(self, request: _Submit) -> None:
        with self._gate:
            self._unanswered -= 1
            self._unanswered_bytes -= len(request.message.payload)
            self._gate.notify_all()


def _still_wanted(future: "Future[Answer]") -> bool:
    """Whether nobody cancelled it; from now on nobody can. To be asked once of each future."""
    return future.set_running_or_notify_cancel()
