"""What the page makes of answers that a real server gives seldom: the tests give them."""

import json

import pytest
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


def _say_nothing(_route: Route) -> None:
    """The request stays open."""
