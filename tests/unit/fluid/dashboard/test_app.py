import asyncio
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fluid.dashboard.app import STATIC, Parts, make_app
from fluid.dashboard.asking import Outcome
from fluid.dashboard.guard import RESPONSE_HEADERS, Guard
from fluid.dashboard.page import Cursor
from fluid.messages.control import Mode
from tests.unit.fluid.dashboard.asgi import Reply, call


class FakeWatcher:
    """Something happens between each two looks; counts what was told."""

    def __init__(self) -> None:
        self._happenings = 0

    @property
    def cursor(self) -> Cursor:
        self._happenings += 1
        return Cursor(0, self._happenings)

    def everything(self) -> tuple[dict[str, Any], Cursor]:
        return {"all": True}, Cursor(0, 0)

    def news(self, cursor: Cursor) -> tuple[dict[str, Any], Cursor]:
        return {"since": cursor.happening}, Cursor(0, self._happenings)


class FakeAsking:
    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bool]] = []
        self.class_name = "7"
        self.is_heard = True

    async def ask(self, payload: bytes, *, is_drawing: bool) -> Outcome:
        self.asked.append((payload, is_drawing))
        if not self.is_heard:
            await asyncio.Event().wait()
        return Outcome(200, {"class": self.class_name})


class Site:
    """The application with fakes behind it."""

    def __init__(self) -> None:
        self.asking = FakeAsking()
        self.modes: list[Mode] = []
        self._looks = iter(range(3))
        self._app = make_app(
            Parts(
                watcher=FakeWatcher(),
                asking=self.asking,
                set_mode=self._set_mode,
                guard=Guard.of([]),
                is_leaving=self._is_leaving,
            )
        )

    def get(self, path: str, **headers: str) -> Reply:
        return call(self._app, "GET", path, headers=headers)

    def post(self, path: str, body: bytes, **headers: str) -> Reply:
        return call(self._app, "POST", path, body=body, headers=headers)

    def post_a_part(self, path: str, body: bytes) -> Reply:
        return call(self._app, "POST", path, body=body, is_whole=False)

    def _set_mode(self, mode: Mode) -> Outcome:
        self.modes.append(mode)
        return Outcome(409, {"error": {"code": "no_leader", "message": "nobody"}})

    def _is_leaving(self) -> bool:
        return next(self._looks, None) is None


@pytest.fixture
def site() -> Site:
    return Site()


def test_the_page_and_what_it_needs_are_served(site: Site) -> None:
    page = site.get("/")
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    needed = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.body.decode())
    assert len(needed) >= 4
    assert {site.get(path).status for path in needed} == {200}


def test_scripts_are_served_as_scripts(site: Site) -> None:
    """A browser runs no module that comes as another type; older Pythons say application."""
    content_type = site.get("/static/main.js").headers["content-type"]
    assert re.match(r"(text|application)/javascript\b", content_type)


def test_modules_import_what_is_there() -> None:
    for module in STATIC.glob("*.js"):
        for name in re.findall(r'from "\./([^"]+)"', module.read_text(encoding="utf-8")):
            assert (STATIC / name).is_file(), f"{module.name} imports {name}"


def test_the_page_has_no_inline_script_style_or_handler() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert re.findall(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)", page) == []


def test_the_page_loads_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert re.findall(r"https?://", text) == [], file.name


def test_files_are_asked_for_again_so_that_an_upgrade_shows(site: Site) -> None:
    assert site.get("/").headers["cache-control"] == "no-cache"
    assert site.get("/static/main.js").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/", "/static/style.css", "/api/state", "/nowhere"])
def test_every_answer_says_what_a_browser_may_do_with_it(site: Site, path: str) -> None:
    headers = site.get(path).headers
    assert {name: headers.get(name.lower()) for name in RESPONSE_HEADERS} == RESPONSE_HEADERS


def test_what_the_guard_refuses_reaches_nothing(site: Site) -> None:
    refused = site.post("/api/mode", b"ht", origin="http://evil.example")
    assert (refused.status, refused.error_code) == (403, "foreign_origin")
    assert refused.headers["content-security-policy"]
    assert site.get("/api/state", host="evil.example").status == 421
    assert site.modes == []


def test_the_state_can_be_had_once(site: Site) -> None:
    reply = site.get("/api/state")
    assert (reply.status, reply.json) == (200, {"all": True})
    assert reply.headers["cache-control"] == "no-store"


def test_the_stream_tells_everything_and_then_the_news_until_the_server_leaves(site: Site) -> None:
    reply = site.get("/api/stream")
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert list(_events(reply.body)) == [
        ("everything", {"all": True}),
        ("news", {"since": 0}),
        ("news", {"since": 1}),
        ("news", {"since": 2}),
    ]


@pytest.mark.parametrize("word", [b"auto", b"ha", b"ht"])
def test_a_mode_is_set_and_the_outcome_told(site: Site, word: bytes) -> None:
    reply = site.post("/api/mode", word, origin="http://127.0.0.1:8080")
    assert (reply.status, reply.error_code) == (409, "no_leader")
    assert site.modes == [Mode(word.decode())]


@pytest.mark.parametrize("word", [b"", b"fast", b"ht" * 1000, b"\xff"])
def test_what_is_no_mode_is_refused(site: Site, word: bytes) -> None:
    reply = site.post("/api/mode", word)
    assert (reply.status, reply.error_code) == (422, "bad_mode")
    assert site.modes == []


def test_the_mode_is_not_set_by_a_link(site: Site) -> None:
    assert site.get("/api/mode").status == 405


@pytest.mark.parametrize(("kind", "is_drawing"), [("drawing", True), ("file", False)])
def test_a_picture_is_asked_for(site: Site, kind: str, is_drawing: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    picture = b"p" * 200_000  # comes in parts
    reply = site.post(f"/api/answer?kind={kind}", picture)
    assert (reply.status, reply.json) == (200, {"class": "7"})
    assert site.asking.asked == [(picture, is_drawing)]


def test_what_is_no_text_in_a_message_of_others_does_not_end_the_answer(site: Site) -> None:
    site.asking.class_name = "\ud83d"  # half of a character, as JSON can say it
    reply = site.post("/api/answer?kind=file", b"p")
    assert (reply.status, reply.json) == (200, {"class": "\ud83d"})


@pytest.mark.parametrize(
    ("make_body", "status", "code"),
    [
        (lambda: b"", 422, "empty_payload"),
        (lambda: bytes(8 * 1024 * 1024 + 1), 413, "payload_too_large"),
    ],
)
def test_what_cannot_be_a_picture_is_refused(
    site: Site, make_body: Callable[[], bytes], status: int, code: str
) -> None:
    reply = site.post("/api/answer?kind=file", make_body())
    assert (reply.status, reply.error_code) == (status, code)
    assert site.asking.asked == []


def test_an_answer_is_not_waited_for_once_the_server_leaves(site: Site) -> None:
    site.asking.is_heard = False
    reply = site.post("/api/answer?kind=drawing", b"p")
    assert (reply.status, reply.error_code) == (503, "leaving")
    assert len(site.asking.asked) == 1


@pytest.mark.parametrize("path", ["/api/answer?kind=file", "/api/mode"])
def test_the_rest_of_an_upload_is_not_waited_for_once_the_server_leaves(
    site: Site, path: str
) -> None:
    reply = site.post_a_part(path, b"p")
    assert (reply.status, reply.error_code) == (503, "leaving")
    assert site.asking.asked == []


def _events(body: bytes) -> Iterator[tuple[str, Any]]:
    for event in body.decode().removesuffix("\n\n").split("\n\n"):
        name, data = event.split("\n")
        yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
