"""The report of the chaos suite, as Markdown. Pure: every number in it is given.

It holds no date, host or path.
"""

from collections.abc import Iterator, Sequence

from tests.chaos.bars import Bar, bars
from tests.chaos.environment import Environment
from tests.chaos.figures import CampaignFigures, FaultFigures, Spread
from tests.chaos.plan import Fault

_EXPLANATIONS = {
    Fault.KILL: "any agent is killed, and started again 1.5 s later",
    Fault.SILENCE: "any agent is stopped for 5 s: its connections stay open and nothing comes",
    Fault.RESTART: "any agent gets SIGTERM and is started again as soon as it has ended",
    Fault.BROKER_KILL: "the broker is killed and started again; persistence is on, as shipped",
    Fault.BROKER_RESTART: "the broker gets SIGTERM and is started again",
    Fault.SWITCH: "the operator asks for the other mode",
    Fault.KILL_IN_SWITCH: "the same, and within 100 ms the master is killed, for 1.5 s",
}


def render_report(campaigns: Sequence[CampaignFigures], where: Environment, *, seed: int) -> str:
    """The whole report."""
    return "\n\n".join(_blocks(campaigns, where, seed)) + "\n"


def _blocks(campaigns: Sequence[CampaignFigures], where: Environment, seed: int) -> Iterator[str]:
    yield "# Faults under load"
    yield (
        "Written by `make chaos`: real agents and a real Mosquitto on one machine, a client of the "
        "library that streams at a fixed rate, and one fault in each round. Every round is in "
        "`chaos.json`."
    )
    yield "## What was promised"
    yield _bar_table(bars(campaigns))
    for campaign in campaigns:
        yield f"## {campaign.agents} agents"
        yield from _campaign(campaign)
    yield "## How it was measured"
    yield "\n".join(f"- {each}" for each in _method(campaigns, where, seed))


def _campaign(campaign: CampaignFigures) -> Iterator[str]:
    if campaign.stopped_by:
        yield f"**Stopped early**: {campaign.stopped_by}"
    totals = campaign.totals
    yield (
        f"{len(campaign.rounds)} rounds, {totals.requests:,} requests: {totals.lost} lost, "
        f"{totals.refused} answered with an error, {totals.wrong} answered wrongly, "
        f"{totals.twice} delivered twice. The library dropped {totals.dropped:,} second answers "
        f"and sent {totals.resent:,} requests more than once; {totals.degraded:,} answers were "
        "degraded."
    )
    if campaign.problems:
        yield "\n".join(f"- {count} x {text}" for text, count in campaign.problems.items())
    yield _load_table(campaign)
    yield "Requests under way at the fault: milliseconds from the fault to the answer."
    yield _in_flight_table(campaign.by_fault_and_mode)
    yield (
        "Requests sent after the fault, until all agents were seen to serve again: latency in "
        "milliseconds."
    )
    yield _during_table(campaign.by_fault_and_mode)
    if campaign.totals.degraded:
        yield (
            "Degraded answers, of less than was online, by when their requests were sent: before "
            "the fault, under way when it happened, until all agents were seen to serve again, and "
            "from then to the next round. Which round had them, and which device gave them, is in "
            "`chaos.json`."
        )
        yield _degraded_table(campaign)


def _bar_table(rows: Sequence[Bar]) -> str:
    return _table(
        ("promised", "measured", "bar", "holds"),
        [(each.promised, each.measured, each.bar, _verdict(each.holds)) for each in rows],
        left=1,
    )


def _load_table(campaign: CampaignFigures) -> str:
    """What the cluster can do, what it is asked for, and what the survivors make of that."""
    rows = []
    for mode, rate in campaign.rates.items():
        steady = campaign.steady[mode]
        left = campaign.survivors_capacity[mode]
        rows.append(
            (
                mode,
                f"{campaign.capacity[mode]:.0f}",
                f"{left:.0f}",
                f"{rate:.0f}",
                f"{rate / left:.0%}",
                _ms(steady.p50_ms),
                _ms(steady.p99_ms),
            )
        )
    headings = (
        "mode",
        "capacity, requests/s",
        "one agent away",
        "streamed at most",
        "load of the survivors",
        "steady p50 ms",
        "steady p99 ms",
    )
    return _table(headings, rows, left=1)


def _in_flight_table(rows: Sequence[FaultFigures]) -> str:
    headings = (
        "fault",
        "mode",
        "rounds",
        "requests",
        "p50",
        "p99",
        "max",
        "last of a round: p50",
        "p99",
        "max",
    )
    return _table(
        headings,
        [
            (
                each.fault,
                each.mode,
                str(each.rounds),
                str(each.in_flight.count),
                *_three(each.in_flight),
                *_three(each.last),
            )
            for each in rows
        ],
        left=2,
    )


def _during_table(rows: Sequence[FaultFigures]) -> str:
    headings = (
        "fault",
        "mode",
        "requests",
        "p50",
        "p99",
        "max",
        "sent more than once",
        "whole again: p50",
        "max",
        "mode said again",
    )
    return _table(
        headings,
        [
            (
                each.fault,
                each.mode,
                str(each.during.count),
                *_three(each.during),
                str(each.resent),
                _ms(each.formed.p50_ms),
                _ms(each.formed.max_ms),
                str(each.words),
            )
            for each in rows
        ],
        left=2,
    )


def _degraded_table(campaign: CampaignFigures) -> str:
    """Only the faults that had any; what is left is of no round that came to its end."""
    rows = [
        (
            each.fault,
            each.mode,
            f"{each.degraded_rounds} of {each.rounds}",
            str(each.degraded.before),
            str(each.degraded.under_way),
            str(each.degraded.during),
            str(each.degraded.after),
            str(each.degraded.count),
        )
        for each in campaign.by_fault_and_mode
        if each.degraded.count
    ]
    found = sum(each.degraded.count for each in campaign.by_fault_and_mode)
    if left := campaign.totals.degraded - found:
        rows.append(("in no finished round", "", "", "", "", "", "", str(left)))
    headings = ("fault", "mode", "rounds", "before", "under way", "until whole", "after", "all")
    return _table(headings, rows, left=2)


def _method(campaigns: Sequence[CampaignFigures], where: Environment, seed: int) -> Iterator[str]:
    shares = ", ".join(sorted({f"{each.load:.0%}" for each in campaigns}))
    yield (
        f"Load: {shares} of what the cluster answers in its mode in a closed loop of 64 requests "
        "(median of three). In a round with a mode switch, of the lesser of the two modes. "
        "Requests are sent at fixed moments, whatever becomes of the answers, and a latency "
        "counts from the moment when its request was due. The stream was at most "
        f"{max(each.latest_ms for each in campaigns):.0f} ms late."
    )
    yield (
        "Where the survivors' load is above 100 %, requests queue up while a device is away: what "
        "is sent then waits for the queue, not for the fail-over."
    )
    yield (
        f"Faults: drawn with seed {seed}, each kind once in every {len(Fault)} rounds, at a random "
        "moment. " + "; ".join(f"{fault.value}: {_EXPLANATIONS[fault]}" for fault in Fault) + "."
    )
    yield (
        "Whose requests: in HA all devices work on each request. In HT each has its own, and the "
        "client is not told whose. So all requests under way at the fault are counted, and of "
        "each round also the last one, which is the victim's if it had any."
    )
    yield (
        "Whole again: until the retained state, presences and heartbeats show all agents in the "
        "cluster and in the mode, as a poll from outside sees it (about half a second coarse; a "
        "process takes one or two to start). Then each agent has to take part in an answer "
        "before the next round begins."
    )
    yield (
        "Right or wrong: each answer's label and confidence are compared with what the bundle's "
        "files say in the suite's own process, for the sub-network that the answer names."
    )
    yield (
        f"Machine: {where.cores} cores, {where.processor}, Python {where.python}, Mosquitto "
        f"{where.mosquitto}, {where.interpreter}; broker, agents and client share it, and other "
        f"jobs may have run beside. Bundle {where.bundle}, {where.images}."
    )


def _three(spread: Spread) -> tuple[str, str, str]:
    return _ms(spread.p50_ms), _ms(spread.p99_ms), _ms(spread.max_ms)


def _ms(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"


def _verdict(holds: bool | None) -> str:  # noqa: FBT001 - the value is what is rendered
    return "-" if holds is None else "yes" if holds else "no"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> str:
    """left: how many columns are text; the others are numbers."""
    rules = ["---"] * left + ["---:"] * (len(headings) - left)
    lines = [headings, rules, *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
