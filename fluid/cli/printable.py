"""Text that is not ours, as a terminal may be given it.

Whoever may publish, or hands over a bundle or a file, chooses its names and reasons. A terminal
would obey an escape code in one, a line break in it would look like a line of ours, and a lone
surrogate cannot be encoded at all.
"""

MOST_OF_A_NAME = 200
MOST_OF_A_MESSAGE = 1000


def printable(text: str, *, most: int = MOST_OF_A_NAME) -> str:
    """One line of at most `most` characters of `text`; what cannot be printed is escaped."""
    return escaped(text) if len(text) <= most else escaped(text[: most - 1]) + "…"


def escaped(text: str) -> str:
    """`text` whole, where whoever reads it wants to find it again, as a file's name."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escape(each) for each in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
