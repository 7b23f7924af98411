"""Runs the TFLite files: one thread that decodes payloads and yields partial logits, or what leads
to them where stages read each other's feature maps.

It works beside the network and the state: it gets `Compute` effects and posts `Computed` or
`ComputeFailed`. It decides nothing, and a payload can do no worse than fail.

Bundles change in the queue's own order: what was submitted before `use` is run with the bundle
before, what comes after it with the new one. Then nothing refers to the old one any more, and its
memory is free.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable

from edge_agent.core.effects import Compute
from edge_agent.core.events import Computed, ComputeFailed, RequestFault
from edge_agent.leisure import Leisure
from edge_agent.log_event import LogEvent
from edge_agent.models import Models
from fluid.bundle import Bundle
from fluid.codec import DecodeFailure, DecodeLimits, decode_images
from fluid.errors import ErrorCode
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Images

_log = logging.getLogger(__name__)
_MUCH_LARGER = 2  # times: an image is about as large as the next


class Executor:
    """The executor thread.

    `post` is called from it with each outcome, and `failed` if it ends of anything but a payload
    or a model, such as a lack of memory; both must only enqueue. Raises `BundleError` at once as
    `Models` does.
    """

    def __init__(
        self,
        bundle: Bundle,
        package: InterpreterPackage,
        *,
        post: Callable[[Computed | ComputeFailed], None],
        failed: Callable[[str], None],
        limits: DecodeLimits | None = None,
    ) -> None:
        self._limits = limits or DecodeLimits()
        self._post = post
        self._failed = failed
        # Loaded before the agent says that it is there: its first answer is as quick as the rest.
        self._models = Models(bundle, package)
        # Bounded by what the agent holds: the core has one job at a time run for each request,
        # none that equals one which waits, and the broker sends no more than the receive maximum.
        self._jobs: queue.SimpleQueue[Compute | Models | None] = queue.SimpleQueue()
        self._leisure = Leisure()
        # The thread's own.
        self._untold: list[Computed | ComputeFailed] = []
        self._untold_bytes = 0  # of the largest payload among them
        self._tell_by = 0.0
        self._thread = threading.Thread(target=self._work, name="executor", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, job: Compute) -> None:
        """Queue a job; its outcome is posted, one for each job, in their order."""
        self._jobs.put(job)

    def use(self, models: Models) -> None:
        """Run all later jobs with another bundle."""
        self._jobs.put(models)

    def leisure_s(self) -> float:
        """For how long the jobs that wait leave time to gather what else is to be done. May be
        called from any thread."""
        return self._leisure.left_s(self._jobs.qsize())

    def stop(self) -> None:
        """Finish what is queued and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        try:
            while (job := self._jobs.get()) is not None:
                self._take(job)
                if self._jobs.empty() or time.perf_counter() >= self._tell_by:
                    self._tell()
            self._tell()
        except Exception as error:  # noqa: BLE001 - whatever it is, the agent has to end
            _log.exception("the executor failed")
            self._failed(f"the executor failed: {error!r}")

    def _take(self, job: Compute | Models) -> None:
        if isinstance(job, Models):
            self._models = job
            return
        size_bytes = len(job.request.message.payload)
        if size_bytes > _MUCH_LARGER * self._untold_bytes:
            self._tell()  # a large batch may take seconds, which nothing that is done waits for
        if not self._untold:
            self._tell_by = time.perf_counter() + self.leisure_s()
        started_at = time.perf_counter()
        self._untold.append(self._run(job))
        self._untold_bytes = max(self._untold_bytes, size_bytes)
        self._leisure.ran(time.perf_counter() - started_at)

    def _tell(self) -> None:
        for outcome in self._untold:
            self._post(outcome)
        self._untold.clear()
        self._untold_bytes = 0

    def _run(self, job: Compute) -> Computed | ComputeFailed:
        started_at = time.perf_counter()
        key, models = job.request.key, self._models
        images: Images | None = None
        is_batch: bool | None = None
        if models.needs_image(job.stages):
            payload = job.request.message.payload
            decoded = decode_images(payload, models.manifest.input, self._limits)
            if isinstance(decoded, DecodeFailure):
                fault = RequestFault(decoded.code, decoded.message)
                return ComputeFailed(key, fault, models.digest)
            images, is_batch = decoded.images, decoded.is_batch
        try:
            outputs = models.run(job.stages, images, job.maps)
        except (RuntimeError, ValueError) as error:  # what TFLite's bindings raise
            failure = LogEvent("inference_failed", {"request": job.request.id}, limited_by="")
            _log.exception(failure)
            fault = RequestFault(ErrorCode.EXECUTION_FAILED, f"the model could not be run: {error}")
            return ComputeFailed(key, fault, models.digest)
        compute_ms = (time.perf_counter() - started_at) * 1000
        return Computed(key, outputs.logits, compute_ms, is_batch, models.digest, outputs.maps)
