from dataclasses import replace

from tests.chaos.environment import Environment
from tests.chaos.figures import summarise
from tests.chaos.making import FAULT_S, campaign, episode, record
from tests.chaos.plan import Fault
from tests.chaos.report import render_report

WHERE = Environment(
    processor="a processor",
    cores=2,
    python="3.11.7",
    mosquitto="2.0.11",
    interpreter="litert 2",
    images="images of noise",
    bundle="mnist-cnn",
)


def test_the_report_tells_each_fault_its_times_and_the_machine() -> None:
    episodes = [
        episode(
            record(FAULT_S - 1.0, FAULT_S - 0.9),
            record(FAULT_S - 0.1, FAULT_S + 0.3),
            record(FAULT_S + 1.0, FAULT_S + 1.2),
            fault=fault,
        )
        for fault in Fault
    ]
    report = render_report([summarise(campaign(*episodes, duplicates=7))], WHERE, seed=3)
    for fault in Fault:
        assert f"| {fault} | ha | 1 | 1 | 300 | 300 | 300 | 300 | 300 | 300 |" in report
    assert "7 rounds, 21 requests: 0 lost" in report
    assert "dropped 7 second answers" in report
    assert "drawn with seed 3" in report
    assert "2 cores, a processor, Python 3.11.7, Mosquitto 2.0.11, litert 2" in report
    assert "Stopped early" not in report


def test_every_line_of_a_table_has_as_many_columns_as_its_heading() -> None:
    figures = summarise(campaign(episode(record(FAULT_S - 0.1, FAULT_S + 0.3))))
    for block in render_report([figures], WHERE, seed=1).split("\n\n"):
        if block.startswith("|"):
            assert len({line.count("|") for line in block.splitlines()}) == 1


def test_the_load_of_the_survivors_is_told() -> None:
    figures = summarise(campaign(episode(record(FAULT_S - 1.0, FAULT_S - 0.9))))
    report = render_report([figures], WHERE, seed=1)
    assert "| ha | 500 | 400 | 200 | 50% | 100 | 100 |" in report


def test_failures_stand_where_nobody_overlooks_them() -> None:
    lost = record(FAULT_S, FAULT_S + 60.0, problem="RequestTimeout: no answer")
    stopped = campaign(episode(lost), stopped_by="round 2: not all serve")
    report = render_report([summarise(stopped)], WHERE, seed=1)
    assert "**Stopped early**: round 2: not all serve" in report
    assert "- 1 x RequestTimeout: no answer" in report
    assert "| 2 agents: lost | 1 | 0 | no |" in report


def test_degraded_answers_stand_with_the_fault_that_they_came_after() -> None:
    whole = episode(record(FAULT_S + 1.0, FAULT_S + 1.2), fault=Fault.KILL)
    halves = episode(
        record(FAULT_S - 0.1, FAULT_S + 0.1, degraded_by="a"),
        record(FAULT_S + 3.0, FAULT_S + 3.1, degraded_by="a"),
        fault=Fault.BROKER_KILL,
    )
    observed = campaign(whole, halves)
    unfinished = record(FAULT_S, FAULT_S + 0.1, degraded_by="b")
    figures = summarise(replace(observed, records=[*observed.records, unfinished]))
    report = render_report([figures], WHERE, seed=1)
    assert "| broker SIGKILL | ha | 1 of 1 | 0 | 1 | 0 | 1 | 2 |" in report
    assert "| SIGKILL | ha | 0 of 1 |" not in report
    assert "| in no finished round |  |  |  |  |  |  | 1 |" in report


def test_where_no_answer_was_degraded_there_is_no_table_of_them() -> None:
    figures = summarise(campaign(episode(record(FAULT_S, FAULT_S + 0.1))))
    assert "Degraded answers" not in render_report([figures], WHERE, seed=1)
