"""Every error that Fluid raises, and every code that it answers with.

FluidError
├── BundleError           a bundle that must not be served; names the file at fault
├── CredentialsError      certificate or key files that cannot be used; names the file
├── InterpreterMissing    no TFLite interpreter is installed
├── ImageError            an image that cannot be turned into a request (client side)
├── BrokerError           the broker cannot be used
│   ├── BrokerNotFound        no such host name
│   ├── BrokerUnreachable     nothing answers at that host and port
│   └── BrokerRefused         credentials or policy refused the connection
└── RequestError          a request that has no result
    ├── RequestRefused        the cluster answered it with a coded error
    └── RequestTimeout        nobody answered in time

Programming mistakes raise the built-in exceptions. Bytes from a peer raise nothing: they become
a coded error reply, or a counted and logged event.
"""

from enum import StrEnum


class ErrorCode(StrEnum):
    """The `error.code` of a reply: stable names that a program may match on."""

    EMPTY_PAYLOAD = "empty_payload"
    PAYLOAD_TOO_LARGE = "payload_too_large"
    NOT_AN_IMAGE = "not_an_image"
    TRUNCATED_IMAGE = "truncated_image"
    TOO_MANY_PIXELS = "too_many_pixels"
    WRONG_SHAPE = "wrong_shape"
    RETAINED_REQUEST = "retained_request"
    BAD_RESPONSE_TOPIC = "bad_response_topic"
    EXECUTION_FAILED = "execution_failed"
    BAD_PROPERTY = "bad_property"
    UNKNOWN_SUBNETWORK = "unknown_subnetwork"
    SUBNETWORK_UNAVAILABLE = "subnetwork_unavailable"
    DEADLINE_MISSED = "deadline_missed"
    NOTHING_RUNNABLE = "nothing_runnable"


class FluidError(Exception):
    """The root of all errors that Fluid raises on purpose."""


class BundleError(FluidError):
    """A bundle that must not be served. The message is one line and names the file."""


class CredentialsError(FluidError):
    """A certificate or key file that cannot be used. One line: which, what to do, and a code."""


class InterpreterMissing(FluidError):
    """Neither `tflite-runtime` nor `ai-edge-litert` can be imported."""


class ImageError(FluidError):
    """An image that the client cannot turn into a request payload."""


class BrokerError(FluidError):
    """The broker cannot be used."""


class BrokerNotFound(BrokerError):
    """The broker's host name does not resolve."""


class BrokerUnreachable(BrokerError):
    """Nothing answers at the broker's host and port."""


class BrokerRefused(BrokerError):
    """The broker refused the connection: wrong credentials, or not authorised."""


class RequestError(FluidError):
    """A request that has no result."""

    def __init__(self, request_id: str, message: str) -> None:
        super().__init__(message)
        self.request_id = request_id


class RequestRefused(RequestError):
    """The cluster answered a request with a coded error.

    `code` is one of `ErrorCode`, or a code that a newer agent knows and this client does not.
    """

    def __init__(self, request_id: str, code: str, message: str) -> None:
        super().__init__(request_id, f"{message} [{code}]")
        self.code = code


class RequestTimeout(RequestError):
    """Nobody answered a request in time. It may be sent again under the same id."""
