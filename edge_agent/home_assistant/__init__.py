"""An agent and its cluster as devices in Home Assistant.

`discovery` has what Home Assistant is told, `activity` what an agent did lately, `announcer` when
to say which of it, and `observer` the link that it is said on. None of it touches the core: an
agent serves the same with it and without. docs/home-assistant.md is for its users.
"""

from edge_agent.home_assistant.discovery import DEFAULT_PREFIX, Discovery
from edge_agent.home_assistant.observer import HomeAssistantObserver

__all__ = ["DEFAULT_PREFIX", "Discovery", "HomeAssistantObserver"]
