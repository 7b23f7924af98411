"""`FluidClient`: what a program calls to have images classified.

Turns images into request messages and answers into results; `exchange.py` moves them.
"""

import itertools
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from fluid.bus.protocol import Bus, Message
from fluid.client.answer import Answer
from fluid.client.connecting import new_client_id, own_topic
from fluid.client.exchange import Exchange, ExchangeOptions
from fluid.client.window import ResendPolicy, Statistics
from fluid.client.wishes import Wishes, expect_timeout
from fluid.codec import Images, ImageSource, encode_image
from fluid.errors import ImageError
from fluid.messages.properties import UNIQUE_PROPERTY
from fluid.messages.replies import Result
from fluid.topics import Topics

DEFAULT_BROKER = "mqtt://127.0.0.1:1883"


class FluidClient:
    """A client of one cluster. Thread-safe: threads may share it and their requests overlap.

    Nothing is connected before the first request, `connect()` or `with`. After the first
    connection, a lost broker is not an error: the client connects again and sends every
    unanswered request again under its own id, until that request's time is up.

        with FluidClient("mqtt://broker.local:1883") as client:
            print(client.infer("digit.png").class_name)
    """

    def __init__(  # noqa: PLR0913 - what a user may choose, all but the broker by name
        self,
        broker: str | Sequence[str] | None = None,
        *,
        bus: Bus | Sequence[Bus] | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        cert_file: str | os.PathLike[str] | None = None,
        key_file: str | os.PathLike[str] | None = None,
        base_topic: str = "fluid",
        timeout_s: float = 30.0,
        connect_timeout_s: float = 5.0,
        resend: ResendPolicy | None = None,
    ) -> None:
        """broker: `mqtt://[user:password@]host[:port]`, or `mqtts://`; by default the broker on
        this machine. Several, in one text with commas or in a sequence, are in the order of
        preference that the agents have too: while one is down or nobody serves there, the next
        is used. bus: speak through this (or these) instead, for example a `MemoryBus`.
        ca_file: with `mqtts://`, PEM file of the authorities of the brokers' certificates; the
        system's by default. cert_file, key_file: our own certificate and its key, for brokers
        that ask for one. All brokers must know us by one name: answers come below it.
        timeout_s: how long a request is kept, unless it says otherwise: a day at most, as
        wherever a time is asked for. connect_timeout_s: how long the first connection may take,
        for each broker. Raises ValueError for another time, for a malformed address or base
        topic, for two addresses of one broker, for files without TLS, or for both a broker and
        a bus; `CredentialsError` for a file that cannot be used.
        """
        if broker is not None and bus is not None:
            raise ValueError("give a broker's address or a bus, not both")
        self._topics = Topics(base_topic)
        if bus is None:
            files = (ca_file, cert_file, key_file)
            self._buses, names = _mqtt(DEFAULT_BROKER if broker is None else broker, files)
        elif ca_file or cert_file or key_file:
            raise ValueError("certificate files are for a broker's address, not for a bus")
        else:
            self._buses = tuple(bus) if isinstance(bus, Sequence) else (bus,)
            names = ("the bus",) * len(self._buses)
        expect_timeout(timeout_s)
        self._timeout_s = timeout_s
        client_id = new_client_id()
        self._options = ExchangeOptions(
            brokers=names,
            client_id=client_id,
            reply_topic=own_topic(self._topics, self._buses[0], client_id),
            connect_timeout_s=connect_timeout_s,
            resend=resend,
        )
        self._numbers = itertools.count(1)
        self._connecting = threading.Lock()
        self._exchange: Exchange | None = None
        self._closed = False

    def __enter__(self) -> Self:
        self.connect()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def statistics(self) -> Statistics:
        """What the client has sent, got and dropped so far."""
        return Statistics() if self._exchange is None else self._exchange.statistics

    def connect(self) -> None:
        """Connect now rather than with the first request; does nothing if that was done.

        Raises `BrokerNotFound`, `BrokerRefused`, or `BrokerUnreachable` after
        `connect_timeout_s`; RuntimeError once the client is closed.
        """
        self._connected()

    def close(self) -> None:
        """Disconnect. Requests under way in other threads end with a `RequestError`."""
        with self._connecting:
            self._closed = True
            if self._exchange is not None:
                self._exchange.stop()

    def infer(
        self,
        image: ImageSource,
        *,
        probabilities: bool = False,
        logits: bool = False,
        min_subnetwork: str | None = None,
        deadline_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Result:
        """Have one image classified, and wait for it.

        image: a path, encoded bytes (PNG, JPEG, `.npy`, raw), a uint8 array (h, w[, c]) or a
        Pillow image. probabilities: also ask for every class's probability. logits: also ask for
        every class's logit, each a float32 to the last bit. min_subnetwork: the least sub-network
        of the bundle that counts as an answer, for example "100"; what is less is refused.
        deadline_s: where devices answer together, the cluster answers within this time with what
        is there, marked `degraded` if that is not all; by default it waits for each device that
        is at work. timeout_s: how long this client keeps asking.

        Raises `ImageError` for what is no image, `RequestRefused` for a coded error from the
        cluster, `RequestTimeout` if nobody answers, `BrokerError` if the first connection
        fails, and ValueError if the image was a batch, for a time beyond a day, and for what
        cannot be a sub-network's name.
        """
        wishes = Wishes(
            probabilities=probabilities,
            logits=logits,
            min_subnetwork=min_subnetwork,
            deadline_s=deadline_s,
            timeout_s=timeout_s,
        )
        return self._ask(encode_image(image), wishes).result()

    def submit(
        self,
        image: ImageSource,
        *,
        probabilities: bool = False,
        logits: bool = False,
        min_subnetwork: str | None = None,
        deadline_s: float | None = None,
        timeout_s: float | None = None,
    ) -> "Future[Answer]":
        """Send one image without waiting: for programs that pace themselves.

        Returns at once, unless 10,000 requests or 256 MiB are unanswered: then it waits until
        there is room. The first request of a client connects, and waits for that.

        The future always ends, and never with an exception: errors are values in its `Answer`,
        as in `infer_many`. A request is kept until it is answered or its time is up, whether or
        not somebody holds the future; `cancel()` lets go of it. An answer that comes afterwards
        is counted as late and dropped. A future's callbacks run in the client's own thread, or in
        the one that cancels: they hold up all answers, so keep them short, and call nothing of
        the client in them that waits.

        Raises `BrokerError` if the first connection fails, ValueError for a `timeout_s` beyond a
        day or what cannot be a sub-network's name, and RuntimeError once the client is closed.
        """
        wishes = Wishes(
            probabilities=probabilities,
            logits=logits,
            min_subnetwork=min_subnetwork,
            deadline_s=deadline_s,
            timeout_s=timeout_s,
        )
        try:
            ticket = self._submit(encode_image(image), wishes)
        except ImageError as error:
            return self._unsent(error).future

        def let_go(future: "Future[Answer]") -> None:
            if future.cancelled() and self._exchange is not None:
                self._exchange.abandon(ticket.request_id)

        ticket.future.add_done_callback(let_go)
        return ticket.future

    def infer_batch(
        self,
        images: ImageSource | list[Images] | tuple[Images, ...],
        *,
        probabilities: bool = False,
        logits: bool = False,
        min_subnetwork: str | None = None,
        deadline_s: float | None = None,
        timeout_s: float | None = None,
    ) -> list[Result]:
        """Have several images classified by one request, which one answer completes.

        images: a uint8 array (n, h, w[, c]), a sequence of equal arrays, or an `.npy` file or
        bytes of such an array. The cluster bounds n (256 unless configured). Raises as `infer`
        does; `RequestRefused` if any image of the batch was refused.
        """
        payload = encode_image(_stack(images) if isinstance(images, list | tuple) else images)
        wishes = Wishes(
            probabilities=probabilities,
            logits=logits,
            min_subnetwork=min_subnetwork,
            deadline_s=deadline_s,
            timeout_s=timeout_s,
        )
        return self._ask(payload, wishes).results()

    def infer_many(
        self,
        images: Iterable[ImageSource],
        *,
        window: int = 64,
        probabilities: bool = False,
        logits: bool = False,
        min_subnetwork: str | None = None,
        deadline_s: float | None = None,
        timeout_s: float | None = None,
    ) -> Generator[Answer, None, None]:
        """Have a stream of images classified, up to `window` at a time, in the order given.

        `images` is consumed lazily, so it may be a camera without an end: an image is taken
        when there is room for it, and an answer is given out before the next image is taken.

        Errors are values: an image that cannot be read, is refused or is not answered in time
        yields an `Answer` with that error and the stream goes on, since an iterator that has
        raised is finished. `answer.result()` raises it, as a future's does. `BrokerError` (the
        first connection) and what `images` itself raises do end the stream.

        Leaving the loop early lets go of the requests that are under way.
        """
        if window < 1:
            raise ValueError(f"window must be at least 1, not {window}")
        wishes = Wishes(
            probabilities=probabilities,
            logits=logits,
            min_subnetwork=min_subnetwork,
            deadline_s=deadline_s,
            timeout_s=timeout_s,
        )
        return self._stream(images, window, wishes)

    def _stream(
        self, images: Iterable[ImageSource], window: int, wishes: Wishes
    ) -> Generator[Answer, None, None]:
        under_way: deque[_Ticket] = deque()
        try:
            for image in images:
                try:
                    under_way.append(self._submit(encode_image(image), wishes))
                except ImageError as error:
                    under_way.append(self._unsent(error))
                while under_way and (len(under_way) >= window or under_way[0].future.done()):
                    yield under_way[0].future.result()
                    under_way.popleft()
            while under_way:
                yield under_way[0].future.result()
                under_way.popleft()
        finally:
            for ticket in under_way:
                self._abandon(ticket)

    def _connected(self) -> Exchange:
        with self._connecting:  # two threads' first requests share one connection
            if self._closed:
                raise RuntimeError("the client is closed")
            if self._exchange is None:
                exchange = Exchange(self._buses, self._options)
                exchange.start()
                self._exchange = exchange
            return self._exchange

    def _ask(self, payload: bytes, wishes: Wishes) -> Answer:
        ticket = self._submit(payload, wishes)
        try:
            return ticket.future.result()
        finally:
            self._abandon(ticket)  # where the wait was interrupted; else it has ended

    def _submit(self, payload: bytes, wishes: Wishes) -> "_Ticket":
        exchange = self._connected()
        request_id = self._new_id()
        message = Message(
            topic=self._topics.infer,
            payload=payload,
            qos=1,
            response_topic=self._options.reply_topic,
            correlation=request_id.encode("ascii"),
            user_properties=(UNIQUE_PROPERTY, *wishes.properties),
        )
        timeout_s = self._timeout_s if wishes.timeout_s is None else wishes.timeout_s
        return _Ticket(request_id, exchange.submit(request_id, message, timeout_s=timeout_s))

    def _unsent(self, error: ImageError) -> "_Ticket":
        ticket = _Ticket(self._new_id(), Future())
        ticket.future.set_result(Answer(ticket.request_id, error=error))
        return ticket

    def _abandon(self, ticket: "_Ticket") -> None:
        if self._exchange is not None and not ticket.future.done():
            self._exchange.abandon(ticket.request_id)

    def _new_id(self) -> str:
        return f"{self._options.client_id}-{next(self._numbers)}"


@dataclass(frozen=True, slots=True)
class _Ticket:
    request_id: str
    future: "Future[Answer]"


def _mqtt(
    urls: str | Sequence[str], files: tuple[str | os.PathLike[str] | None, ...]
) -> tuple[tuple[Bus, ...], tuple[str, ...]]:
    # A client on another bus needs no paho.
    from fluid.bus.mqtt import (  # noqa: PLC0415 -- for the reason above
        MqttBus,
        credentials,
        parse_addresses,
    )

    addresses, known = parse_addresses(urls), credentials(*files)
    return tuple(MqttBus(each, known) for each in addresses), tuple(map(str, addresses))


def _stack(images: Sequence[Images]) -> Images:
    try:
        return np.stack(images)
    except ValueError as error:
        raise ImageError(f"the images of a batch must be arrays of one shape ({error})") from error
