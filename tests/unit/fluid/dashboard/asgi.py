"""Calls a web application as a server does, without a socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message


@dataclass(frozen=True, slots=True)
class Reply:
    """headers: by name in small letters."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error_code(self) -> str:
        return str(self.json["error"]["code"])


def call(
    app: ASGIApp,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
    is_whole: bool = True,
) -> Reply:
    """One request and its whole answer. A body above 64 KiB comes in parts. is_whole: whether the
    last of it ever comes."""
    parts = _parts(body) if is_whole else _first_part(body)
    return asyncio.run(_call(app, method, path, parts, headers or {}))


async def _call(
    app: ASGIApp, method: str, path: str, parts: AsyncIterator[Message], headers: dict[str, str]
) -> Reply:
    sent: list[Message] = []

    async def receive() -> Message:
        return await anext(parts)

    async def send(message: Message) -> None:
        sent.append(message)

    path, _, query = path.partition("?")
    fields = {"host": "127.0.0.1:8080", **headers}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in fields.items()],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8080),
    }
    await app(scope, receive, send)
    start = sent[0]
    return Reply(
        start["status"],
        {name.decode(): value.decode() for name, value in start["headers"]},
        b"".join(message.get("body", b"") for message in sent[1:]),
    )


async def _parts(body: bytes) -> AsyncIterator[Message]:
    size = 64 * 1024
    for begin in range(0, max(1, len(body)), size):
        more = begin + size < len(body)
        yield {"type": "http.request", "body": body[begin : begin + size], "more_body": more}
    await asyncio.Event().wait()  # the client stays


async def _first_part(body: bytes) -> AsyncIterator[Message]:
    yield {"type": "http.request", "body": body, "more_body": True}
    await asyncio.Event().wait()  # the client has stalled
