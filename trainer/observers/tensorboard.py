"""Writes what TensorBoard shows. TensorBoard itself is needed only where somebody looks at it."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from trainer.errors import ExportError
from trainer.training.progress import EpochReport, SilentObserver
from trainer.training.snapshot import Snapshot

_TEACHER_ROUND = 0


class TensorBoardLog(SilentObserver):
    """Event files with the loss and each sub-network's accuracy on validation, by epoch."""

    def __init__(self, folder: Path) -> None:
        """folder: made if it is missing; runs side by side below one folder can be compared.

        Raises `ExportError` if it cannot be written to.
        """
        _expect_writable(folder)
        from trainer.tensorflow_setup import tf  # noqa: PLC0415 - imported only by who logs

        self._tf = tf
        self._writer = tf.summary.create_file_writer(str(folder))
        # What `tf.summary.scalar` would write, which cannot be had without TensorBoard.
        summary = tf.compat.v1.SummaryMetadata
        self._scalar = summary(
            plugin_data=summary.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
        )

    def epoch_done(self, report: EpochReport, snapshot: Callable[[], Snapshot]) -> None:
        """Write it at once, so that a training can be watched."""
        learner = "teacher" if report.round == _TEACHER_ROUND else "validation"
        self._write("loss", report.loss, step=report.number)
        for name, accuracy in report.validation.items():
            self._write(f"{learner}/{name}", accuracy, step=report.number)
        self._writer.flush()

    def _write(self, tag: str, value: float, *, step: int) -> None:
        tensor = self._tf.constant(value, self._tf.float32)
        with self._writer.as_default(step=step):
            self._tf.summary.write(tag, tensor, metadata=self._scalar)


def _expect_writable(folder: Path) -> None:
    """TensorFlow finds out only when it writes, and says so over many lines."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ExportError(f"{folder}: cannot be written ({error.strerror})") from error
