"""The pages link to files and headings that exist."""

from pathlib import Path

import pytest

from tests.docs.links import broken_links
from tests.docs.pages import Page, all_pages


@pytest.mark.parametrize("page", all_pages(), ids=lambda page: page.name)
def test_links_lead_somewhere(page: Page) -> None:
    assert list(broken_links(page)) == []


@pytest.mark.parametrize(
    ("link", "finding"),
    [
        ("[a](other.md)", None),
        ("[a](other.md#there-is)", None),
        ("[a](#here)", None),
        ("[a](https://example.org/nowhere)", None),
        ("[a](gone.md)", "page.md:3: there is no gone.md"),
        ("[a](other.md#gone)", "page.md:3: other.md has no heading #gone"),
        ("[a](#gone)", "page.md:3: page.md has no heading #gone"),
        ('<img src="gone.png">', "page.md:3: there is no gone.png"),
    ],
)
def test_what_leads_nowhere_is_found(tmp_path: Path, link: str, finding: str | None) -> None:
    (tmp_path / "other.md").write_text("# There is\n", encoding="utf-8")
    path = tmp_path / "page.md"
    path.write_text(f"# Here\n\n{link}\n", encoding="utf-8")
    assert list(broken_links(Page(path, root=tmp_path))) == ([finding] if finding else [])
