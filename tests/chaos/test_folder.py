import csv
from pathlib import Path

from tests.chaos.folder import CampaignFolder
from tests.chaos.making import FAULT_S, episode, record


def test_slow_degraded_and_failed_requests_are_written_down(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path / "2-agents")
    quick = record(FAULT_S - 0.5, FAULT_S - 0.4)
    slow = record(FAULT_S - 0.5, FAULT_S + 0.5)
    failed = record(FAULT_S + 0.1, FAULT_S + 0.2, problem="refused")
    half = record(FAULT_S + 0.3, FAULT_S + 0.4, degraded_by="a")
    folder.note_slow(episode(quick, slow, failed, half))
    with (folder.path / "slow.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["since_fault_s"], row["latency_s"]) for row in rows] == [
        ("-0.500", "1.000"),
        ("0.100", "0.100"),
        ("0.300", "0.100"),
    ]
    assert [(row["degraded"], row["devices"]) for row in rows[1:]] == [("0", ""), ("1", "a")]


def test_the_timeline_has_the_time_of_day(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    folder.say("round 1")
    folder.say("round 2")
    lines = (tmp_path / "timeline.log").read_text("utf-8").splitlines()
    assert [line.partition(" ")[2] for line in lines] == ["round 1", "round 2"]
    assert all(line[2] == ":" and line[8] == "." for line in lines)
