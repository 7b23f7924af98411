"""The log's view of an agent: a line for each request, and the term that all lines carry.

At debug level every request has its lines. Else only those that went wrong or were answered by
less than was due have one, and only the first few a minute.
"""

import logging
from collections.abc import Sequence

from edge_agent.core.effects import Effect, ReplyAdopted, SendReply
from edge_agent.core.events import Event, RequestArrived, Route
from edge_agent.log_event import LogEvent, Value
from edge_agent.logs import Log
from edge_agent.observer import View
from fluid.messages import ErrorReply, Mode, Result

_log = logging.getLogger(__name__)
_REPLIES = (SendReply, ReplyAdopted)
_MODES = {Route.EVERYONE: Mode.HA, Route.SHARED: Mode.HT}


class LogObserver:
    """Writes what happens to requests. The level of the log is read once, here."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._verbose = _log.isEnabledFor(logging.DEBUG)

    def observe(self, event: Event, effects: Sequence[Effect], now: float) -> None:  # noqa: ARG002 - an observer is told the time
        if self._verbose and isinstance(event, RequestArrived):
            self._arrived(event)
        for effect in effects:
            if isinstance(effect, _REPLIES):
                self._answered(effect)

    def beat(self, view: View) -> None:
        if view.state is not None:
            self._log.term = view.state.term
        self._log.report_suppressed()

    def _arrived(self, event: RequestArrived) -> None:
        request = event.request
        fields: dict[str, Value] = {
            "request": request.id,
            "mode": _MODES[event.route],
            "size_bytes": len(request.message.payload),
            "handovers": request.handovers,
        }
        _log.debug(LogEvent("request_arrived", fields))

    def _answered(self, effect: SendReply | ReplyAdopted) -> None:
        reply = effect.replies[0]
        if isinstance(reply, ErrorReply):
            fields: dict[str, Value] = {
                "request": reply.id,
                "code": reply.code,
                "message": reply.message,
            }
            _log.info(LogEvent("request_failed", fields, self._limit(reply.code)))
        elif reply.degraded or self._verbose:
            level = logging.INFO if reply.degraded else logging.DEBUG
            answered = LogEvent("request_answered", _answer(effect, reply), self._limit("degraded"))
            _log.log(level, answered)

    def _limit(self, kind: str) -> str | None:
        """Whoever asks for every request gets every request."""
        return None if self._verbose else kind


def _answer(effect: SendReply | ReplyAdopted, result: Result) -> dict[str, Value]:
    return {
        "request": result.id,
        "mode": result.mode,
        "subnetwork": result.subnetwork,
        "devices": result.devices,
        "images": len(effect.replies),
        "queue_ms": round(result.queue_ms, 3),
        "compute_ms": round(result.compute_ms, 3),
        "degraded": result.degraded,
    }
