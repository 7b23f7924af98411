"""docs/protocol-reference.md: every topic, field, limit and error code, from the code.

Owns the page. What a machine can know of the protocol is asked of the code; what a person has to
say (meanings, causes, what to do) is taken from the tables of docs/protocol.md and
docs/troubleshooting.md, and a name that has none there fails: nothing new can stay unexplained.
"""

import json
from dataclasses import replace
from functools import cache
from string import Template

from fluid.codec import DecodeLimits
from fluid.errors import ErrorCode
from fluid.messages import Mode, decode_cluster, decode_heartbeat, decode_presence
from fluid.messages.control import Role
from fluid.messages.properties import MAX_DEADLINE_S
from tests.docs.pages import ROOT
from tests.docs.reference import codes, fields, layouts, topic_list
from tests.docs.reference.samples import CLUSTER, HEARTBEAT, PRESENCE, REFUSED, RESULT
from tests.docs.tables import by_code, read_table, write_table

PAGE = ROOT / "docs" / "protocol-reference.md"
_FRAME = Template((ROOT / "tests/docs/reference/frame.md").read_text(encoding="utf-8"))


def reference() -> str:
    """The page. Raises `KeyError` or `ValueError` for what nobody has explained."""
    limits = DecodeLimits()
    full = replace(RESULT, degraded=True, probabilities=(0.01, 0.99), logits=(-2.5, 3.25))
    return _FRAME.substitute(
        topics=topic_list.table(_told_topics()),
        properties=_properties(),
        most_bytes=f"{limits.max_bytes // 2**20} MiB",
        most_pixels=f"{limits.max_pixels:,}",
        most_batch=limits.max_batch,
        most_deadline=f"{MAX_DEADLINE_S:g} s",
        answer=fields.answer_table(RESULT, full, _meanings("field | meaning")),
        answer_example=fields.example(RESULT.to_json()),
        error_example=fields.example(REFUSED.to_json()),
        error_codes=_error_codes(),
        command_codes=_command_codes(),
        presence=fields.table(
            PRESENCE.encode(),
            decode_presence,
            {"agent": "its id"}
            | _meanings("field | meaning", after="Presence fields")
            | _meanings("field | default | meaning"),
        ),
        presence_example=_indented(PRESENCE.encode()),
        heartbeat=fields.table(
            HEARTBEAT.encode(), decode_heartbeat, _meanings("field of a heartbeat | meaning")
        ),
        heartbeat_example=_indented(HEARTBEAT.encode()),
        cluster=fields.table(
            CLUSTER.encode(), decode_cluster, _meanings("field of the cluster's state | meaning")
        ),
        cluster_example=_indented(CLUSTER.encode()),
        modes=", ".join(f"`{mode}`" for mode in Mode),
        roles=", ".join(f"`{role}` ({role.priority})" for role in Role),
        partial=layouts.partials(),
        feature=layouts.feature_maps(),
    )


@cache
def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def _told_topics() -> dict[str, list[str]]:
    return by_code(read_table(_page("protocol.md"), "topic | retained | QoS | from | payload"))


def _meanings(head: str, *, after: str = "") -> dict[str, str]:
    """What docs/protocol.md says of each name in a table's first column."""
    rows = by_code(read_table(_page("protocol.md"), head, after=after))
    return {name: cells[-1] for name, cells in rows.items()}


def _indented(payload: bytes) -> str:
    return fields.example(json.loads(payload))


def _properties() -> str:
    rows = read_table(_page("protocol.md"), "MQTT 5 property | effect")
    return write_table(
        ("MQTT 5 property", "effect"), [(first, *cells) for first, cells in rows.items()]
    )


def _error_codes() -> str:
    causes = _meanings("code | cause")
    advice = by_code(read_table(_page("troubleshooting.md"), "code of a request | what to do"))
    rows = [(f"`{code}`", causes[code], advice[code][0]) for code in ErrorCode]
    return write_table(("code", "cause", "what to do"), rows)


def _command_codes() -> str:
    advice = by_code(read_table(_page("troubleshooting.md"), "code of a command | what to do"))
    rows = [(f"`{code}`", by, advice[code][0]) for code, by in codes.command_codes().items()]
    return write_table(("code", "said by", "what to do"), rows)
