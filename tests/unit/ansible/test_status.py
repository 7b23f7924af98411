import json

import pytest

from tests.unit.ansible.loading import load

status = load("filter_plugins/fluid_status.py")


def member(agent: str, state: str, bundle: str) -> dict[str, str]:
    return {"agent": agent, "state": state, "bundle": bundle}


def test_only_agents_that_are_online_with_the_bundle_serve_it() -> None:
    members = [
        member("a", "online", "12ab"),
        member("b", "offline", "12ab"),
        member("c", "online", "f"),
    ]
    assert status.serving(json.dumps({"members": members}), "12") == ["a"]


@pytest.mark.parametrize("printed", ["", "error: refused", "[]", '{"leader": null}'])
def test_a_command_that_could_not_tell_names_nobody(printed: str) -> None:
    assert status.serving(printed, "12") == []
