"""Which agents serve a bundle, by what `fluid status --json` printed."""

import json
from typing import Any


def serving(printed: str, bundle: str) -> list[str]:
    """The ids of the agents that are online with a bundle of that digest or beginning of one; none
    if the command could not tell."""
    try:
        members = json.loads(printed)["members"]
    except (ValueError, KeyError, TypeError):
        return []
    return [
        each["agent"]
        for each in members
        if each["state"] == "online" and each["bundle"].startswith(bundle)
    ]


class FilterModule:
    """The filters' names in templates."""

    def filters(self) -> dict[str, Any]:
        return {"fluid_serving": serving}
