"""What Home Assistant is told: MQTT device discovery of an agent, and of the cluster.

Pure: from names into messages. The keys, and what each may hold, are those of
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload, written out and not
abbreviated, so that people can read them with `mosquitto_sub`; Home Assistant reads them since
2024.11. All templates take JSON; a topic that was cleared has none.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from edge_agent.home_assistant.activity import REPORT_S
from fluid.bus import Message, Subscription
from fluid.messages import Mode, Role
from fluid.topics import Topics

DEFAULT_PREFIX = "homeassistant"
_STARTED = b"online"
# What Home Assistant takes in no level of a discovery topic.
_UNFIT = re.compile(r"[^a-zA-Z0-9_-]")
# A sensor shows nothing rather than a figure of the past; a busy device may be a little late.
_EXPIRE_AFTER_S = int(6 * REPORT_S)

_STATE = "{{ value_json.state if value_json is defined else 'offline' }}"
_ONLINE = "{{ 'ON' if value_json is defined and value_json.state == 'online' else 'OFF' }}"

_Config = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The discovery of one agent, and of the cluster that it is in.

    topics: the cluster's. prefix: of Home Assistant's discovery. version: of this software.
    """

    topics: Topics
    agent: str
    role: Role
    version: str
    prefix: str = DEFAULT_PREFIX

    # Home Assistant's start.

    def status_subscription(self) -> Subscription:
        """Brings what Home Assistant says when it starts and when it ends."""
        return Subscription(f"{self.prefix}/status", send_retained=False)

    def is_start(self, message: Message) -> bool:
        """Whether Home Assistant has just started, and has to be told everything again."""
        return message.topic == f"{self.prefix}/status" and message.payload == _STARTED

    # Topics and messages.

    def agent_topic(self, agent: str) -> str:
        """The base is part of the id: other programs are named after their host, too."""
        return f"{self.prefix}/device/{_level(self.topics.base)}-{_level(agent)}/config"

    @property
    def cluster_topic(self) -> str:
        """One level more than an agent's, so that no agent's id leads to it."""
        return f"{self.prefix}/device/{_level(self.topics.base)}/cluster/config"

    def of_agent(self) -> Message:
        """This agent as a device. It is available while its presence says that it is online."""
        owner = f"agent:{self.topics.base}/{self.agent}"
        device = {
            "name": f"Fluid {self.agent}",
            "model": f"Agent ({self.role})",
            "sw_version": self.version,
        }
        return self._config(self.agent_topic(self.agent), owner, device, self._agent_entities())

    def of_cluster(self) -> Message:
        """The cluster as a device of its own, as its leader says it: available while that one is.

        Its mode is one for all devices, so it is set here and on none of them.
        """
        base = self.topics.base
        place = "" if self.topics == Topics() else f" ({base})"
        device = {"name": f"Fluid cluster{place}", "model": "Cluster"}
        return self._config(self.cluster_topic, f"cluster:{base}", device, self._cluster_entities())

    def cleared(self, topic: str) -> Message:
        """Removes a device and all its entities from Home Assistant."""
        return Message(topic, b"", qos=1, retain=True)

    def _agent_entities(self) -> dict[str, _Config]:
        presence, cluster = self.topics.presence(self.agent), self.topics.cluster
        # An agent id has no quote.
        leads = "{{ 'ON' if value_json.leader == '" + self.agent + "' else 'OFF' }}"
        return {
            "connectivity": _entity("binary_sensor", "Connectivity", presence, _ONLINE)
            | {
                "device_class": "connectivity",
                "entity_category": "diagnostic",
                # Always: who is disconnected is to be shown as disconnected.
                "availability": [],
            },
            "leader": _entity("binary_sensor", "Leader", cluster, leads) | {"icon": "mdi:crown"},
            "throughput": self._figure("Throughput", "throughput")
            | {"unit_of_measurement": "images/s", "icon": "mdi:speedometer"},
            "latency": self._figure("Latency", "latency_ms")
            | {"unit_of_measurement": "ms", "device_class": "duration"},
            "subnetwork": self._activity("Sub-network", "subnetwork")
            | {"icon": "mdi:layers-outline"},
        }

    def _cluster_entities(self) -> dict[str, _Config]:
        cluster = self.topics.cluster
        return {
            "mode": _entity("select", "Mode", cluster, _field("operator_mode"))
            | {
                "command_topic": self.topics.mode_set,
                "options": [Mode.AUTO, Mode.HA, Mode.HT],
                "icon": "mdi:swap-horizontal",
            },
            "mode_in_force": _entity("sensor", "Mode in force", cluster, _field("mode"))
            | {
                "device_class": "enum",
                "options": [Mode.HA, Mode.HT],
                "icon": "mdi:state-machine",
            },
            "leader": _entity("sensor", "Leader", cluster, _field("leader"))
            | {"icon": "mdi:crown"},
            "devices": _entity("sensor", "Devices", cluster, _field("members | count"))
            | {"state_class": "measurement", "icon": "mdi:lan"},
        }

    def _figure(self, name: str, field: str) -> _Config:
        return self._activity(name, field) | {
            "state_class": "measurement",
            "suggested_display_precision": 1,
        }

    def _activity(self, name: str, field: str) -> _Config:
        entity = _entity("sensor", name, self.topics.state(self.agent), _field(field))
        return entity | {"expire_after": _EXPIRE_AFTER_S}

    def _config(
        self, topic: str, owner: str, device: _Config, entities: dict[str, _Config]
    ) -> Message:
        presence = self.topics.presence(self.agent)
        config = {
            "device": {"identifiers": [f"fluid:{owner}"], "manufacturer": "Fluid", **device},
            "origin": {"name": "Fluid", "sw_version": self.version},
            "availability": [{"topic": presence, "value_template": _STATE}],
            "components": {
                name: {"unique_id": f"fluid:{owner}:{name}", **entity}
                for name, entity in entities.items()
            },
        }
        return Message(topic, json.dumps(config).encode(), qos=1, retain=True)


def _entity(platform: str, name: str, state_topic: str, template: str) -> _Config:
    return {
        "platform": platform,
        "name": name,
        "state_topic": state_topic,
        "value_template": template,
        "qos": 1,
    }


def _field(expression: str) -> str:
    """The template of a field of what was said."""
    return "{{ value_json." + expression + " }}"


def _level(name: str) -> str:
    return _UNFIT.sub("-", name)
