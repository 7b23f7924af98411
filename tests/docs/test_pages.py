"""Pages are taken apart as GitHub shows them."""

from pathlib import Path

from tests.docs.pages import Page, all_pages

TEXT = """\
# A `fluid` page: one, two!

See [there](other.md#it), [here](#again-1), ![a picture](a.png) and <img src="b.png">.

## Again

| what | how |
|---|---|
| a cell | `fluid status` |

## Again

    indented

```bash runnable cluster
fluid status
```
"""


def page(folder: Path, text: str = TEXT) -> Page:
    path = folder / "page.md"
    path.write_text(text, encoding="utf-8")
    return Page(path, root=folder)


def test_headings_are_named_as_in_links(tmp_path: Path) -> None:
    assert page(tmp_path).anchors == {"a-fluid-page-one-two", "again", "again-1"}


def test_links_and_pictures_are_found_in_sentences_and_in_html(tmp_path: Path) -> None:
    targets = [link.target for link in page(tmp_path).links]
    assert targets == ["other.md#it", "#again-1", "a.png", "b.png"]


def test_blocks_have_their_words_and_lines(tmp_path: Path) -> None:
    indented, fenced = page(tmp_path).blocks
    assert (indented.info, indented.line) == ((), 13)
    assert (fenced.info, fenced.line) == (("bash", "runnable", "cluster"), 15)
    assert fenced.text == "fluid status\n"


def test_code_in_a_cell_of_a_table_is_found(tmp_path: Path) -> None:
    assert "fluid status" in [span.text for span in page(tmp_path).spans]


def test_the_pages_of_this_repository_are_found() -> None:
    assert {"README.md", "docs/protocol.md", "ansible/README.md"} <= {
        page.name for page in all_pages()
    }
