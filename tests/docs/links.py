"""Links that lead nowhere: to a file that is not there, or to a heading that a page has not.

Addresses of the web are left alone: a test must not need the internet.
"""

from collections.abc import Iterator

from tests.docs.pages import Page


def broken_links(page: Page) -> Iterator[str]:
    """A sentence for each."""
    for link in page.links:
        if link.is_outside:
            continue
        target = page.path.parent / link.path if link.path else page.path
        if not target.exists():
            yield f"{page.name}:{link.line}: there is no {link.path}"
        elif link.anchor and target.suffix == ".md":
            there = page if target == page.path else Page(target, root=target.parent)
            if link.anchor not in there.anchors:
                yield f"{page.name}:{link.line}: {target.name} has no heading #{link.anchor}"
