"""What is marked as runnable runs, and a mark means what CONTRIBUTING.md says."""

import secrets
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Page, all_pages
from tests.docs.running import Session, run, sessions, why_not, wrong_marks
from tests.processes import processes_with, wait_until

CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
SESSIONS = [session for page in all_pages() for session in sessions(page)]

needs_namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not() or "none")


def page(folder: Path, text: str) -> Page:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return Page(path, root=folder)


@needs_namespaces
@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("session", SESSIONS, ids=lambda session: session.name)
def test_what_is_marked_as_runnable_runs(session: Session, tmp_path: Path) -> None:
    ended = run(session, tmp_path)
    assert ended.status == 0, f"{ended.output}\n{ended.place} ended with status {ended.status}"


def test_there_is_something_to_run() -> None:
    assert "README.md" in [session.page for session in SESSIONS]


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)
def test_every_mark_means_something(page: Page) -> None:
    assert list(wrong_marks(page, CI)) == []


def test_blocks_of_a_page_are_one_session_for_each_kind(tmp_path: Path) -> None:
    text = "```bash runnable\na\n```\n```bash runnable cluster\nb\n```\n```bash runnable\nc\n```\n"
    alone, cluster = sessions(page(tmp_path, text))
    assert [block.text for block in alone.blocks] == ["a\n", "c\n"]
    assert [block.text for block in cluster.blocks] == ["b\n"]
    assert "edge-agent" not in alone.script
    assert "edge-agent" in cluster.script


@needs_namespaces
def test_a_block_that_fails_is_named_with_what_it_said(tmp_path: Path) -> None:
    text = "```bash runnable\ntrue\n```\n\n```bash runnable\necho so it was\nfalse\n```\n"
    (session,) = sessions(page(tmp_path, text))
    folder = tmp_path / "empty"
    folder.mkdir()
    ended = run(session, folder)
    assert (ended.status, ended.place) == (1, "page.md:5")
    assert "so it was" in ended.output


@needs_namespaces
def test_python_is_run_and_what_a_block_writes_stays_in_its_folder(tmp_path: Path) -> None:
    text = "```python runnable\nopen('mark', 'w').close()\n```\n"
    (session,) = sessions(page(tmp_path, text))
    folder = tmp_path / "empty"
    folder.mkdir()
    assert run(session, folder).status == 0
    assert (folder / "mark").exists()
    assert (folder / "models" / "mnist").is_dir()


@needs_namespaces
def test_what_a_block_starts_ends_with_its_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = secrets.token_hex(8)
    monkeypatch.setenv("DOCS_TEST", mark)
    text = "```bash runnable\nsleep 600 &\n```\n"
    (session,) = sessions(page(tmp_path, text))
    folder = tmp_path / "empty"
    folder.mkdir()
    assert run(session, folder).status == 0
    wait_until(lambda: not processes_with("DOCS_TEST", mark), what="it is still there")


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("```bash ci\nmake demo\n```", None),
        ("```bash ci\nmake fleet\n```", "page.md:1: .ci/run has no line 'make fleet'"),
        ("```bash runable\nmake demo\n```", "page.md:1: nothing is known of 'runable'"),
        ("```bash runnable moon\ntrue\n```", "page.md:1: nothing is known of 'runnable moon'"),
        ("```json any\n{}\n```", None),
    ],
)
def test_a_mark_that_is_wrong_is_found(tmp_path: Path, text: str, finding: str | None) -> None:
    assert list(wrong_marks(page(tmp_path, text), CI)) == ([finding] if finding else [])
