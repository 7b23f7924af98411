"""The readings that several parts take of a stream. Pure."""

from collections.abc import Iterator

from fluid.bench.figures import Case, Reading
from fluid.bench.generator import BROKER, OURSELVES
from fluid.bench.observations import Observations

FAILS = "fails"


def throughput(case: Case, seen: Observations, *, share: float | None) -> Iterator[Reading]:
    """Images a second, and who has worked for it. share: of a core, that each agent has.

    Where nothing was answered, the note of the first says why.
    """
    yield Reading(case, "images_per_s", seen.images_per_s, note=failure(seen))
    agents = [used for name, used in seen.cores.items() if name not in (BROKER, OURSELVES)]
    if agents:
        yield Reading(case, "agents_cores", sum(agents))
    if agents and share is not None:
        yield Reading(case, "agents_of_share", sum(agents) / (share * len(agents)))
    for name, quantity in ((BROKER, "broker_cores"), (OURSELVES, "generator_cores")):
        if name in seen.cores:
            yield Reading(case, quantity, seen.cores[name])


def traffic(case: Case, seen: Observations) -> Iterator[Reading]:
    """What the broker read and wrote for an image."""
    if seen.bytes_per_image is not None:
        yield Reading(case, "bytes_per_image", seen.bytes_per_image)


def latency(case: Case, seen: Observations) -> Iterator[Reading]:
    for percent in (50, 99):
        value = seen.latency_ms(percent)
        if value is not None:
            yield Reading(case, f"p{percent}_ms", value)


def unanswered(case: Case, seen: Observations) -> Iterator[Reading]:
    """Requests without an answer, and those that were answered with an error."""
    yield Reading(case, "lost", seen.lost)
    yield Reading(case, "errors", sum(seen.errors.values()), note=", ".join(seen.errors))


def failure(seen: Observations) -> str:
    """Why nothing was answered; "" if something was."""
    if seen.accuracy is not None:
        return ""
    return f"{FAILS}: {', '.join(seen.errors) or 'no answer'}"
