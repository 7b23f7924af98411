"""docs/protocol.md gives the topics, fields, codes and spans that the code has, and no others."""

import dataclasses
import re
from pathlib import Path

import pytest

from edge_agent.core.settings import Timing
from edge_agent.home_assistant.activity import ActivityReport
from edge_agent.wishes import HANDOVERS_PROPERTY
from fluid import topics
from fluid.cli.status_view import document
from fluid.client import ClusterSnapshot
from fluid.errors import ErrorCode
from fluid.messages import (
    DEADLINE_PROPERTY,
    MIN_SUBNETWORK_PROPERTY,
    PROBABILITIES_PROPERTY,
    UNIQUE_PROPERTY,
    AgentState,
    ClusterState,
    Heartbeat,
    Mode,
    Presence,
    Result,
    Role,
)
from fluid.messages.control import DEFAULT_IN_FLIGHT, GREATEST_CAPACITY, LEAST_CAPACITY
from fluid.topics import Topics

PAGE = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text(encoding="utf-8")
SECONDS = {"s": 1.0, "h": 3600.0}

PRESENCE = Presence("a", AgentState.ONLINE, Role.MASTER, Role.MASTER.priority, 1, "0" * 64)
REPORT = ActivityReport("a", 1.0, None, None)
RESULT = Result("i", 1, "one", 0.9, Mode.HA, "100", ("a",), "0" * 12, 1.0, 1.0)


def table(head: str, *, after: str = "") -> dict[str, list[str]]:
    """The rows of the first table with this head after a phrase, by their first cell."""
    lines = PAGE[PAGE.index(f"| {head} |", PAGE.index(after)) :].splitlines()[2:]
    rows = {}
    for line in lines:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[cells[0]] = cells[1:]
    return rows


def names(text: str) -> set[str]:
    """What is written as code: one name, or several with commas between them."""
    return {name for code in re.findall(r"`([^`]+)`", text) for name in code.split(", ")}


def fields(value: Presence | Heartbeat | ClusterState | Result | ActivityReport) -> set[str]:
    return {field.name for field in dataclasses.fields(value)}


def test_every_error_code_is_on_the_page_and_no_other() -> None:
    assert {row.strip("`") for row in table("code | cause")} == set(ErrorCode)


def test_every_span_of_the_core_is_on_the_page_with_its_value_and_no_other() -> None:
    told = {}
    for name, (value, _) in table("span | value | what for").items():
        number, unit = value.split()
        told[f"{name.strip('`')}_s"] = float(number) * SECONDS[unit]
    assert told == dataclasses.asdict(Timing())


def test_every_topic_of_the_cluster_is_on_the_page() -> None:
    rows = table("topic | retained | QoS | from | payload")
    told = {Topics().kind(topic) for row in rows for topic in names(row)}
    of_requesters = {"other"}  # results: a response topic like any other
    assert told - of_requesters == set(topics._RESERVED)


@pytest.mark.parametrize(
    ("topic", "message"),
    [
        ("presence/<agent>", PRESENCE),
        ("heartbeat/<agent>", Heartbeat("a", 1, 1)),
        ("cluster", ClusterState(1, 0, "a", Mode.HA)),
        ("state/<agent>", REPORT),
    ],
)
def test_the_fields_of_each_message_are_on_the_page(
    topic: str, message: Presence | Heartbeat | ClusterState | ActivityReport
) -> None:
    rows = table("topic | retained | QoS | from | payload")
    assert names(rows[f"`fluid/{topic}`"][-1]) == fields(message)


def test_every_field_of_a_report_is_explained() -> None:
    assert names(" ".join(table("field | of a report"))) == fields(REPORT)


def test_every_field_of_a_presence_is_explained() -> None:
    whereabouts = table("field | meaning", after="Presence fields")
    abilities = table("field | default | meaning")
    assert {"agent"} | names(" ".join([*whereabouts, *abilities])) == fields(PRESENCE)


def test_the_defaults_of_what_a_presence_leaves_out_are_on_the_page() -> None:
    rows = table("field | default | meaning")
    assert int(rows["`in_flight`"][0]) == DEFAULT_IN_FLIGHT == PRESENCE.in_flight
    assert float(rows["`capacity`"][0]) == PRESENCE.capacity
    assert f"{LEAST_CAPACITY:g} to {GREATEST_CAPACITY:g}" in rows["`capacity`"][1]


def test_the_fields_of_an_answer_are_on_the_page() -> None:
    full = dataclasses.replace(RESULT, degraded=True, probabilities=(1.0,), logits=(1.0,))
    assert names(" ".join(table("field | meaning"))) == set(full.to_json())


def test_the_user_properties_of_a_request_are_on_the_page() -> None:
    told = " ".join(table("MQTT 5 property | effect"))
    for name, value in (PROBABILITIES_PROPERTY, UNIQUE_PROPERTY):
        assert f"`{name}` = `{value}`" in told
    assert {DEADLINE_PROPERTY, MIN_SUBNETWORK_PROPERTY} <= names(told)
    assert f"`{HANDOVERS_PROPERTY}`" in PAGE


def test_the_fields_of_the_status_document_are_on_the_page() -> None:
    state = ClusterState(1, 0, "a", Mode.HA)
    shown = document(ClusterSnapshot(state=state, presences=(PRESENCE,), heartbeats={}), 0.0)
    (member,) = shown["members"]
    section = PAGE[PAGE.index("## `fluid status --json`") :]
    of_member = re.search(r"Each of `members`: `([^`]+)`", section)
    assert of_member is not None
    assert set(of_member[1].replace("\n", " ").split(", ")) == set(member)
    whole = section[: section.index("Each of `members`")]
    assert names(whole) >= set(shown)
