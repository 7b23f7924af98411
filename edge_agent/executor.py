"""Runs the TFLite files: one thread that decodes payloads and yields partial logits.

It works beside the network and the state: it gets `Compute` effects and posts `Computed` or
`ComputeFailed`. It decides nothing, and a payload can do no worse than fail.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from edge_agent.core.effects import Compute
from edge_agent.core.events import Computed, ComputeFailed, RequestFault
from edge_agent.log_event import LogEvent
from fluid.bundle import Bundle
from fluid.codec import DecodeFailure, DecodeLimits, decode_images
from fluid.errors import ErrorCode
from fluid.interpreter import InterpreterPackage
from fluid.servable import expect_servable
from fluid.submodel import SubModel

_log = logging.getLogger(__name__)


class Executor:
    """The executor thread. `post` is called from it with each outcome; it must only enqueue.

    Raises `BundleError` at once for a bundle of a family that agents cannot serve, or of which a
    model cannot be loaded or is not what its manifest promises.
    """

    def __init__(
        self,
        bundle: Bundle,
        package: InterpreterPackage,
        *,
        post: Callable[[Computed | ComputeFailed], None],
        limits: DecodeLimits | None = None,
    ) -> None:
        expect_servable(bundle.manifest)
        self._input = bundle.manifest.input
        self._limits = limits or DecodeLimits()
        self._post = post
        # Loaded before the agent says that it is there: its first answer is as quick as the rest.
        self._models = {
            stage.name: SubModel(bundle, stage.name, package=package)
            for stage in bundle.manifest.stages
        }
        # Bounded by what the agent holds: the broker sends no more than the receive maximum.
        self._jobs: queue.SimpleQueue[Compute | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="executor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Compute) -> None:
        """Queue a job; its outcome is posted."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Finish what is queued and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._post(self._run(job))

    def _run(self, job: Compute) -> Computed | ComputeFailed:
        started_at = time.perf_counter()
        key = job.request.key
        decoded = decode_images(job.request.message.payload, self._input, self._limits)
        if isinstance(decoded, DecodeFailure):
            return ComputeFailed(key, RequestFault(decoded.code, decoded.message))
        try:
            outputs = {stage: self._models[stage].run(decoded.images) for stage in job.stages}
        except (RuntimeError, ValueError) as error:  # what TFLite's bindings raise
            failure = LogEvent("inference_failed", {"request": job.request.id}, limited_by="")
            _log.exception(failure)
            fault = RequestFault(ErrorCode.EXECUTION_FAILED, f"the model could not be run: {error}")
            return ComputeFailed(key, fault)
        compute_ms = (time.perf_counter() - started_at) * 1000
        return Computed(key, outputs, compute_ms, decoded.is_batch)
