"""What was promised, beside what was measured. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.chaos.figures import CampaignFigures

REQUESTS = 100_000
KILLED_S = 0.5
SILENT_S = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    """holds: None where nothing was measured. is_time: whether it depends on the machine."""

    promised: str
    measured: str
    bar: str
    holds: bool | None
    is_time: bool = False


def bars(campaigns: Sequence[CampaignFigures]) -> list[Bar]:
    """Every bar of every campaign, in a readable order."""
    return [bar for campaign in campaigns for bar in _of(campaign)]


def _of(campaign: CampaignFigures) -> Iterator[Bar]:
    totals, with_agents = campaign.totals, f"{campaign.agents} agents"
    yield Bar(
        f"{with_agents}: requests",
        f"{totals.requests:,}",
        f"at least {REQUESTS:,}",
        totals.requests >= REQUESTS,
    )
    for name, count in (
        ("lost", totals.lost),
        ("answered with an error", totals.refused),
        ("answered wrongly", totals.wrong),
        ("delivered twice by the client library", totals.twice),
    ):
        yield Bar(f"{with_agents}: {name}", str(count), "0", count == 0)
    for name, spread, bar_s in (
        ("under way when a process is killed, p99", campaign.killed, KILLED_S),
        ("sent after a kill, until all serve again, p99", campaign.killed_during, KILLED_S),
        ("under way when a device falls silent, p99", campaign.silent, SILENT_S),
        ("sent during a silence, until all serve again, p99", campaign.silent_during, SILENT_S),
    ):
        measured_s = None if spread.p99_ms is None else spread.p99_ms / 1000
        yield Bar(
            f"{with_agents}: {name}",
            "-" if measured_s is None else f"{measured_s:.3f} s",
            f"within {bar_s:g} s",
            None if measured_s is None else measured_s <= bar_s,
            is_time=True,
        )
