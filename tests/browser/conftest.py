"""One Chromium, one cluster and one page server for the tests of a module."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from broker import LocalBroker
from tests.browser.dashboard import Dashboard, serving
from tests.integration.harness.cluster import Cluster

_REQUIRED = os.environ.get("FLUID_BROWSER_REQUIRED") == "1"
BUNDLE = Path(__file__).parents[2] / "models" / "mnist"
# For a container without a screen, where everything runs as root; and nothing is asked of any
# server but ours.
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_TIMEOUT_MS = 30_000  # only to end a failing test: the machine may be busy


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        missing = "Chromium is not installed: apt-get install chromium"
        if _REQUIRED:
            pytest.fail(missing)
        pytest.skip(missing)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker, and two agents that are not started: `cluster.assemble(mode)` does."""
    with (
        LocalBroker(persistence=True) as broker,
        Cluster(broker, bundle=BUNDLE, folder=tmp_path_factory.mktemp("agents")) as cluster,
    ):
        yield cluster


@pytest.fixture(scope="module")
def url(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the page is."""
    log = tmp_path_factory.mktemp("dashboard") / "dashboard.log"
    with serving(cluster.broker.url, bundle=BUNDLE, log=log) as address:
        yield address


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(_TIMEOUT_MS)
    yield context
    context.close()


@pytest.fixture
def dashboard(context: BrowserContext, url: str) -> Iterator[Dashboard]:
    """The open page of a cluster. Whatever a test does with it, the page must not fail meanwhile,
    nor ask anybody else for anything."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((url, "data:", "blob:"))
            else complaints.append(f"asked for {request.url}")
        ),
    )
    dashboard = Dashboard(page, url)
    dashboard.open()
    yield dashboard
    assert complaints == []
