"""The thread that loads another bundle beside the running service.

It looks at the folder every `LOOK_S`, or at once when asked (SIGHUP), and posts what it could load
and verify. What it could not is logged, and the agent goes on with what it has. It never stops the
service: when to switch is the core's to say.
"""

import logging
import queue
import threading
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path

from edge_agent.bundle_source import BundleSource, FolderState, Watch
from edge_agent.log_event import LogEvent
from edge_agent.models import Models
from fluid.bundle import Bundle, Manifest, load_bundle
from fluid.errors import FluidError
from fluid.interpreter import InterpreterPackage

LOOK_S = 2.0
_GOODBYE_S = 3.0
_log = logging.getLogger(__name__)


class _Order(Enum):
    LOOK = auto()
    LOAD = auto()
    END = auto()


class BundleLoader:
    """`post` is called from the thread with each new bundle; it must only enqueue.

    expect_fitting: raises `ValueError` for a bundle that this agent's settings do not fit.
    answered: called from the thread when what was asked for is loaded or refused.
    """

    def __init__(
        self,
        source: BundleSource,
        serving: Bundle,
        package: InterpreterPackage,
        *,
        post: Callable[[Models], None],
        expect_fitting: Callable[[Manifest], None] = lambda _: None,
        answered: Callable[[], None] = lambda: None,
        look_s: float = LOOK_S,
    ) -> None:
        self._folder = source.folder
        self._watch = Watch(source.read)
        self._digest = serving.digest
        self._input = serving.manifest.input
        self._package = package
        self._post = post
        self._expect_fitting = expect_fitting
        self._answered = answered
        self._look_s = look_s
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="bundle loader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self) -> None:
        """Load what lies there now, also if it was refused before. May be called from a signal
        handler."""
        self._orders.put(_Order.LOAD)

    def stop(self) -> None:
        """End the thread; a bundle that is being loaded is not waited for long."""
        self._orders.put(_Order.END)
        self._thread.join(_GOODBYE_S)

    def _work(self) -> None:
        while (order := self._next_order()) is not _Order.END:
            state = FolderState.of(self._folder)
            # `due` has to see each look.
            if self._watch.due(state) or order is _Order.LOAD:
                self._watch.tried(state)
                self._load(state.target)
            if order is _Order.LOAD:
                self._answered()

    def _next_order(self) -> "_Order":
        """What somebody asks for; after a while, just to look. Of several, the last."""
        try:
            order = self._orders.get(timeout=self._look_s)
        except queue.Empty:
            return _Order.LOOK
        while order is not _Order.END and not self._orders.empty():
            order = self._orders.get_nowait()
        return order

    def _load(self, folder: Path) -> None:
        """Load from the folder proper, so that a link that moves meanwhile does not mix two."""
        try:
            bundle = load_bundle(folder)
            if bundle.digest == self._digest:
                fields = {"digest": bundle.digest[:12], "folder": str(folder)}
                _log.info(LogEvent("bundle_unchanged", fields))
                return
            self._expect_fitting(bundle.manifest)
            models = Models(bundle, self._package)
        except (FluidError, ValueError, OSError) as error:
            self._refuse(folder, str(error))
        except Exception as error:  # noqa: BLE001 - such as a lack of memory: the service goes on
            _log.exception(LogEvent("bundle_loader_failed"))
            self._refuse(folder, repr(error))
        else:
            self._hand_out(models, folder)

    def _refuse(self, folder: Path, reason: str) -> None:
        fields = {"folder": str(folder), "serving": self._digest[:12], "reason": reason}
        _log.error(LogEvent("bundle_refused", fields))

    def _hand_out(self, models: Models, folder: Path) -> None:
        manifest = models.manifest
        fields = {"bundle": manifest.name, "digest": models.digest[:12], "folder": str(folder)}
        _log.info(LogEvent("bundle_loaded", fields))
        if manifest.input.shape != self._input.shape:
            # Raw and .npy requests of the old shape are refused from now on.
            shapes = {"before": _text(self._input.shape), "now": _text(manifest.input.shape)}
            _log.warning(LogEvent("input_changed", shapes))
        self._digest, self._input = models.digest, manifest.input
        self._post(models)


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
