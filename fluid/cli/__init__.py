"""The `fluid` command line. One command, one file; `group.py` finds them."""

from fluid.cli.group import main

__all__ = ["main"]
