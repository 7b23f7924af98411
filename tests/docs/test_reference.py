"""docs/protocol-reference.md is what the code says now, and finds out what it should."""

import json

import pytest

from fluid import topics
from fluid.errors import ErrorCode
from fluid.messages import decode_heartbeat
from fluid.topics import Topics
from tests.docs.reference import PAGE, codes, fields, layouts, reference, rights, topic_list
from tests.docs.reference.samples import HEARTBEAT
from tests.docs.tables import by_code, read_table, write_table

TOPICS = "topic | retained | QoS | a device | a requester | an operator"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_page_is_not_stale() -> None:
    assert reference() == TEXT, "run scripts/protocol-reference"


def test_every_kind_of_topic_is_on_the_page() -> None:
    rows = by_code(read_table(TEXT, TOPICS))
    kinds = {Topics().kind(topic) for topic in rows}
    assert kinds - {"other"} == set(topics._RESERVED)
    assert "fluid/result" in rows


def test_every_error_code_is_on_the_page_with_cause_and_advice() -> None:
    rows = by_code(read_table(TEXT, "code | cause | what to do"))
    assert set(rows) == set(ErrorCode)
    assert all(cell for cells in rows.values() for cell in cells)


@pytest.mark.parametrize(
    ("topic", "device", "requester", "operator"),
    [
        ("fluid/presence/<agent>", "writes its own, reads all", "-", "writes, reads"),
        ("fluid/partial/<agent>", "writes all, reads its own", "-", "reads"),
        ("fluid/mode/set", "reads", "-", "writes, reads"),
        ("fluid/infer", "writes, reads", "writes", "writes, reads"),
    ],
)
def test_rights_are_those_of_the_access_lists(
    topic: str, device: str, requester: str, operator: str
) -> None:
    rows = by_code(read_table(TEXT, TOPICS))
    assert rows[topic][2:] == [device, requester, operator]


def test_a_topic_that_agents_code_does_not_publish_is_as_the_page_says() -> None:
    rows = by_code(read_table(topic_list.table({"fluid/moon/<agent>": ["no", "0", "it"]}), TOPICS))
    assert rows["fluid/moon/<agent>"][:2] == ["no", "0"]
    assert rows["fluid/heartbeat/<agent>"][:2] == ["no", "0"]
    assert rows["fluid/presence/<agent>"][:2] == ["yes", "1"]


def test_a_right_of_one_user_is_not_anothers() -> None:
    assert rights.may("clients.acl", "operator", "write", "fluid/mode/set")
    assert not rights.may("clients.acl", "camera", "write", "fluid/mode/set")
    assert rights.may("clients.acl", "camera", "read", "fluid/result/camera/1")
    assert not rights.may("clients.acl", "camera", "read", "fluid/result/door/1")


def test_a_field_that_may_be_left_out_says_what_it_is_taken_for() -> None:
    document = json.loads(HEARTBEAT.encode())
    told = fields.table(HEARTBEAT.encode(), decode_heartbeat, dict.fromkeys(document, "what"))
    assert by_code(read_table(told, "field | JSON | if absent | meaning"))["busy"] == [
        "number", "refused", "what"
    ]  # fmt: skip
    rows = by_code(read_table(TEXT, "field | JSON | if absent | meaning", after="## Presence"))
    assert rows["capacity"][1] == "`1.0`"
    assert rows["serving"][:2] == ["string or `null`", "`null`"]


def test_a_field_without_a_meaning_is_refused() -> None:
    with pytest.raises(KeyError, match="agent"):
        fields.table(HEARTBEAT.encode(), decode_heartbeat, {})


@pytest.mark.parametrize("layout", [layouts.partials(), layouts.feature_maps()])
def test_the_parts_of_a_record_follow_one_another(layout: str) -> None:
    rows = read_table(layout, "offset | bytes | type | what")
    end = 0
    for offset, (size, _, _) in list(rows.items())[:-1]:
        assert int(offset) == end
        end += int(size) if size.isdigit() else 0


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise E("what to do [no_leader]")', ["no_leader"]),
        ('f"{path}: copy it [key_file_unusable]"', ["key_file_unusable"]),
        ('BAD_CODE = "bad_thing"', ["bad_thing"]),
        ('"[not_at_the_end] of it"', []),
        ('"[agent]"', []),
        ('NAME = "bad_thing"', []),
    ],
)
def test_the_codes_of_commands_are_found_in_the_source(source: str, found: list[str]) -> None:
    assert list(codes.codes_in(source)) == found


def test_codes_of_files_that_both_read_are_of_both() -> None:
    told = codes.command_codes()
    assert told["key_mismatch"] == "`fluid`, `edge-agent`"
    assert told["no_leader"] == "`fluid`"
    assert told["metrics_address_unusable"] == "`edge-agent`"


def test_a_table_is_read_as_it_was_written() -> None:
    text = write_table(("name", "what"), [("`a`, `b`", "two"), ("`c`", "one")])
    rows = read_table(text, "name | what")
    assert rows == {"`a`, `b`": ["two"], "`c`": ["one"]}
    assert by_code(rows) == {"a": ["two"], "b": ["two"], "c": ["one"]}
