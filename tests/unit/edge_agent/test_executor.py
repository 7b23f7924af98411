import gc
import io
import queue
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge_agent.core.effects import Compute
from edge_agent.core.events import Computed, ComputeFailed
from edge_agent.executor import Executor
from edge_agent.leisure import Leisure
from edge_agent.models import Models
from fluid.bundle import Bundle
from fluid.codec import DecodeLimits
from fluid.errors import ErrorCode
from fluid.interpreter import InterpreterPackage
from fluid.submodel import Images, SubModel
from tests.unit.edge_agent.making import request
from tests.unit.fluid.stage_files import IMAGE_SHAPE, PACKAGE, AddingInterpreter, cut_bundle

if TYPE_CHECKING:
    from trainer.data import Dataset

TIMEOUT_S = 20.0  # only to end a failing test

Run = Callable[..., Computed | ComputeFailed]


@pytest.fixture(scope="module")
def run(bundle: Bundle, package: InterpreterPackage) -> Iterator[Run]:
    """Has a running executor do one job, and returns the outcome."""
    outcomes: queue.SimpleQueue[Computed | ComputeFailed] = queue.SimpleQueue()
    limits = DecodeLimits(max_batch=8)
    executor = Executor(bundle, package, post=outcomes.put, failed=pytest.fail, limits=limits)
    executor.start()

    def do(payload: bytes, *stages: str, name: str = "1") -> Computed | ComputeFailed:
        executor.submit(Compute(request(name, payload), stages))
        return outcomes.get(timeout=TIMEOUT_S)

    yield do
    executor.stop()


@pytest.fixture(scope="module")
def images(digits: "Dataset") -> Images:
    return digits.test.images[:3]


def as_npy(images: Images) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, images)
    return buffer.getvalue()


def computed(outcome: Computed | ComputeFailed) -> Computed:
    assert isinstance(outcome, Computed), outcome
    return outcome


def test_logits_are_those_of_the_stage_for_each_image(
    run: Run, bundle: Bundle, package: InterpreterPackage, images: Images
) -> None:
    outcome = computed(run(as_npy(images), "lower50", "upper25"))
    assert list(outcome.outputs) == ["lower50", "upper25"]
    for stage, logits in outcome.outputs.items():
        assert logits.dtype == np.float32
        assert logits.shape == (3, 10)
        expected = SubModel(bundle, stage, package=package).run(images)
        assert logits.tobytes() == expected.tobytes()
    assert outcome.is_batch
    assert outcome.compute_ms > 0


def test_an_image_is_no_batch_and_its_bits_are_those_that_it_has_in_a_batch(
    run: Run, images: Images
) -> None:
    batch = computed(run(as_npy(images), "lower50"))
    for index, image in enumerate(images):
        single = computed(run(image.tobytes(), "lower50"))
        assert not single.is_batch
        assert single.outputs["lower50"].tobytes() == batch.outputs["lower50"][index].tobytes()


def test_an_outcome_names_its_request(run: Run, images: Images) -> None:
    payload = images[0].tobytes()
    assert run(payload, "lower50", name="x").key == request("x", payload).key
    assert run(b"", "lower50", name="y").key == request("y", b"").key


def test_a_payload_may_be_read_without_running_anything(run: Run, images: Images) -> None:
    outcome = computed(run(as_npy(images)))
    assert outcome.outputs == {}
    assert outcome.is_batch
    assert isinstance(run(b"no image"), ComputeFailed)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", ErrorCode.EMPTY_PAYLOAD),
        (b"no image", ErrorCode.NOT_AN_IMAGE),
        (as_npy(np.zeros((9, 8, 8, 1), np.uint8)), ErrorCode.PAYLOAD_TOO_LARGE),
        (as_npy(np.zeros((5, 5), np.uint8)), ErrorCode.WRONG_SHAPE),
    ],
)
def test_a_bad_payload_fails_with_its_code_and_the_next_is_served(
    run: Run, images: Images, payload: bytes, code: ErrorCode
) -> None:
    outcome = run(payload, "lower50")
    assert isinstance(outcome, ComputeFailed)
    assert outcome.fault.code is code
    assert computed(run(images[0].tobytes(), "lower50")).outputs


class BrokenInterpreter:
    """Loads and looks like the real one, but cannot be invoked."""

    def __init__(self, real: InterpreterPackage, **options: object) -> None:
        self._interpreter = real.interpreter_class(**options)

    def __getattr__(self, name: str) -> object:
        return getattr(self._interpreter, name)

    def invoke(self) -> None:
        raise RuntimeError("node 3 failed to invoke")


def test_a_model_that_fails_is_a_coded_fault_and_not_the_end(
    bundle: Bundle,
    package: InterpreterPackage,
    images: Images,
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = replace(
        package, interpreter_class=lambda **options: BrokenInterpreter(package, **options)
    )
    outcomes: queue.SimpleQueue[Computed | ComputeFailed] = queue.SimpleQueue()
    executor = Executor(bundle, broken, post=outcomes.put, failed=pytest.fail)
    executor.start()
    for _ in range(2):
        executor.submit(Compute(request("1", images[0].tobytes()), ("lower50",)))
        outcome = outcomes.get(timeout=TIMEOUT_S)
        assert isinstance(outcome, ComputeFailed)
        assert outcome.fault.code is ErrorCode.EXECUTION_FAILED
        assert "node 3" in outcome.fault.message
    executor.stop()
    assert "inference_failed request=1" in caplog.text


def test_stopping_finishes_what_is_queued(
    bundle: Bundle, package: InterpreterPackage, images: Images
) -> None:
    outcomes: queue.SimpleQueue[Computed | ComputeFailed] = queue.SimpleQueue()
    executor = Executor(bundle, package, post=outcomes.put, failed=pytest.fail)
    names = [str(number) for number in range(20)]
    for name in names:
        executor.submit(Compute(request(name, images[0].tobytes()), ("lower50",)))
    executor.start()
    executor.stop()
    keys = [outcomes.get_nowait().key for _ in names]
    assert keys == [request(name, images[0].tobytes()).key for name in names]


def variant_of(bundle: Bundle) -> Bundle:
    """The same files under another digest."""
    return Bundle(replace(bundle.manifest, name="variant"), bundle.models)


def test_what_was_submitted_before_a_bundle_changes_is_run_with_the_old_one(
    bundle: Bundle, package: InterpreterPackage, images: Images
) -> None:
    outcomes: queue.SimpleQueue[Computed | ComputeFailed] = queue.SimpleQueue()
    executor = Executor(bundle, package, post=outcomes.put, failed=pytest.fail)
    models = Models(variant_of(bundle), package)
    for payload in (images[0].tobytes(), b"no image"):
        executor.submit(Compute(request("1", payload), ("lower50",)))
    executor.use(models)
    for payload in (images[0].tobytes(), b"no image"):
        executor.submit(Compute(request("1", payload), ("lower50",)))
    executor.start()
    executor.stop()
    assert [outcomes.get_nowait().digest for _ in range(4)] == [
        *[bundle.digest] * 2,
        *[models.digest] * 2,
    ]


def test_a_bundle_is_free_once_no_job_refers_to_it(
    bundle: Bundle, package: InterpreterPackage
) -> None:
    executor = Executor(bundle, package, post=lambda _outcome: None, failed=pytest.fail)
    second, third = (Models(variant_of(bundle), package) for _ in range(2))
    gone = weakref.ref(second)
    executor.use(second)
    executor.use(third)
    del second
    executor.start()
    executor.stop()
    gc.collect()
    assert gone() is None


def test_an_executor_that_ends_of_something_else_says_so(
    bundle: Bundle, package: InterpreterPackage, images: Images, caplog: pytest.LogCaptureFixture
) -> None:
    def run_out(_outcome: object) -> None:
        raise MemoryError("no more")

    failures: queue.SimpleQueue[str] = queue.SimpleQueue()
    executor = Executor(bundle, package, post=run_out, failed=failures.put)
    executor.start()
    executor.submit(Compute(request("1", images[0].tobytes()), ("lower50",)))
    assert failures.get(timeout=TIMEOUT_S) == "the executor failed: MemoryError('no more')"
    executor.stop()
    assert "Traceback" in caplog.text


@pytest.fixture
def cut_run() -> Iterator[Callable[[Compute], Computed | ComputeFailed]]:
    """As `run`, with a bundle whose stages read each other, and any job."""
    outcomes: queue.SimpleQueue[Computed | ComputeFailed] = queue.SimpleQueue()
    executor = Executor(cut_bundle(), PACKAGE, post=outcomes.put, failed=pytest.fail)
    executor.start()

    def do(job: Compute) -> Computed | ComputeFailed:
        executor.submit(job)
        return outcomes.get(timeout=TIMEOUT_S)

    yield do
    executor.stop()


def test_feature_maps_go_in_and_come_out_as_the_integers_that_they_are(
    cut_run: Callable[[Compute], Computed | ComputeFailed],
) -> None:
    first = request("1", b"\0\0\0\1")
    outcome = computed(cut_run(Compute(first, ("map_lower",))))
    assert (outcome.outputs, outcome.is_batch) == ({}, False)
    lower = outcome.maps["map_lower"]
    assert (lower.dtype.name, lower.shape) == ("int8", (1, 2))
    maps = {"map_lower": lower, "map_upper": lower}
    last = computed(cut_run(Compute(first, ("logits_lower",), maps)))
    assert list(last.outputs) == ["logits_lower"]
    assert (last.maps, last.is_batch) == ({}, None)


def test_the_payload_is_decoded_only_for_stages_that_read_it(
    cut_run: Callable[[Compute], Computed | ComputeFailed],
) -> None:
    no_image = request("1", b"no image")
    assert isinstance(cut_run(Compute(no_image, ("map_lower",))), ComputeFailed)
    maps = {name: np.zeros((1, 2), np.int8) for name in ("map_lower", "map_upper")}
    computed(cut_run(Compute(no_image, ("logits_lower",), maps)))


def test_a_map_of_another_size_fails_its_request_alone(
    cut_run: Callable[[Compute], Computed | ComputeFailed],
) -> None:
    maps = {name: np.zeros((1, 3), np.int8) for name in ("map_lower", "map_upper")}
    outcome = cut_run(Compute(request("1"), ("logits_lower",), maps))
    assert isinstance(outcome, ComputeFailed)
    assert outcome.fault.code is ErrorCode.EXECUTION_FAILED


def test_what_is_done_is_told_together_but_does_not_wait_for_a_large_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Leisure, "left_s", lambda _self, _jobs: TIMEOUT_S)
    told: list[Computed | ComputeFailed] = []
    told_before: list[int] = []  # each invoke

    class Watched(AddingInterpreter):
        def invoke(self) -> None:
            told_before.append(len(told))

    watched = replace(PACKAGE, interpreter_class=Watched)
    executor = Executor(cut_bundle(), watched, post=told.append, failed=pytest.fail)
    for name in ("1", "2"):
        executor.submit(Compute(request(name, b"\0\0\0\1"), ("map_lower",)))
    batch = as_npy(np.zeros((8, *IMAGE_SHAPE), np.uint8))
    executor.submit(Compute(request("3", batch), ("map_lower",)))
    executor.start()
    executor.stop()
    assert told_before == [0, 0, *[2] * 8]
    assert len(told) == 3
