"""Tables of Markdown, read and written."""

from collections.abc import Iterable, Sequence


def read_table(text: str, head: str, *, after: str = "") -> dict[str, list[str]]:
    """The rows of the first table with this head (`a | b`) after a phrase, by their first cell.
    Raises `ValueError` where there is none."""
    begin = text.index(f"| {head} |", text.index(after))
    rows = {}
    for line in text[begin:].splitlines()[2:]:
        if not line.startswith("|"):
            break
        first, *others = (cell.strip() for cell in line.strip("|").split("|"))
        rows[first] = others
    return rows


def by_code(rows: dict[str, list[str]]) -> dict[str, list[str]]:
    """The same rows by what stands as code in their first cells, each name for itself."""
    return {
        name: cells
        for first, cells in rows.items()
        for code in first.split("`")[1::2]
        for name in code.split(", ")
    }


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
