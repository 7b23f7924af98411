"""What a client's user gets for one request."""

from dataclasses import dataclass

from fluid.errors import FluidError, RequestRefused
from fluid.messages.replies import ErrorReply, Reply, Result


@dataclass(frozen=True, slots=True)
class Answer:
    """The end of one request, good or bad, as a value.

    id: the request's. replies: one for an image, n for a batch; empty where `error` says why
    none came: `RequestTimeout`, `ImageError` (never sent), `RequestRefused` (by the broker) or
    another `RequestError`. latency_ms: from handing over to the first answer or the end.
    attempts: how often it was published.
    """

    id: str
    replies: tuple[Reply, ...] = ()
    error: FluidError | None = None
    latency_ms: float = 0.0
    attempts: int = 0

    def result(self) -> Result:
        """The result of one image.

        Raises `error`, or `RequestRefused` for a coded error reply; ValueError if the request
        was a batch of several images (see `results`).
        """
        results = self.results()
        if len(results) != 1:
            raise ValueError(f"request {self.id} was a batch of {len(results)}: use results()")
        return results[0]

    def results(self) -> list[Result]:
        """The results of a batch, in its order; raises as `result` does, at the first error."""
        if self.error is not None:
            raise self.error
        return [_result(reply) for reply in self.replies]


def _result(reply: Reply) -> Result:
    if isinstance(reply, ErrorReply):
        raise RequestRefused(reply.id, reply.code, reply.message)
    return reply
