"""The routes of the page: its files, the stream of news, and the two things it can do.

A thin web shell. What is said on them is decided in `page`, `asking` and `guard`.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fluid.codec import DecodeLimits
from fluid.dashboard.asking import Outcome
from fluid.dashboard.guard import RESPONSE_HEADERS, Guard
from fluid.dashboard.page import Cursor
from fluid.messages.control import Malformed, Mode, decode_mode_request

STATIC = Path(__file__).parent / "static"
_MOST_STREAMS = 32
_MOST_MODE_BYTES = 64
_LOOK_S = 0.1
_NEWS_S = 1.0


class Watches(Protocol):
    """What the stream needs of `Watcher`."""

    @property
    def cursor(self) -> Cursor: ...

    def everything(self) -> tuple[dict[str, Any], Cursor]: ...

    def news(self, cursor: Cursor) -> tuple[dict[str, Any], Cursor]: ...


class Asks(Protocol):
    """What the drawing needs of `Asking`."""

    async def ask(self, payload: bytes, *, is_drawing: bool) -> Outcome: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What the routes lead to. set_mode: waits; returns what the cluster made of it. is_leaving:
    whether the server is about to end, so that streams must. lifespan: what runs around it all."""

    watcher: Watches
    asking: Asks
    set_mode: Callable[[Mode], Outcome]
    guard: Guard
    is_leaving: Callable[[], bool] = lambda: False
    lifespan: Callable[[Starlette], AbstractAsyncContextManager[None]] | None = None


def make_app(parts: Parts) -> Starlette:
    pages = _Routes(parts)
    return Starlette(
        routes=[
            Route("/", pages.index, methods=["GET"]),
            Route("/api/stream", pages.stream, methods=["GET"]),
            Route("/api/state", pages.state, methods=["GET"]),
            Route("/api/mode", pages.mode, methods=["POST"]),
            Route("/api/answer", pages.answer, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        middleware=[Middleware(_Guarded, guard=parts.guard)],
        lifespan=parts.lifespan,
    )


class _Json(JSONResponse):
    """In ASCII, as in the stream: JSON of others may hold half a character, which is no UTF-8."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


class _Routes:
    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._streams = 0

    async def index(self, _request: Request) -> Response:
        return FileResponse(STATIC / "index.html")

    async def state(self, _request: Request) -> Response:
        """All that the page shows, once: for programs, and to look at."""
        document, _ = self._parts.watcher.everything()
        return _Json(document, headers={"Cache-Control": "no-store"})

    async def stream(self, _request: Request) -> Response:
        if self._streams >= _MOST_STREAMS:
            message = f"{_MOST_STREAMS} pages are open already: close one"
            return _refused(503, "too_many_pages", message)
        return StreamingResponse(
            self._events(),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    async def mode(self, request: Request) -> Response:
        return await self._unless_leaving(self._mode(request))

    async def answer(self, request: Request) -> Response:
        return await self._unless_leaving(self._answer(request))

    async def _mode(self, request: Request) -> Response:
        word = await _body(request, _MOST_MODE_BYTES)
        mode = Malformed("more than a word") if word is None else decode_mode_request(word)
        if isinstance(mode, Malformed):
            return _refused(422, "bad_mode", mode.reason)
        outcome = await asyncio.to_thread(self._parts.set_mode, mode)
        return _Json(outcome.document, outcome.status)

    async def _answer(self, request: Request) -> Response:
        limit = DecodeLimits().max_bytes
        payload = await _body(request, limit)
        if payload is None:
            message = f"the file is too large: at most {limit >> 20} MiB are accepted"
            return _refused(413, "payload_too_large", message)
        if not payload:
            return _refused(422, "empty_payload", "the file is empty")
        is_drawing = request.query_params.get("kind") == "drawing"
        outcome = await self._parts.asking.ask(payload, is_drawing=is_drawing)
        return _Json(outcome.document, outcome.status)

    async def _unless_leaving(self, response: Coroutine[Any, Any, Response]) -> Response:
        """Neither an upload nor an answer is waited for once the server is about to end: it would
        cancel what is still under way, with a traceback."""
        task = asyncio.create_task(response)
        try:
            while not self._parts.is_leaving():
                await asyncio.wait({task}, timeout=_LOOK_S)
                if task.done():
                    return task.result()
        finally:
            task.cancel()
        return _refused(503, "leaving", "the page's server is about to end")

    async def _events(self) -> AsyncIterator[str]:
        """Everything, then the news of each second, and of what happened at once."""
        self._streams += 1
        try:
            document, cursor = self._parts.watcher.everything()
            yield _event("everything", document)
            looks = 0
            while not self._parts.is_leaving():
                await asyncio.sleep(_LOOK_S)
                looks += 1
                happened = self._parts.watcher.cursor.happening != cursor.happening
                if happened or looks * _LOOK_S >= _NEWS_S:
                    document, cursor = self._parts.watcher.news(cursor)
                    yield _event("news", document)
                    looks = 0
        finally:
            self._streams -= 1


class _Guarded:
    """Refuses what the guard refuses, and adds to all answers what a browser may do with them."""

    def __init__(self, app: ASGIApp, *, guard: Guard) -> None:
        self._app = app
        self._guard = guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in RESPONSE_HEADERS.items():
                    headers[name] = value
                # Else a browser may go on with the scripts of the version before.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        refusal = self._guard.refusal(scope["method"], Headers(scope=scope))
        app: Callable[[Scope, Receive, Send], Awaitable[None]] = self._app
        if refusal is not None:
            app = _refused(refusal.status, refusal.code, refusal.message)
        await app(scope, receive, send_guarded)


async def _body(request: Request, most_bytes: int) -> bytes | None:
    """The body; None if it is larger than that."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most_bytes:
                return None
            parts.append(part)
    except ClientDisconnect:
        return b""
    return b"".join(parts)


def _refused(status: int, code: str, message: str) -> Response:
    return _Json({"error": {"code": code, "message": message}}, status)


def _event(name: str, document: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(document, separators=(',', ':'))}\n\n"
