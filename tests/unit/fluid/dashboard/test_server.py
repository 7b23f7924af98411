import socket

import pytest

from fluid.dashboard.server import DashboardAddressUnusable, is_local, listen, url_of


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080/"),
        ("::1", "http://[::1]:8080/"),
        ("0.0.0.0", "http://localhost:8080/"),
        ("::", "http://localhost:8080/"),
        ("pi-1", "http://pi-1:8080/"),
    ],
)
def test_the_address_is_what_a_browser_here_opens(host: str, url: str) -> None:
    assert url_of(host, 8080) == url


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("pi-1", False)],
)
def test_only_loopback_is_local(host: str, expected: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    assert is_local(host) is expected


def test_a_port_of_zero_is_any_that_is_free() -> None:
    with listen("127.0.0.1", 0) as listener:
        assert listener.getsockname()[1] > 0


def test_a_port_that_is_taken_is_one_sentence_with_what_to_do() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            DashboardAddressUnusable, match=f"{port}: Address already in use; choose"
        ):
            listen("127.0.0.1", port)


@pytest.mark.parametrize(
    "host",
    [
        "192.0.2.1",  # of no machine: RFC 5737
        "a..b",
        "a" * 64,
    ],
)
def test_a_host_that_is_not_ours_is_one_sentence_too(host: str) -> None:
    with pytest.raises(DashboardAddressUnusable, match="dashboard_address_unusable"):
        listen(host, 0)
