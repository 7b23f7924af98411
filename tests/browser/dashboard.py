"""`fluid dashboard` as a process, and its page as its users find their way on it."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import Locator, Page

from fluid.processes import start_tied, stop, tail
from tests.processes import wait_until

# From the upper left to the lower right of the drawing area, as shares of its sides.
SEVEN = ((0.28, 0.25), (0.70, 0.25), (0.46, 0.80))
ONE = ((0.5, 0.2), (0.5, 0.8))


@contextlib.contextmanager
def serving(broker_url: str, *, bundle: Path, log: Path) -> Iterator[str]:
    """Yields the address of the page."""
    options = ["--broker", broker_url, "--port", "0", "--bundle", str(bundle)]
    command = [sys.executable, "-u", "-m", "fluid", "dashboard", *options]
    with log.open("wb") as output:
        process = start_tied(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield _address(process, log)
    finally:
        stop(process)


def _address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    def found() -> "re.Match[str] | None":
        assert process.poll() is None, f"the command has ended: {tail(log)}"
        return re.search(r"the page is at (\S+)", log.read_text(encoding="utf-8"))

    wait_until(lambda: found() is not None, what="the page has no address")
    match = found()
    assert match is not None
    return match[1]


class Dashboard:
    """The page, by what it says to its users."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.url = url

    def open(self) -> None:
        self.page.goto(self.url)

    def hide(self) -> None:
        """As behind another tab. (Chromium without a screen takes all its tabs for visible.)"""
        self._is("hidden")

    def show(self) -> None:
        """Come back to it."""
        self._is("visible")

    def _is(self, state: str) -> None:
        self.page.evaluate(
            """(state) => {
                const property = { value: state, configurable: true };
                Object.defineProperty(document, "visibilityState", property);
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            state,
        )

    @property
    def headline(self) -> Locator:
        return self.page.locator("#headline")

    @property
    def link(self) -> Locator:
        return self.page.locator("#link")

    @property
    def answer(self) -> Locator:
        """What the last picture shows."""
        return self.page.locator("#answer-class")

    @property
    def answer_text(self) -> Locator:
        """Who said so, and how fast."""
        return self.page.locator("#answer-text")

    @property
    def log(self) -> Locator:
        return self.page.get_by_role("log", name="What happened")

    def device(self, agent: str) -> Locator:
        rows = self.page.get_by_role("table", name="Devices").get_by_role("row")
        return rows.filter(has=self.page.get_by_role("rowheader", name=agent))

    def mode(self, name: str) -> Locator:
        return self.page.get_by_role("group", name="Mode").get_by_role("button", name=name)

    def draw(self, points: Sequence[tuple[float, float]]) -> None:
        """One stroke, with a mouse."""
        canvas = self.page.locator("#canvas")
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        assert box is not None
        corners = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
        mouse = self.page.mouse
        mouse.move(*corners[0])
        mouse.down()
        for corner in corners[1:]:
            mouse.move(*corner, steps=8)
        mouse.up()
