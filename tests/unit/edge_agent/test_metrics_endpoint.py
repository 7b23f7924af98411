import threading
import urllib.request

import pytest
from prometheus_client import CollectorRegistry, Counter

from edge_agent.metrics_endpoint import UNUSABLE_CODE, MetricsAddressUnusable, MetricsEndpoint


def read(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as response:
        body: bytes = response.read()
    return body.decode()


def test_it_serves_a_registry_until_it_is_closed() -> None:
    registry = CollectorRegistry()
    Counter("answers", "Answers.", registry=registry).inc(3)
    before = set(threading.enumerate())
    with MetricsEndpoint(registry, host="127.0.0.1", port=0) as endpoint:
        assert "answers_total 3.0" in read(endpoint.port)
    with pytest.raises(OSError, match="refused"):
        read(endpoint.port)
    assert set(threading.enumerate()) <= before


def test_a_port_that_is_taken_is_refused_with_what_to_do() -> None:
    registry = CollectorRegistry()
    with MetricsEndpoint(registry, host="127.0.0.1", port=0) as first:
        port = first.port
        with pytest.raises(MetricsAddressUnusable) as raised:
            MetricsEndpoint(registry, host="127.0.0.1", port=port)
    text = str(raised.value)
    assert text.startswith(f"metrics cannot be served on 127.0.0.1:{port}: Address already in use;")
    assert "--metrics-port" in text
    assert text.endswith(f"[{UNUSABLE_CODE}]")


def test_a_host_that_does_not_exist_is_refused_with_what_to_do() -> None:
    with pytest.raises(MetricsAddressUnusable, match="--metrics-host"):
        MetricsEndpoint(CollectorRegistry(), host="no-such-host.invalid", port=0)
