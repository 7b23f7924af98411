"""The Markdown pages of the repository, taken apart: headings, links, code.

Owns how Markdown is read. What is right or wrong about a page is for the checks to say.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
# `_*` and dotted folders (environments, caches) are nobody's pages.
_PLACES = ("*.md", "docs/**/*.md", "ansible/*.md", "examples/**/*.md")

_PARSER = MarkdownIt("commonmark").enable("table")
_HTML_TARGET = re.compile(r"(?:src|href)=\"([^\"]+)\"")


@dataclass(frozen=True, slots=True)
class Link:
    """An address of the web, or a path from the page's folder and a heading there."""

    target: str
    line: int

    @property
    def is_outside(self) -> bool:
        return re.match(r"[a-z][a-z+.-]*:", self.target) is not None

    @property
    def path(self) -> str:
        return self.target.partition("#")[0]

    @property
    def anchor(self) -> str:
        return self.target.partition("#")[2]


@dataclass(frozen=True, slots=True)
class Code:
    """Code on a page. info: the words after the fence, the language first; () for code that is
    indented or stands within a sentence."""

    page: str
    line: int
    info: tuple[str, ...]
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"


class Page:
    """One Markdown file. name: its path below the repository, for messages."""

    def __init__(self, path: Path, *, root: Path = ROOT) -> None:
        self.path = path
        self.name = str(path.relative_to(root))
        self.text = path.read_text(encoding="utf-8")
        self._tokens = _PARSER.parse(self.text)

    @cached_property
    def anchors(self) -> frozenset[str]:
        """What its headings are called in links, as GitHub calls them: small letters, hyphens for
        spaces, no punctuation, and a number behind a name that comes again."""
        seen: Counter[str] = Counter()
        anchors = set()
        for before, token in pairwise(self._tokens):
            if before.type == "heading_open":
                words = "".join(child.content for child in token.children or ())
                name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
                anchors.add(f"{name}-{seen[name]}" if seen[name] else name)
                seen[name] += 1
        return frozenset(anchors)

    @cached_property
    def links(self) -> tuple[Link, ...]:
        return tuple(self._links())

    @cached_property
    def blocks(self) -> tuple[Code, ...]:
        """Its code blocks, fenced and indented ones."""
        return tuple(
            Code(self.name, _line(token), tuple(token.info.split()), token.content)
            for token in self._tokens
            if token.type in ("fence", "code_block")
        )

    @cached_property
    def spans(self) -> tuple[Code, ...]:
        """The code within its sentences and tables."""
        return tuple(
            Code(self.name, line, (), child.content)
            for child, line in self._inline()
            if child.type == "code_inline"
        )

    def _links(self) -> Iterator[Link]:
        for child, line in self._inline():
            target = child.attrGet("href") or child.attrGet("src")
            if target is not None:
                yield Link(str(target), line)
            if child.type == "html_inline":
                yield from (Link(each, line) for each in _HTML_TARGET.findall(child.content))
        for token in self._tokens:
            if token.type == "html_block":
                targets = _HTML_TARGET.findall(token.content)
                yield from (Link(each, _line(token)) for each in targets)

    def _inline(self) -> Iterator[tuple[Token, int]]:
        line = 1
        for token in self._tokens:
            line = _line(token) if token.map else line  # a cell of a table has no line of its own
            for child in token.children or ():
                yield child, line


def all_pages(root: Path = ROOT) -> list[Page]:
    paths = {path for place in _PLACES for path in root.glob(place)}
    return [Page(path, root=root) for path in sorted(paths)]


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 1
