import os
from pathlib import Path

import pytest

from edge_agent.bundle_source import BundleSource, FolderState, Watch


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "bundle.json").write_text("{}", encoding="utf-8")
    (folder / "lower.tflite").write_bytes(b"1234")
    return folder


def test_two_looks_at_the_same_are_equal(folder: Path) -> None:
    assert FolderState.of(folder) == FolderState.of(folder)
    assert [name for name, *_ in FolderState.of(folder).files] == ["bundle.json", "lower.tflite"]


def test_whatever_changes_shows(folder: Path, tmp_path: Path) -> None:
    model = folder / "lower.tflite"
    seen = [FolderState.of(folder)]

    def look() -> None:
        seen.append(FolderState.of(folder))

    model.write_bytes(b"12345")
    look()
    os.utime(model, ns=(1, 1))
    look()
    other = tmp_path / "other"
    other.write_bytes(b"54321")
    os.utime(other, ns=(1, 1))
    other.replace(model)  # as a copy under another name that is put in place
    look()
    (folder / "upper.tflite").write_bytes(b"")
    look()
    (folder / "bundle.json").unlink()
    look()
    assert len(set(seen)) == len(seen)


def test_a_link_that_points_elsewhere_shows_and_is_followed(folder: Path, tmp_path: Path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    link = tmp_path / "current"
    link.symlink_to(folder)
    source = BundleSource.at(link)
    assert source.read.target == folder
    link.unlink()
    link.symlink_to(second)
    assert FolderState.of(link) == FolderState(second, ())


def test_what_is_not_there_has_no_files(tmp_path: Path) -> None:
    assert FolderState.of(tmp_path / "none").files == ()


def states(count: int) -> list[FolderState]:
    return [FolderState(Path(str(number)), ()) for number in range(count)]


def test_what_was_read_at_the_start_is_not_due() -> None:
    (first,) = states(1)
    watch = Watch(first)
    assert not any(watch.due(first) for _ in range(5))


def test_a_change_is_due_once_it_lasts() -> None:
    first, half, whole = states(3)
    watch = Watch(first)
    assert [watch.due(state) for state in (half, whole, whole, whole)] == [
        False, False, True, True,
    ]  # fmt: skip


def test_what_was_tried_is_not_due_until_it_changes() -> None:
    first, bad, good = states(3)
    watch = Watch(first)
    assert [watch.due(bad), watch.due(bad)] == [False, True]
    watch.tried(bad)
    assert not any(watch.due(bad) for _ in range(5))
    assert [watch.due(good), watch.due(good)] == [False, True]


def test_what_is_put_back_in_between_is_not_due() -> None:
    first, other = states(2)
    watch = Watch(first)
    assert not any(watch.due(state) for state in (other, first, other, first))
