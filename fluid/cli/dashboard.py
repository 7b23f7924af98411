"""`fluid dashboard`: a web page that shows the cluster as it works."""

from pathlib import Path

import click

from fluid.cli.errors import CommandFailed
from fluid.cli.target import Target, target_options

_EXTRA_MODULES = {"starlette", "uvicorn"}


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Where to listen. Whoever reaches it sees the cluster and may set its mode: give another "
    "address only in a network that you trust.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8080,
    show_default=True,
    help="0 for any that is free.",
)
@click.option(
    "--name",
    "names",
    multiple=True,
    metavar="NAME",
    help="A host name by which the page may be opened, besides this machine's own and its "
    "addresses, for example behind a proxy.",
)
@click.option(
    "--bundle",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The bundle that the devices serve: to show how accurate its sub-networks are, and to "
    "know what images they take.",
)
@click.option("--open", "opens_browser", is_flag=True, help="Open it in a browser.")
@target_options
def dashboard(
    *,
    target: Target,
    host: str,
    port: int,
    names: tuple[str, ...],
    bundle: Path | None,
    opens_browser: bool,
) -> None:
    """Serve a web page that shows the cluster as it works.

    It shows devices, mode, what is answered and what happens, sets the mode, and asks the cluster
    for a digit that you draw. While no broker answers, the page says so.

    Exit status: 130 after Ctrl-C; 1 if the address cannot be used or the bundle not be read; 2 if
    an option cannot.
    """
    try:
        from fluid.dashboard.server import Serving, is_local, serve  # noqa: PLC0415 -- an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA_MODULES:
            raise
        raise CommandFailed(
            "'fluid dashboard' needs the dashboard extra: pip install '.[dashboard]' in the clone"
        ) from error
    from fluid.bundle import load_bundle  # noqa: PLC0415 -- as slow as NumPy

    buses = target.buses()
    if not is_local(host):
        click.echo(
            f"warning: whoever reaches {host} can see the cluster and set its mode", err=True
        )
    serve(
        Serving(
            buses=buses,
            topics=target.topics,
            client=target.client(timeout_s=30.0),
            broker=", ".join(map(str, buses)) if target.given_bus is None else "the bus",
            manifest=load_bundle(bundle).manifest if bundle else None,
            host=host,
            port=port,
            names=names,
            announce=lambda url: click.echo(f"the page is at {url} (Ctrl-C ends it)"),
            opens_browser=opens_browser,
        )
    )
