"""`python -m broker`: a private broker in the foreground, until Ctrl-C or SIGTERM."""

import signal
import sys
from pathlib import Path
from types import FrameType

import click

from broker.errors import BrokerLaunchError, PortTaken
from broker.launcher import LocalBroker


@click.command(name="broker", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--port",
    default=1883,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Loopback port to listen on; 0 takes a free one.",
)
@click.option(
    "--persistence",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder where retained messages and sessions outlive a restart.",
)
def main(port: int, directory: Path | None) -> None:
    """Run a private Mosquitto on loopback with Fluid's configuration.

    Prints its URL as the only line on standard output once it accepts clients. Without
    --persistence nothing outlives it: no retained message, no session, no request.
    """
    signal.signal(signal.SIGTERM, _exit_in_order)
    broker = LocalBroker(
        persistence=directory is not None,
        directory=directory,
        port=port or None,
        log_to_stderr=True,
    )
    try:
        with broker:
            click.echo(broker.url)
            status = broker.wait()
    except PortTaken as error:
        raise click.ClickException(
            f"{error}: choose another with --port, and name it to agents and commands with "
            "FLUID_BROKER=mqtt://127.0.0.1:PORT"
        ) from error
    except BrokerLaunchError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        return
    raise click.ClickException(f"Mosquitto ended with status {status}")


def _exit_in_order(_signal_number: int, _frame: FrameType | None) -> None:
    """Leave through the `with` block, which stops the broker."""
    sys.exit(0)


if __name__ == "__main__":
    main()
