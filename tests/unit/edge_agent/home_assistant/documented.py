"""What Home Assistant takes as the discovery of a device, as far as we use it: a plain checker.

Its own schema is a library that a device's Python is too old for. The keys are those documented at
https://www.home-assistant.io/integrations/mqtt/#device-discovery-payload and at the pages of
sensor.mqtt, binary_sensor.mqtt and select.mqtt, and checked in version 2025.4 by
`DEVICE_DISCOVERY_SCHEMA` (homeassistant/components/mqtt/schemas.py) and each platform's
`DISCOVERY_SCHEMA`. Those drop keys of an entity that they do not know; here they are refused.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fluid.bus import Message

# homeassistant/components/mqtt/discovery.py: what follows the prefix.
_TOPIC = re.compile(r"device/(?:[a-zA-Z0-9_-]+/)?[a-zA-Z0-9_-]+/config")

_DEVICE = {"identifiers", "connections", "configuration_url", "hw_version", "manufacturer",
           "model", "model_id", "name", "serial_number", "suggested_area", "sw_version",
           "via_device"}  # fmt: skip
_ORIGIN = {"name", "sw_version", "support_url"}
_AVAILABILITY = {"topic", "payload_available", "payload_not_available", "value_template"}
_ROOT = {"device", "origin", "components", "availability", "availability_mode",
         "availability_template", "availability_topic", "payload_available",
         "payload_not_available", "state_topic", "command_topic", "qos", "encoding"}  # fmt: skip
_ENTITY = {"platform", "unique_id", "name", "qos", "encoding", "icon", "entity_category",
           "enabled_by_default", "object_id", "availability", "availability_mode",
           "json_attributes_topic", "json_attributes_template", "state_topic",
           "value_template"}  # fmt: skip
_OF_PLATFORM = {
    "sensor": {"device_class", "expire_after", "force_update", "options", "state_class",
               "suggested_display_precision", "unit_of_measurement"},
    "binary_sensor": {"device_class", "expire_after", "force_update", "off_delay", "payload_off",
                      "payload_on"},
    "select": {"command_topic", "command_template", "options", "optimistic", "retain"},
}  # fmt: skip
_REQUIRED = {
    "sensor": {"state_topic"},
    "binary_sensor": {"state_topic"},
    "select": {"command_topic", "options"},
}
_DEVICE_CLASSES = {"sensor": {"enum", "duration"}, "binary_sensor": {"connectivity"}}
_UNITS = {"duration": {"d", "h", "min", "s", "ms"}}
_STATE_CLASSES = {"measurement", "total", "total_increasing"}


def problems(message: Message, *, prefix: str = "homeassistant") -> list[str]:
    """What Home Assistant would not take of a discovery, or would not understand."""
    found = []
    if not _TOPIC.fullmatch(message.topic.removeprefix(f"{prefix}/")):
        found.append(f"the topic {message.topic}")
    if not message.retain:
        found.append("not retained")
    config = json.loads(message.payload)
    found += _unknown("the root", config, _ROOT)
    found += _missing("the root", config, {"device", "origin", "components"})
    found += _unknown("device", config["device"], _DEVICE)
    if not (config["device"].get("identifiers") or config["device"].get("connections")):
        found.append("a device without an identifier")
    found += _unknown("origin", config["origin"], _ORIGIN)
    found += _missing("origin", config["origin"], {"name"})
    found += _of_availability(config)
    for name, entity in config["components"].items():
        found += _of_entity(name, entity)
    return found


def _of_entity(name: str, entity: Mapping[str, Any]) -> Iterator[str]:
    platform = entity.get("platform")
    if platform not in _OF_PLATFORM:
        yield f"{name}: platform {platform}"
        return
    yield from _unknown(name, entity, _ENTITY | _OF_PLATFORM[platform])
    yield from _missing(name, entity, {"unique_id"} | _REQUIRED[platform])
    yield from _of_availability(entity)
    device_class = entity.get("device_class")
    if device_class is not None and device_class not in _DEVICE_CLASSES[platform]:
        yield f"{name}: device class {device_class}"
    if device_class in _UNITS and entity.get("unit_of_measurement") not in _UNITS[device_class]:
        yield f"{name}: unit of a {device_class}"
    if platform == "sensor":
        yield from _of_sensor(name, entity)
    if entity.get("qos", 0) not in (0, 1, 2):
        yield f"{name}: qos"
    if not str(entity.get("icon", "mdi:any")).startswith("mdi:"):
        yield f"{name}: icon"


def _of_sensor(name: str, entity: Mapping[str, Any]) -> Iterator[str]:
    if entity.get("state_class") is not None and entity["state_class"] not in _STATE_CLASSES:
        yield f"{name}: state class"
    if "options" in entity and (
        entity.get("device_class") != "enum"
        or "state_class" in entity
        or "unit_of_measurement" in entity
        or not entity["options"]
    ):
        yield f"{name}: options are for an enum, which has no unit"


def _of_availability(config: Mapping[str, Any]) -> Iterator[str]:
    for each in config.get("availability", ()):
        yield from _unknown("availability", each, _AVAILABILITY)
        yield from _missing("availability", each, {"topic"})


def _unknown(where: str, config: Mapping[str, Any], known: set[str]) -> list[str]:
    return [f"{where}: {key} is not known" for key in sorted(config.keys() - known)]


def _missing(where: str, config: Mapping[str, Any], required: set[str]) -> list[str]:
    return [f"{where}: {key} is missing" for key in sorted(required - config.keys())]
