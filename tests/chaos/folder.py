"""The folder that a campaign writes to: logs, a timeline to read them by, and what was slow."""

import csv
import sys
import time
from pathlib import Path

from tests.chaos.episodes import Episode

_SLOW_S = 0.25
_COLUMNS = (
    "round",
    "fault",
    "mode",
    "since_fault_s",
    "latency_s",
    "attempts",
    "subnetwork",
    "devices",
    "degraded",
    "problem",
)


class CampaignFolder:
    """Its logs say the time of day; so does the timeline."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        with self._slow.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(_COLUMNS)

    def say(self, line: str) -> None:
        """Tell a person, and the timeline."""
        now_s = time.time()
        clock = f"{time.strftime('%H:%M:%S', time.localtime(now_s))}.{int(now_s % 1 * 1000):03}"
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        with (self.path / "timeline.log").open("a", encoding="utf-8") as file:
            file.write(f"{clock} {line}\n")

    def note_slow(self, episode: Episode) -> None:
        """Write down the requests of a round that took long, or were answered by less than was
        online."""
        with self._slow.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            for record in episode.records:
                is_slow = record.answered_s is None or record.latency_s >= _SLOW_S
                if is_slow or record.degraded or record.problem:
                    writer.writerow(
                        (
                            episode.round.number,
                            episode.round.fault,
                            episode.round.before,
                            f"{record.submitted_s - episode.fault_s:.3f}",
                            "" if record.answered_s is None else f"{record.latency_s:.3f}",
                            record.attempts,
                            record.subnetwork,
                            "+".join(record.devices),
                            int(record.degraded),
                            record.problem,
                        )
                    )

    @property
    def _slow(self) -> Path:
        return self.path / "slow.csv"
