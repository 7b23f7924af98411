"""What somebody sees and does on the page, while devices come and go."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

from fluid.messages import Mode
from tests.browser.dashboard import ONE, SEVEN, Dashboard
from tests.integration.harness.cluster import Cluster
from tests.processes import wait_until

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


@pytest.fixture(autouse=True)
def _both_serve_in_ha(chromium: Browser, cluster: Cluster) -> Iterator[None]:
    """Each test begins with the same cluster, and may break it; none without a browser."""
    cluster.assemble(Mode.HA)
    yield
    cluster.check()


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """A page of another server on this machine."""
    with HTTPServer(("127.0.0.1", 0), _Elsewhere) as server:
        thread = threading.Thread(target=server.serve_forever, name="elsewhere", daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


class _Elsewhere(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title>")

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 -- its name
        """Says nothing."""


def operator_mode(cluster: Cluster) -> Mode | None:
    state = cluster.snapshot().state
    return state.operator_mode if state else None


def _happened(dashboard: Dashboard) -> list[str]:
    """What the server has told, oldest first."""
    state = dashboard.page.request.get(f"{dashboard.url}api/state").json()
    return [each["text"] for each in state["happenings"]]


def test_the_cluster_is_shown(dashboard: Dashboard) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    expect(dashboard.link).to_contain_text("live from mqtt://127.0.0.1")
    expect(dashboard.device("master")).to_contain_text("master, leads")
    expect(dashboard.device("master")).to_contain_text("lower")
    expect(dashboard.device("worker")).to_contain_text("online")
    expect(dashboard.device("worker")).to_contain_text("upper")
    expect(dashboard.log).to_contain_text("watching: ")


def test_a_drawn_digit_is_answered_by_whom_it_says(dashboard: Dashboard) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    dashboard.draw(SEVEN)
    expect(dashboard.answer).to_have_text("7")
    expect(dashboard.answer_text).to_contain_text("sure")
    expect(dashboard.answer_text).to_contain_text("master and worker together, sub-network 100")
    expect(dashboard.answer_text).to_contain_text(re.compile(r"in [\d.]+\sm?s"))
    bars = dashboard.page.get_by_role("list", name="How likely each class is")
    expect(bars.get_by_role("listitem")).to_have_count(10)
    expect(dashboard.page.locator("#seen-image")).to_be_visible()
    # The chart of who answered knows it, too, with the accuracy that the bundle says.
    expect(dashboard.page.locator("#chart-shares")).to_contain_text(
        re.compile(r"100 \d+\s%, 99\.38\s% right")
    )


def test_another_drawing_is_another_answer(dashboard: Dashboard) -> None:
    dashboard.draw(SEVEN)
    expect(dashboard.answer).to_have_text("7")
    dashboard.page.get_by_role("button", name="Clear").click()
    expect(dashboard.answer).to_have_text("?")
    dashboard.draw(ONE)
    expect(dashboard.answer).to_have_text("1")


def test_a_file_is_answered_as_a_drawing_is(dashboard: Dashboard, tmp_path: Path) -> None:
    photo = np.full((90, 120), 230, np.uint8)  # dark on light, as on paper
    photo[20:70, 55:63] = 30
    Image.fromarray(photo).save(tmp_path / "one.png")
    dashboard.page.get_by_label("Choose an image", exact=True).set_input_files(tmp_path / "one.png")
    expect(dashboard.answer).to_have_text("1")


def test_what_is_no_image_is_said_in_one_sentence(dashboard: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "letter.png").write_bytes(b"Dear Sir or Madam")
    dashboard.page.get_by_label("Choose an image", exact=True).set_input_files(
        tmp_path / "letter.png"
    )
    expect(dashboard.answer_text).to_contain_text("No answer: 17 bytes that are no image")


def test_the_page_says_that_an_agent_was_killed_and_that_it_is_back(
    dashboard: Dashboard, cluster: Cluster
) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    cluster["worker"].kill()
    expect(dashboard.headline).to_have_text("master answers alone")
    expect(dashboard.device("worker")).to_contain_text("offline")
    expect(dashboard.log).to_contain_text("worker went down without a word")
    expect(dashboard.log).to_contain_text("master took over the requests of worker")
    expect(dashboard.page.locator("#halves")).to_contain_text("nobody")

    dashboard.draw(SEVEN)
    expect(dashboard.answer).to_have_text("7")
    expect(dashboard.answer_text).to_contain_text("master, sub-network lower50")

    cluster["worker"].start()
    expect(dashboard.headline).to_have_text("master and worker answer together")
    expect(dashboard.log).to_contain_text("worker is back")


def test_the_page_says_that_an_agent_hangs(dashboard: Dashboard, cluster: Cluster) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    cluster["worker"].suspend()
    try:
        expect(dashboard.log).to_contain_text("nothing is heard of worker")
        expect(dashboard.headline).to_have_text("master answers alone")
    finally:
        cluster["worker"].resume()
    expect(dashboard.headline).to_have_text("master and worker answer together")


def test_the_mode_is_set_with_its_button(dashboard: Dashboard, cluster: Cluster) -> None:
    expect(dashboard.mode("High accuracy")).to_have_attribute("aria-pressed", "true")
    dashboard.mode("High throughput").click()
    expect(dashboard.mode("High throughput")).to_have_attribute("aria-pressed", "true")
    expect(dashboard.mode("High accuracy")).to_have_attribute("aria-pressed", "false")
    expect(dashboard.headline).to_have_text("master and worker share the images")
    expect(dashboard.log).to_contain_text("an operator asked for the mode high throughput")
    assert operator_mode(cluster) is Mode.HT


def test_a_mode_that_nobody_takes_up_is_said(dashboard: Dashboard, cluster: Cluster) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    cluster["worker"].leave()
    cluster["master"].leave()
    expect(dashboard.headline).to_have_text("No device is online")
    dashboard.mode("High throughput").click()
    expect(dashboard.page.get_by_role("alert")).to_contain_text("The mode was not set: no leader")


def test_without_the_broker_the_page_shows_the_past_and_says_so(
    dashboard: Dashboard, cluster: Cluster
) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    dashboard.draw(SEVEN)
    expect(dashboard.answer).to_have_text("7")
    cluster.broker.stop()
    expect(dashboard.headline).to_have_text("The broker is gone")
    expect(dashboard.page.locator("#notice")).to_contain_text("What is shown is how it was")
    expect(dashboard.log).to_contain_text("the broker is gone")
    dashboard.draw(SEVEN)  # is not waited for, as no answer can come
    expect(dashboard.answer_text).to_contain_text("No answer: ", timeout=10_000)
    cluster.broker.start()
    expect(dashboard.headline).to_have_text("master and worker answer together")
    expect(dashboard.log).to_contain_text("the broker is back")


def test_a_tab_that_nobody_sees_hears_nothing_and_catches_up(
    dashboard: Dashboard, cluster: Cluster
) -> None:
    expect(dashboard.headline).to_have_text("master and worker answer together")
    dashboard.hide()
    before = dashboard.log.get_by_role("listitem").all_inner_texts()
    cluster["worker"].kill()
    wait_until(lambda: "worker went down without a word" in _happened(dashboard))
    assert dashboard.log.get_by_role("listitem").all_inner_texts() == before
    expect(dashboard.headline).to_have_text("master and worker answer together")

    dashboard.show()
    expect(dashboard.headline).to_have_text("master answers alone")
    cluster["worker"].start()
    expect(dashboard.log).to_contain_text("worker is back")
    shown = dashboard.log.get_by_role("listitem").locator("span").all_inner_texts()[::-1]
    assert shown == _happened(dashboard)[: len(shown)]  # each once, in order


def test_more_tabs_than_a_browser_has_connections_all_work(
    dashboard: Dashboard, context: BrowserContext, cluster: Cluster
) -> None:
    """Six, to one server, in all its tabs together."""
    for _ in range(7):
        dashboard.hide()
        dashboard = Dashboard(context.new_page(), dashboard.url)
        dashboard.open()
        expect(dashboard.headline).to_have_text("master and worker answer together")
    dashboard.mode("High throughput").click()
    expect(dashboard.headline).to_have_text("master and worker share the images")
    assert operator_mode(cluster) is Mode.HT


def test_everything_can_be_done_with_the_keyboard(
    dashboard: Dashboard, cluster: Cluster, tmp_path: Path
) -> None:
    page = dashboard.page
    expect(dashboard.headline).to_have_text("master and worker answer together")
    reached = []
    for _ in range(8):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        reached.append(focused.evaluate("each => each.id || each.dataset.mode || each.className"))
        shown = focused.evaluate(
            "each => getComputedStyle(each.type === 'file' ? each.nextElementSibling : each)"
            ".outlineStyle"
        )
        assert shown != "none", f"the focus on {reached[-1]} cannot be seen"
    assert reached == ["skip", "auto", "ha", "ht", "send", "clear", "file", "log"]

    dashboard.mode("High throughput").focus()
    page.keyboard.press("Enter")
    expect(dashboard.mode("High throughput")).to_have_attribute("aria-pressed", "true")
    expect(dashboard.mode("High throughput")).to_be_focused()
    wait_until(lambda: operator_mode(cluster) is Mode.HT)

    Image.fromarray(np.pad(np.full((20, 3), 255, np.uint8), ((4, 4), (12, 13)))).save(
        tmp_path / "one.png"
    )
    page.locator("#file").focus()
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")
    chooser.value.set_files(tmp_path / "one.png")
    expect(dashboard.answer).to_have_text("1")


def test_a_page_of_another_origin_cannot_set_the_mode(
    dashboard: Dashboard, context: BrowserContext, cluster: Cluster, elsewhere: str
) -> None:
    other = context.new_page()
    other.goto(elsewhere)
    # The server answers, and the browser does not even let the other page know that.
    with other.expect_event("requestfailed") as request:
        other.evaluate(
            "url => fetch(url, {method: 'POST', mode: 'no-cors', body: 'ht'}).catch(() => null)",
            f"{dashboard.url}api/mode",
        )
    assert "BLOCKED_BY_RESPONSE" in (request.value.failure or "")
    assert operator_mode(cluster) is Mode.HA


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_everything_fits_and_is_still_a_table(
    chromium: Browser, url: str, scheme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": 375, "height": 812},
        color_scheme="dark" if scheme == "dark" else "light",
        has_touch=True,
    )
    try:
        dashboard = Dashboard(context.new_page(), url)
        dashboard.open()
        expect(dashboard.headline).to_have_text("master and worker answer together")
        dashboard.draw(SEVEN)
        expect(dashboard.answer).to_have_text("7")
        assert dashboard.page.evaluate("document.documentElement.scrollWidth") <= 375
        assert dashboard.page.get_by_role("columnheader").count() == 7
        expect(dashboard.device("worker").get_by_role("cell")).to_have_count(6)
        for button in dashboard.page.locator("button, .button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44  # for fingers
    finally:
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(chromium: Browser, url: str, scheme: str) -> None:
    """WCAG 2.2, 1.4.3: a contrast of 4.5 to 1, for each colour that text has here."""
    context = chromium.new_context(color_scheme="dark" if scheme == "dark" else "light")
    try:
        page = context.new_page()
        page.goto(url)
        for ground in ("--ground", "--paper"):
            for ink in ("--ink", "--soft", "--whole", "--lower", "--upper", "--other", "--bad"):
                contrast = _contrast(_colour(page, ink), _colour(page, ground))
                assert contrast >= 4.5, f"{ink} on {ground}"
    finally:
        context.close()


def _colour(page: Page, variable: str) -> tuple[float, ...]:
    value = page.evaluate(
        "name => getComputedStyle(document.documentElement).getPropertyValue(name).trim()", variable
    )
    return tuple(int(value[index : index + 2], 16) / 255 for index in (1, 3, 5))


def _contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    def luminance(colour: tuple[float, ...]) -> float:
        linear = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    darker, lighter = sorted([luminance(one), luminance(other)])
    return (lighter + 0.05) / (darker + 0.05)
