"""Runs the rounds of one number of agents, from measuring the capacity to the last answer.

Owns the order of things; what each part does is in its own module.
"""

import itertools
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fluid import FluidClient
from fluid.messages import Mode
from tests.chaos.episodes import Campaign, Capacity, Episode
from tests.chaos.faults import carry_out
from tests.chaos.figures import round_figures
from tests.chaos.folder import CampaignFolder
from tests.chaos.plan import Round
from tests.chaos.stream import Stream
from tests.integration.harness.fleet import Fleet
from tests.integration.harness.oracle import Oracle
from tests.processes import wait_until

_MODES = (Mode.HA, Mode.HT)
_WINDOW = 64
_SERVE_TIMEOUT_S = 30.0  # only to end a round that never ends


@dataclass(frozen=True, slots=True)
class Load:
    """How much is asked for. share: of the capacity; of_survivors: of what is left of it when one
    agent is away. measure_s: how long each of the three measurements of a capacity takes."""

    share: float = 0.6
    of_survivors: bool = False
    measure_s: float = 2.0

    def rate_per_s(self, capacity: Capacity, round_: Round) -> float:
        """What a round's stream asks for: in both modes that it sees no more than the share."""
        rates = [capacity.everybody[mode] for mode in (round_.before, round_.after)]
        if self.of_survivors:
            rates += [capacity.survivors[mode] for mode in (round_.before, round_.after)]
        return self.share * min(rates)


def run_campaign(
    fleet: Fleet, oracle: Oracle, *, rounds: Sequence[Round], load: Load, folder: CampaignFolder
) -> Campaign:
    """Measure the capacity, then let a fault happen in each round."""
    url = fleet.broker.url
    with FluidClient(url) as client:
        capacity = _measure_capacity(fleet, client, oracle, measure_s=load.measure_s)
    folder.say(f"capacity {_rates(capacity.everybody)}; one away {_rates(capacity.survivors)}")
    fleet.wait_until_formed(Mode.HA)
    episodes: list[Episode] = []
    stopped_by = ""
    with FluidClient(url) as client, Stream(client, oracle) as stream:
        begin = 0
        for round_ in rounds:
            rate_per_s = load.rate_per_s(capacity, round_)
            stream.set_rate(rate_per_s)
            try:
                episode = _run_round(fleet, stream, round_, begin=begin, rate_per_s=rate_per_s)
            except AssertionError as failure:  # what waits for the cluster ends so
                stopped_by = f"round {round_.number} ({round_.fault}, {round_.before}): {failure}"
                folder.say(stopped_by)
                break
            episodes.append(episode)
            begin += len(episode.records)
            folder.say(_describe(episode))
            folder.note_slow(episode)
        stream.set_rate(None)
        stream.wait_until_answered(stream.mark())
        return Campaign(
            agents=len(fleet.names),
            load=load.share,
            capacity=capacity,
            episodes=episodes,
            records=stream.records,
            statistics=client.statistics,
            stopped_by=stopped_by,
        )


def _run_round(
    fleet: Fleet, stream: Stream, round_: Round, *, begin: int, rate_per_s: float
) -> Episode:
    """One fault, from the peace before it to the last answer; begin: where its records begin."""
    time.sleep(round_.steady_s)
    fault_s = carry_out(fleet, round_)
    words = fleet.wait_until_formed(round_.after)
    formed_s = time.monotonic()
    _wait_until_all_answer(fleet, stream)
    end = stream.mark()
    stream.wait_until_answered(end, begin=begin)
    return Episode(
        round=round_,
        rate_per_s=rate_per_s,
        fault_s=fault_s,
        formed_s=formed_s,
        words=words,
        records=stream.records[begin:end],
    )


def _wait_until_all_answer(fleet: Fleet, stream: Stream) -> None:
    """Until each agent has taken part in an answer to what is asked from now on."""
    begin = stream.mark()

    def all_have_answered() -> bool:
        seen = {name for record in stream.records[begin:] for name in record.devices}
        return seen >= set(fleet.names)

    wait_until(
        all_have_answered, timeout_s=_SERVE_TIMEOUT_S, what="not every agent takes part in answers"
    )


def _measure_capacity(
    fleet: Fleet, client: FluidClient, oracle: Oracle, *, measure_s: float
) -> Capacity:
    last = fleet.names[-1]
    everybody = _measure_modes(fleet, client, oracle, members=fleet.names, measure_s=measure_s)
    fleet[last].leave()
    survivors = _measure_modes(fleet, client, oracle, members=fleet.names[:-1], measure_s=measure_s)
    fleet[last].start()
    return Capacity(everybody, survivors)


def _measure_modes(
    fleet: Fleet,
    client: FluidClient,
    oracle: Oracle,
    *,
    members: Sequence[str],
    measure_s: float,
) -> Mapping[Mode, float]:
    capacity = {}
    for mode in _MODES:
        fleet.wait_until_formed(mode, members=members)
        capacity[mode] = _measure(client, oracle, measure_s=measure_s)
    return capacity


def _measure(client: FluidClient, oracle: Oracle, *, measure_s: float) -> float:
    """Requests a second with so many under way: the median of three, after a warm-up."""
    _rate(client, oracle, measure_s=measure_s / 2)
    return statistics.median(_rate(client, oracle, measure_s=measure_s) for _ in range(3))


def _rate(client: FluidClient, oracle: Oracle, *, measure_s: float) -> float:
    begin_s = time.monotonic()

    def payloads() -> Iterator[bytes]:
        for index in itertools.count():
            if time.monotonic() - begin_s >= measure_s:
                return
            yield oracle.image(index).tobytes()

    count = sum(1 for answer in client.infer_many(payloads(), window=_WINDOW) if answer.results())
    return count / (time.monotonic() - begin_s)


def _rates(capacity: Mapping[Mode, float]) -> str:
    return ", ".join(f"{mode} {rate:.0f}/s" for mode, rate in capacity.items())


def _describe(episode: Episode) -> str:
    figures = round_figures(episode)
    modes = figures.before + (f"->{figures.after}" if figures.after != figures.before else "")
    text = (
        f"{figures.number:3} {figures.fault:30} {modes:7} {figures.victim:8} "
        f"{figures.requests:6} requests, {figures.in_flight:4} in flight: "
        f"last after {_seconds(figures.last_ms)}; "
        f"longest of the outage {_seconds(figures.longest_ms)}; "
        f"whole after {_seconds(figures.formed_ms)}"
    )
    if figures.degraded.count:
        text += f"; degraded: {figures.degraded.count}"
    return text + (f"; PROBLEMS: {figures.problems}" if figures.problems else "")


def _seconds(time_ms: float | None) -> str:
    return "     -" if time_ms is None else f"{time_ms / 1000:6.3f} s"
