"""Running the page: its socket, its threads, and their end.

Owns the port, and that everything which was started has ended when `serve` returns.
"""

import asyncio
import contextlib
import ipaddress
import socket
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import uvicorn
from starlette.applications import Starlette

from fluid.bundle import Manifest
from fluid.bus.protocol import Bus
from fluid.client import FluidClient
from fluid.dashboard.app import Parts, make_app
from fluid.dashboard.asking import Asking
from fluid.dashboard.guard import Guard
from fluid.dashboard.mode_change import change_mode
from fluid.dashboard.model_facts import ModelFacts
from fluid.dashboard.page import Page
from fluid.dashboard.watcher import Watcher
from fluid.errors import FluidError
from fluid.topics import Topics


class DashboardAddressUnusable(FluidError):
    """Nothing can be served at the address that was asked for. One line, with what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is served where. broker: how people call it. names: by which the page is known besides
    its address. announce: told the page's address once it can be opened."""

    buses: Sequence[Bus]
    topics: Topics
    client: FluidClient
    broker: str
    manifest: Manifest | None
    host: str
    port: int
    names: Sequence[str]
    announce: Callable[[str], None]
    opens_browser: bool = False


def serve(serving: Serving) -> None:
    """Serve until a signal ends it; raises `DashboardAddressUnusable`."""
    with listen(serving.host, serving.port) as listener:
        url = url_of(serving.host, listener.getsockname()[1])
        facts = ModelFacts.of(serving.manifest) if serving.manifest else None
        watcher = Watcher(serving.buses, serving.topics, _page(serving, facts))
        machine = socket.gethostname()
        server: uvicorn.Server
        parts = Parts(
            watcher=watcher,
            asking=Asking(
                serving.client,
                spec=facts.input if facts else None,
                ended=watcher.asked,
                broker_trouble=lambda: watcher.broker_trouble,
            ),
            set_mode=lambda mode: change_mode(serving.buses, serving.topics, mode),
            guard=Guard.of((machine, f"{machine}.local", serving.host, *serving.names)),
            is_leaving=lambda: server.should_exit,
            lifespan=lambda _app: _running(serving, watcher, url),
        )
        server = uvicorn.Server(_configuration(make_app(parts)))
        server.run(sockets=[listener])


def _page(serving: Serving, facts: ModelFacts | None) -> Page:
    now_s = time.monotonic()
    return Page(
        serving.topics,
        now_s,
        broker=serving.broker,
        epoch_s=time.time() - now_s,
        facts=facts,
    )


@contextlib.asynccontextmanager
async def _running(serving: Serving, watcher: Watcher, url: str) -> AsyncIterator[None]:
    """While the server runs, the cluster is watched."""
    watcher.start()
    serving.announce(url)
    if serving.opens_browser:
        await asyncio.to_thread(webbrowser.open, url)
    try:
        yield
    finally:
        await asyncio.to_thread(serving.client.close)
        await asyncio.to_thread(watcher.stop)


def _configuration(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=3,
    )


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound there; raises `DashboardAddressUnusable`."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen()  # who comes before the server does is not turned away
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:  # UnicodeError: what cannot be a host's name
        reason = getattr(error, "strerror", None) or error
        raise DashboardAddressUnusable(
            f"the page cannot be served on {host}:{port}: {reason}; choose "
            "another --port or --host [dashboard_address_unusable]"
        ) from error
    return listener


def url_of(host: str, port: int) -> str:
    """Where a browser on this machine finds it."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"http://{host}:{port}/"
    if address.is_unspecified:
        return f"http://localhost:{port}/"
    return f"http://[{host}]:{port}/" if address.version == 6 else f"http://{host}:{port}/"
