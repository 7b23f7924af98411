"""The pictures of the page in the documentation, of a cluster at work."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, expect

from fluid import FluidClient
from fluid.messages import Mode
from tests.browser.dashboard import SEVEN, Dashboard
from tests.integration.harness.cluster import Cluster

pytestmark = pytest.mark.browser
expect.set_options(timeout=60_000)

_FOLDER = os.environ.get("FLUID_SCREENSHOTS")
# How long each part of the story is, in seconds of the charts: enough to be seen where it is kept.
_SECONDS = 40 if _FOLDER else 2


@pytest.fixture
def load(cluster: Cluster) -> Iterator[None]:
    """Somebody who sends images all the time, at a pace that two devices do easily."""
    enough = threading.Event()
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:15] = 255
    pauses_s = np.random.default_rng(7).exponential(0.008, size=4096)

    def images() -> Iterator[NDArray[np.uint8]]:
        for pause_s in np.tile(pauses_s, 100):
            if enough.wait(float(pause_s)):
                return
            yield image

    def send() -> None:
        with FluidClient(cluster.broker.url) as client:
            for answer in client.infer_many(images(), window=16):
                answer.result()

    thread = threading.Thread(target=send, name="load", daemon=True)
    thread.start()
    yield
    enough.set()
    thread.join()


def wait_for_seconds(dashboard: Dashboard, count: int) -> None:
    """Until the charts have so many more seconds in which something was answered."""
    dashboard.page.evaluate(
        """async (count) => {
            const since = Date.now() / 1000;
            for (;;) {
                const { ticks } = await (await fetch("/api/state")).json();
                const seen = ticks.filter((tick) => tick.at >= since && tick.answers > 0);
                if (seen.length >= count) return;
                await new Promise((resolve) => setTimeout(resolve, 500));
            }
        }""",
        count,
    )


def test_the_pictures_of_the_documentation(
    chromium: Browser,
    context: BrowserContext,
    dashboard: Dashboard,
    cluster: Cluster,
    load: None,
    tmp_path: Path,
) -> None:
    context.set_default_timeout(0)
    folder = Path(_FOLDER) if _FOLDER else tmp_path
    folder.mkdir(parents=True, exist_ok=True)
    cluster.assemble(Mode.HA)
    wait_for_seconds(dashboard, _SECONDS)
    dashboard.draw(SEVEN)
    expect(dashboard.answer).to_have_text("7")
    dashboard.mode("High throughput").click()
    expect(dashboard.headline).to_have_text("master and worker share the images")
    wait_for_seconds(dashboard, _SECONDS)
    cluster["worker"].kill()
    expect(dashboard.headline).to_have_text("master answers alone")
    wait_for_seconds(dashboard, _SECONDS // 2)
    cluster["worker"].start()
    expect(dashboard.log).to_contain_text("worker is back")
    dashboard.mode("High accuracy").click()
    expect(dashboard.headline).to_have_text("master and worker answer together")
    wait_for_seconds(dashboard, _SECONDS // 2)

    desktop = folder / "dashboard.png"
    dashboard.page.evaluate("scrollTo(0, 0)")
    dashboard.page.screenshot(path=desktop, full_page=True, animations="disabled")
    phone = folder / "dashboard-phone.png"
    _picture_of_a_phone(chromium, dashboard.url, phone)
    assert _size(desktop)[0] == 1280
    assert _size(phone) == (750, 1624)


def _picture_of_a_phone(chromium: Browser, url: str, file: Path) -> None:
    context = chromium.new_context(
        viewport={"width": 375, "height": 812}, device_scale_factor=2, color_scheme="dark"
    )
    try:
        dashboard = Dashboard(context.new_page(), url)
        dashboard.open()
        expect(dashboard.headline).to_have_text("master and worker answer together")
        dashboard.page.screenshot(path=file, animations="disabled")
    finally:
        context.close()


def _size(picture: Path) -> tuple[int, int]:
    with Image.open(picture) as image:
        return image.size
