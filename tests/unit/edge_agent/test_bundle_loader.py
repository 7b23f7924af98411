import queue
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from edge_agent.bundle_loader import BundleLoader
from edge_agent.bundle_source import BundleSource
from edge_agent.models import Models
from fluid.bundle import Bundle, write_bundle
from fluid.interpreter import InterpreterPackage
from tests.processes import wait_until

TIMEOUT_S = 30.0  # only to end a failing test


def variant_of(bundle: Bundle, name: str) -> Bundle:
    """The same files under another digest."""
    return Bundle(replace(bundle.manifest, name=name), bundle.models)


class Loading:
    """A loader of `<folder>/current`, a link to what is put in place."""

    def __init__(self, folder: Path, first: Bundle, package: InterpreterPackage) -> None:
        self.link = folder / "current"
        self._folder = folder
        self.put("first", first)
        self._models: queue.SimpleQueue[Models] = queue.SimpleQueue()
        source = BundleSource.at(self.link)
        self.answers: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.loader = BundleLoader(
            source,
            first,
            package,
            post=self._models.put,
            answered=lambda: self.answers.put(None),
            look_s=0.02,
        )

    def put(self, name: str, bundle: Bundle | None = None) -> Path:
        """Point the link at a folder of that name, with this bundle in it."""
        folder = self._folder / name
        if bundle is not None:
            write_bundle(folder, bundle)
        made = self._folder / "made"
        made.symlink_to(folder)
        made.replace(self.link)
        return folder

    def loaded(self) -> Models:
        return self._models.get(timeout=TIMEOUT_S)

    def is_quiet(self) -> bool:
        return self._models.empty()


@pytest.fixture
def loading(
    tmp_path: Path, bundle: Bundle, package: InterpreterPackage, caplog: pytest.LogCaptureFixture
) -> Iterator[Loading]:
    caplog.set_level("INFO")
    loading = Loading(tmp_path, bundle, package)
    loading.loader.start()
    yield loading
    loading.loader.stop()


@pytest.fixture
def says(caplog: pytest.LogCaptureFixture) -> Callable[..., None]:
    def wait(text: str, *, times: int = 1) -> None:
        wait_until(lambda: caplog.text.count(text) >= times, what=f"{text!r} was not said")
        assert caplog.text.count(text) == times

    return wait


def test_a_bundle_that_is_put_in_place_is_loaded(
    loading: Loading, bundle: Bundle, says: Callable[..., None]
) -> None:
    for name in ("second", "third"):
        other = variant_of(bundle, name)
        folder = loading.put(name, other)
        assert loading.loaded().digest == other.digest
        says(f"bundle_loaded bundle={name} digest={other.digest[:12]} folder={folder}")
    assert loading.is_quiet()


def test_a_bad_bundle_is_refused_in_one_line_and_not_tried_again_until_it_changes(
    loading: Loading, bundle: Bundle, says: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    other = variant_of(bundle, "other")
    staged = loading.link.parent / "staged"
    write_bundle(staged, other)
    model = staged / "lower50.tflite"
    good = model.read_bytes()
    model.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    loading.put("staged")
    says("bundle_refused")
    (line,) = [each for each in caplog.records if each.levelname == "ERROR"]
    assert "lower50.tflite: is not the file that was trained" in line.getMessage()
    assert f"serving={bundle.digest[:12]}" in line.getMessage()
    loading.loader.ask()  # which tries again
    says("bundle_refused", times=2)
    assert loading.is_quiet()
    model.write_bytes(good)
    assert loading.loaded().digest == other.digest


def test_the_same_bundle_in_another_place_is_a_line_in_the_log_and_no_more(
    loading: Loading, bundle: Bundle, says: Callable[..., None]
) -> None:
    loading.put("copy", bundle)
    says("bundle_unchanged")
    loading.loader.ask()
    says("bundle_unchanged", times=2)
    assert loading.is_quiet()


def test_a_folder_that_goes_away_is_refused_and_comes_back(
    loading: Loading, bundle: Bundle, says: Callable[..., None]
) -> None:
    shutil.rmtree(loading.link.resolve())
    says("bundle_refused")
    loading.put("first", variant_of(bundle, "back"))
    assert loading.loaded().manifest.name == "back"


def test_whatever_goes_wrong_while_loading_is_refused_and_not_the_end(
    loading: Loading,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
    says: Callable[..., None],
) -> None:
    def run_out(*_arguments: object) -> Models:
        raise MemoryError("no more")

    with monkeypatch.context() as patch:
        patch.setattr("edge_agent.bundle_loader.Models", run_out)
        loading.put("second", variant_of(bundle, "second"))
        says("reason=\"MemoryError('no more')\"")
    loading.loader.ask()
    assert loading.loaded().manifest.name == "second"


def test_who_asks_is_answered_also_if_there_is_nothing_new_or_what_is_there_is_bad(
    loading: Loading,
) -> None:
    loading.loader.ask()
    loading.answers.get(timeout=TIMEOUT_S)
    (loading.put("bad") / "bundle.json").parent.mkdir(exist_ok=True)
    loading.loader.ask()
    loading.answers.get(timeout=TIMEOUT_S)
    assert loading.is_quiet()
