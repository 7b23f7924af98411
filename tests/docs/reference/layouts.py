"""Binary records, byte by byte: sizes from their `struct` formats, names from the docstrings of the
modules that write them, which must tell as many."""

import re
import struct
from types import ModuleType

from fluid.messages import features, inference
from fluid.messages.records import Layout
from tests.docs.tables import write_table

_TYPES = {"s": "bytes", "B": "u8", "H": "u16", "I": "u32", "Q": "u64"}
_FIELD = re.compile(r"(\d*)([sBHIQ])")


def partials() -> str:
    return _table(inference, inference._LAYOUT)


def feature_maps() -> str:
    return _table(features, features._LAYOUT)


def _table(module: ModuleType, layout: Layout) -> str:
    names = _names(module, layout.kind)
    *head, sender, values = names
    sizes = _FIELD.findall(layout.head.format)
    if len(head) != len(sizes):
        raise ValueError(f"{module.__name__} names {len(head)} fields and packs {len(sizes)}")
    rows, offset = [], 0
    for name, (count, code) in zip(head, sizes, strict=True):
        size = struct.calcsize(f"<{count}{code}")
        rows.append((str(offset), str(size), _TYPES[code], name))
        offset += size
    rows.append((str(offset), "as told", "ASCII", sender))
    dtype = layout.dtype.name
    rows.append(("then", "the rest", dtype, values.removeprefix(f"{dtype} ")))
    return write_table(("offset", "bytes", "type", "what"), rows)


def _names(module: ModuleType, kind: str) -> list[str]:
    """What the docstring calls the parts, in order, without their sizes."""
    told = re.search(rf"^ +{kind}: (.*?)(?:\n\n|\n +\w+: |\Z)", module.__doc__ or "", re.S | re.M)
    if told is None:
        raise ValueError(f"{module.__name__} does not say what a {kind} is made of")
    parts = " ".join(told[1].split()).split(" | ")
    return [re.sub(r" (\d+|u\d+)$", "", part) for part in parts]
