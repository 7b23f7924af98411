"""`fluid infer`: have images classified and print what they show."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import click

from fluid.bus.protocol import REASON_PACKET_TOO_LARGE
from fluid.cli.errors import ExitCode
from fluid.cli.json_option import json_option
from fluid.cli.printable import MOST_OF_A_MESSAGE, escaped, printable
from fluid.cli.progress import Tally, progress_bar
from fluid.cli.seconds import Seconds, timeout_option
from fluid.cli.target import Target, target_options
from fluid.client import Answer
from fluid.errors import FluidError, ImageError, RequestRefused, RequestTimeout
from fluid.messages.replies import ErrorReply, Reply, Result

_TOO_LARGE = f"mqtt_reason_{REASON_PACKET_TOO_LARGE:#04x}"
_ANY_WIDTH = 10_000  # a table takes no more than it needs
_HEADINGS = ("image", "class", "confidence", "sub-network", "devices", "ms", "probabilities")
_FOLDABLE_TO = {"image": 12, "class": 12, "devices": 12, "probabilities": 11}
# What a narrow terminal does without, in this order.
_DISPENSABLE = ("ms", "devices", "sub-network", "confidence")


@dataclass(frozen=True, slots=True)
class _Row:
    """One image's outcome. A batch has a row for each of its images."""

    image: str
    answer: Answer
    reply: Reply

    @property
    def failed(self) -> bool:
        return isinstance(self.reply, ErrorReply)

    def to_json(self) -> dict[str, Any]:
        return {
            "image": self.image,
            **self.reply.to_json(),
            "latency_ms": round(self.answer.latency_ms, 3),
            "attempts": self.answer.attempts,
        }


def _name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    if value is not None and not (value and value.isprintable()):
        raise click.BadParameter("give the name of a sub-network, such as 100")
    return value


@click.command()
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path())
@click.option("--probabilities", is_flag=True, help="Also print every class's probability.")
@click.option(
    "--logits",
    is_flag=True,
    help="With --json: also print every class's logit, to the last bit of its float32.",
)
@click.option(
    "--min-subnetwork",
    metavar="NAME",
    callback=_name,
    help="The least that counts as an answer, for example 100: less is an error.",
)
@click.option(
    "--deadline",
    "deadline_s",
    type=Seconds(),
    metavar="SECONDS",
    help="Where devices answer together, answer by then with what is there (degraded), or with an "
    "error if that is too little.  [default: wait for each device that is at work]",
)
@timeout_option("How long to keep asking for each image.", default_s=30.0)
@json_option("Print one JSON object a line.")
@target_options
def infer(
    *,
    target: Target,
    images: tuple[str, ...],
    probabilities: bool,
    logits: bool,
    min_subnetwork: str | None,
    deadline_s: float | None,
    timeout_s: float,
    as_json: bool,
) -> None:
    """Have images classified by the cluster.

    IMAGE is a PNG, JPEG or .npy file (one image or a batch), or a file of raw pixels. An image
    that fails does not stop the others. A bar shows how many are answered, where stderr is a
    terminal. On a narrow terminal, columns are left out of the table: ms, devices, sub-network,
    confidence, in this order.

    Exit status: 0 if each image has its class; 1 if one has not, or if the broker cannot be used;
    2 if an option cannot.
    """
    if logits and not as_json:
        raise click.UsageError("--logits has no column in the table: give --json too")
    with target.client(timeout_s=timeout_s) as client:
        answers = client.infer_many(
            images,
            probabilities=probabilities,
            logits=logits,
            min_subnetwork=min_subnetwork,
            deadline_s=deadline_s,
        )
        # Lines of JSON on the same terminal are progress enough.
        wanted = not (as_json and sys.stdout.isatty())
        with progress_bar("images", total=len(images), wanted=wanted) as tally:
            rows = _told(zip(images, answers, strict=True), tally, as_json=as_json)
        if not as_json:
            _print_table(rows, probabilities=probabilities)
    if any(row.failed for row in rows):
        sys.exit(ExitCode.FAILED)


def _told(answers: Iterable[tuple[str, Answer]], tally: Tally, *, as_json: bool) -> list[_Row]:
    """All rows. Those that cannot wait for the table are printed as they come."""
    rows = []
    for image, answer in answers:
        for row in _rows(image, answer):
            rows.append(row)
            if as_json:
                click.echo(json.dumps(row.to_json()))
            elif isinstance(row.reply, ErrorReply):
                message = printable(row.reply.message, most=MOST_OF_A_MESSAGE)
                code = printable(row.reply.code)
                tally.say(f"error: {escaped(row.image)}: {message} [{code}]")
        tally.advance()
    return rows


def _rows(image: str, answer: Answer) -> Iterator[_Row]:
    if answer.error is not None:
        reply = ErrorReply(answer.id, _code(answer.error), _message(answer.error, image))
        yield _Row(image, answer, reply)
        return
    for index, each in enumerate(answer.replies):
        name = image if len(answer.replies) == 1 else f"{image}[{index}]"
        yield _Row(name, answer, each)


def _message(error: FluidError, image: str) -> str:
    message = str(error).removeprefix(f"{image}: ")  # the row names it already
    if isinstance(error, RequestTimeout):
        return f"{message}; is a device online? see 'fluid status'"
    if isinstance(error, RequestRefused):
        message = message.removesuffix(f" [{error.code}]")  # the row has it already
        if error.code == _TOO_LARGE:
            return f"{message}; send smaller images, or fewer in a file"
    return message


def _code(error: FluidError) -> str:
    """A name for errors that did not come from the cluster, which has codes of its own."""
    match error:
        case RequestRefused():
            return error.code
        case RequestTimeout():
            return "timeout"
        case ImageError():
            return "unreadable_file"
        case _:
            return "failed"


def _print_table(rows: Iterable[_Row], *, probabilities: bool) -> None:
    from rich.console import Console  # noqa: PLC0415 -- `--json` needs no table
    from rich.text import Text  # noqa: PLC0415 -- as above

    from fluid.cli.fitting import Column, FittingTable  # noqa: PLC0415 -- as above

    columns = [Column(each, _FOLDABLE_TO.get(each)) for each in _HEADINGS]
    if not probabilities:
        columns = columns[:-1]
    found = tuple(
        tuple(map(Text, _cells(row.image, row.reply, row.answer)))
        for row in rows
        if isinstance(row.reply, Result)
    )
    if not found:
        return
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console = Console(width=_ANY_WIDTH)  # whoever reads a file or a pipe wants whole names
    console.print(FittingTable(tuple(columns), found, _DISPENSABLE))


def _cells(image: str, result: Result, answer: Answer) -> tuple[str, ...]:
    subnetwork = f"{result.subnetwork} (degraded)" if result.degraded else result.subnetwork
    return (
        escaped(image),
        printable(result.class_name),
        f"{result.confidence:.1%}",
        printable(subnetwork),
        ", ".join(map(printable, result.devices)),
        f"{answer.latency_ms:.1f}",
        " ".join(f"{each:.3f}" for each in result.probabilities or ()),
    )
