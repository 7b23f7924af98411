"""The HTTP endpoint that Prometheus scrapes.

Owns a port and a daemon thread. It reads a registry and knows nothing of agents.
"""

from types import TracebackType
from typing import Self

from prometheus_client import CollectorRegistry, start_http_server

from fluid.errors import FluidError

UNUSABLE_CODE = "metrics_address_unusable"


class MetricsAddressUnusable(FluidError):
    """Nothing can be served at the address that was asked for. One line, with what to do."""


class MetricsEndpoint:
    """Serves a registry from its making until `close`, or the end of a `with`.

    host: a name or address of this device. port: 0 for any that is free. Raises
    `MetricsAddressUnusable`.
    """

    def __init__(self, registry: CollectorRegistry, *, host: str, port: int) -> None:
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise MetricsAddressUnusable(
                f"metrics cannot be served on {host}:{port}: {error.strerror or error}; choose "
                f"another --metrics-port or --metrics-host [{UNUSABLE_CODE}]"
            ) from error

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def close(self) -> None:
        """Give up the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.close()
