"""`fluid status --watch`: the same again, as long as it is wanted."""

import json
import time
from typing import Never

import click

from fluid.cli.status_view import document, table
from fluid.client.observer import ClusterObserver

_JSON_AT_LEAST_S = 5.0
_TABLE_AT_LEAST_S = 0.5


def watch_json(observer: ClusterObserver) -> Never:
    """A line for each change, and at least one each five seconds."""
    while True:
        view = observer.wait(_JSON_AT_LEAST_S)
        click.echo(json.dumps(document(view.snapshot, time.monotonic(), trouble=view.trouble)))


def watch_table(observer: ClusterObserver) -> Never:
    """A table that is kept up to date; where there is no terminal, a new one for each change."""
    from rich.console import Console  # noqa: PLC0415 -- `--json` needs no table
    from rich.live import Live  # noqa: PLC0415 -- as above

    console = Console()
    if not console.is_terminal:
        while True:
            view = observer.wait(_JSON_AT_LEAST_S)
            console.print(table(view.snapshot, time.monotonic(), trouble=view.trouble))
    with Live(console=console, auto_refresh=False) as live:
        while True:
            view = observer.wait(_TABLE_AT_LEAST_S)
            shown = table(view.snapshot, time.monotonic(), trouble=view.trouble)
            live.update(shown, refresh=True)
