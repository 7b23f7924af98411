"""The picture of the demonstration's table that README shows, of a real run:

    fluid demo | python -m tests.docs.demo_picture docs/images/demo.svg

Draws what was printed and changes nothing of it.
"""

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

_TABLE = re.compile(r"^ +what the client saw *$.*?^└.*?┘$", re.DOTALL | re.MULTILINE)
# rich would have whoever looks at the picture fetch a font from elsewhere.
_FONT = re.compile(r"@font-face \{.*?\}", re.DOTALL)


def picture(printed: str) -> str:
    """The table in what `fluid demo` has printed, as SVG. Raises `ValueError` where it is not."""
    table = _TABLE.search(printed)
    if table is None:
        raise ValueError("this is not what 'fluid demo' prints: its table is missing")
    width = max(map(len, table[0].splitlines()))
    console = Console(file=io.StringIO(), record=True, width=width)
    console.print(Text(table[0]), no_wrap=True)
    return _FONT.sub("", console.export_svg(title="$ fluid demo", unique_id="demo"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(picture(sys.stdin.read()), encoding="utf-8")
