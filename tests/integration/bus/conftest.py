"""Both buses behind one face, so that the same test can be asked of either."""

import secrets
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

import pytest

from broker import LocalBroker
from fluid.bus import LinkOptions
from fluid.bus.memory import MOSQUITTO_2_0_11, STANDARD, MemoryBroker, MemoryBus, Quirks
from fluid.bus.mqtt import BrokerAddress, MqttBus
from tests.integration.bus.proxy import Proxy
from tests.recorder import Recorder


class Cluster(ABC):
    """A broker to which a test opens links, and what can happen to those."""

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(4)  # tests share a broker, but no name

    def topic(self, name: str) -> str:
        """A topic, or a filter, of this test alone."""
        return f"{self._prefix}/{name}"

    def share(self, name: str) -> str:
        """A shared subscription to that filter."""
        return f"$share/group/{self.topic(name)}"

    def open(self, client_id: str, **options: Any) -> Recorder:
        """A link whose first event has not been taken yet."""
        return self._open(LinkOptions(f"{self._prefix}-{client_id}", **options))

    def opened(self, client_id: str, **options: Any) -> Recorder:
        recorder = self.open(client_id, **options)
        recorder.opened()
        return recorder

    @abstractmethod
    def _open(self, options: LinkOptions) -> Recorder: ...

    @abstractmethod
    def kill(self, recorder: Recorder) -> None: ...

    @abstractmethod
    def silence(self, recorder: Recorder) -> None: ...

    @abstractmethod
    def revive(self, recorder: Recorder) -> None: ...

    @abstractmethod
    def restart(self) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class MemoryCluster(Cluster):
    def __init__(self, quirks: Quirks) -> None:
        super().__init__()
        self._broker = MemoryBroker(quirks)

    def _open(self, options: LinkOptions) -> Recorder:
        return Recorder(MemoryBus(self._broker), options)

    def kill(self, recorder: Recorder) -> None:
        self._broker.kill(recorder.options.client_id)

    def silence(self, recorder: Recorder) -> None:
        self._broker.silence(recorder.options.client_id)

    def revive(self, recorder: Recorder) -> None:
        self._broker.revive(recorder.options.client_id)

    def restart(self) -> None:
        self._broker.restart(keep_sessions=True)

    def close(self) -> None:
        """A model leaves nothing behind."""


class MosquittoCluster(Cluster):
    def __init__(self, broker: LocalBroker) -> None:
        super().__init__()
        self._broker = broker
        self._proxies: list[Proxy] = []
        self._proxy_of: dict[Recorder, Proxy] = {}

    def _open(self, options: LinkOptions) -> Recorder:
        proxy = Proxy(self._broker.port)
        self._proxies.append(proxy)
        recorder = Recorder(MqttBus(BrokerAddress("127.0.0.1", proxy.port)), options)
        self._proxy_of[recorder] = proxy
        return recorder

    def kill(self, recorder: Recorder) -> None:
        self._proxy_of[recorder].cut()

    def silence(self, recorder: Recorder) -> None:
        self._proxy_of[recorder].hold()

    def revive(self, recorder: Recorder) -> None:
        self._proxy_of[recorder].let_go()

    def restart(self) -> None:
        self._broker.restart()

    def close(self) -> None:
        for recorder in self._proxy_of:
            recorder.link.close()
        for proxy in self._proxies:
            proxy.close()


@pytest.fixture(scope="session")
def mosquitto() -> Iterator[LocalBroker]:
    """One real broker for all tests of this folder."""
    with LocalBroker(persistence=True) as broker:
        yield broker


_MODELS = {"standard": STANDARD, "model of 2.0.11": MOSQUITTO_2_0_11}


@pytest.fixture(params=[*_MODELS, "mosquitto"])
def cluster(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """The model with and without quirks, and the real broker, one after the other."""
    if request.param in _MODELS:
        chosen: Cluster = MemoryCluster(_MODELS[request.param])
    else:
        chosen = MosquittoCluster(request.getfixturevalue("mosquitto"))
    yield chosen
    chosen.close()
