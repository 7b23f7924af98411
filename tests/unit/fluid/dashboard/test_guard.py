import pytest

from fluid.dashboard.guard import RESPONSE_HEADERS, Guard

GUARD = Guard.of(["Pi-1", "fluid.example."])


def refused(method: str = "GET", **headers: str) -> int | None:
    """The status with which a request to an address of ours is refused; None if it is answered."""
    fields = {
        "host": "127.0.0.1:8080",
        **{name.replace("_", "-"): headers[name] for name in headers},
    }
    refusal = GUARD.refusal(method, fields)
    return None if refusal is None else refusal.status


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1:8080",
        "[::1]:8080",
        "192.168.1.10",
        "localhost:8080",
        "LOCALHOST",
        "localhost.:8080",
        "pi-1:8080",
        "fluid.example",
    ],
)
def test_addresses_and_our_own_names_are_hosts(host: str) -> None:
    assert refused(host=host) is None


@pytest.mark.parametrize(
    "host", ["evil.example:8080", "127.0.0.1.evil.example", "pi-1.evil.example", "", "[", ":80"]
)
def test_a_name_that_somebody_else_points_at_us_is_refused(host: str) -> None:
    assert refused(host=host) == 421


def test_a_request_without_a_host_is_refused() -> None:
    refusal = GUARD.refusal("GET", {})
    assert refusal is not None
    assert refusal.code == "unknown_host"


def test_the_page_itself_may_post() -> None:
    origin = "http://127.0.0.1:8080"
    assert refused("POST", origin=origin, sec_fetch_site="same-origin") is None
    assert refused("POST", origin=origin) is None  # a browser without Sec-Fetch-Site


def test_behind_a_proxy_the_scheme_may_be_another() -> None:
    assert refused("POST", host="fluid.example", origin="https://fluid.example") is None


def test_what_is_no_browser_may_post() -> None:
    assert refused("POST") is None


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://127.0.0.1:9090",  # another program on this machine
        "http://localhost:8080",  # the same program, but another origin
        "null",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_request_from_another_origin_is_refused(method: str, origin: str) -> None:
    assert refused(method, origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "something-new"])
def test_what_another_site_sends_is_refused(site: str) -> None:
    assert refused("POST", sec_fetch_site=site) == 403
    assert refused("POST", sec_fetch_site=site, sec_fetch_mode="navigate") == 403
    assert refused("GET", sec_fetch_site=site, sec_fetch_mode="no-cors") == 403


def test_a_link_to_the_page_may_be_followed_from_anywhere() -> None:
    assert refused("GET", sec_fetch_site="cross-site", sec_fetch_mode="navigate") is None


def test_the_page_may_load_nothing_from_elsewhere_and_run_nothing_inline() -> None:
    policy = RESPONSE_HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
