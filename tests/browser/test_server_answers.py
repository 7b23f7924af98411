"""What the page makes of answers that a real server gives seldom: the tests give them."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.browser.dashboard import SEVEN, Dashboard

pytestmark = pytest.mark.browser
expect.set_options(timeout=30_000)


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """One that has not been opened yet."""
    return context.new_page()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(page: Page, url: str) -> None:
    """Of the time that the page waits a hundredth passes, and it is longer than the server's."""
    page.add_init_script(
        """
        const timeout = AbortSignal.timeout.bind(AbortSignal);
        AbortSignal.timeout = (ms) => {
            window.waits = ms;
            return timeout(ms / 100);
        };
        """
    )
    page.route("**/api/answer?*", _say_nothing)
    page.route("**/api/mode", _say_nothing)
    dashboard = Dashboard(page, url)
    dashboard.open()
    sentence = "the page's server did not answer within 30 s; is the page open in many windows?"
    dashboard.draw(SEVEN)
    expect(dashboard.answer_text).to_have_text(f"No answer: {sentence}")
    dashboard.mode("High accuracy").click()
    expect(page.get_by_role("alert")).to_have_text(f"The mode was not set: {sentence}")
    assert page.evaluate("window.waits") > 15_000


def test_a_page_too_many_is_told_so(page: Page, url: str) -> None:
    refusal = {"code": "too_many_pages", "message": "32 pages are open already: close one"}
    body = json.dumps({"error": refusal})
    page.route("**/api/stream", lambda route: route.fulfill(status=503, body=body))
    dashboard = Dashboard(page, url)
    dashboard.open()
    expect(dashboard.link).to_have_text("32 pages are open already: close one; trying again")
    page.unroute("**/api/stream")
    expect(dashboard.link).to_contain_text("live from")


def test_a_sub_network_may_have_any_name(page: Page, url: str) -> None:
    """Such as one that each object of JavaScript has already."""
    names = ("constructor", "__proto__", "100")
    state = page.request.get(f"{url}api/state").json()
    state["cluster"]["model"] = {"name": "m", "classes": [], "accuracies": {}, "served": True}
    state["ticks"] = [_tick(state["at"] - index, name) for index, name in enumerate(names, 1)]
    events = f"event: everything\ndata: {json.dumps(state)}\n\n"
    page.route(
        "**/api/stream", lambda route: route.fulfill(content_type="text/event-stream", body=events)
    )
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    Dashboard(page, url).open()
    shares = page.locator("#chart-shares")
    for name in names:
        expect(shares).to_contain_text(re.compile(rf"{name} 33\s%(?!,)"))
    assert "NaN" not in shares.inner_html()
    assert [each for each in complaints if "NaN" in each] == []


def test_a_picture_that_was_cleared_while_it_was_read_does_not_come_back(
    page: Page, url: str, tmp_path: Path
) -> None:
    page.add_init_script(
        """
        const read = window.createImageBitmap;
        window.createImageBitmap = async (file) => {
            const picture = await read(file);
            await new Promise((resolve) => { window.goOn = resolve; });
            return picture;
        };
        """
    )
    page.route("**/api/answer?*", _say_nothing)
    Image.new("L", (28, 28), 255).save(tmp_path / "white.png")
    Dashboard(page, url).open()
    page.get_by_label("Choose an image", exact=True).set_input_files(tmp_path / "white.png")
    page.wait_for_function("() => 'goOn' in window")
    page.get_by_role("button", name="Clear").click()
    page.evaluate("goOn(); new Promise((resolve) => setTimeout(resolve))")  # until it is drawn
    middle = "document.getElementById('canvas').getContext('2d').getImageData(224, 224, 1, 1).data"
    assert page.evaluate(f"[...{middle}]") == [0, 0, 0, 255]


def _tick(at_s: float, subnetwork: str) -> dict[str, object]:
    """A second in which one sub-network answered one image."""
    return {
        "at": at_s,
        "answers": 1,
        "errors": 0,
        "p50": 1.0,
        "p99": 1.0,
        "own": None,
        "shares": {subnetwork: 1},
        "blind": False,
    }


def _say_nothing(_route: Route) -> None:
    """The request stays open."""
