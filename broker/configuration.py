"""Mosquitto's configuration file as a template: `mosquitto.conf` with some options replaced.

The template is a complete configuration that an operator can use as it is, so what the demo and
the tests run is what a device runs, but for the options named in the call.
"""

from collections.abc import Mapping
from importlib.resources import files


def render(options: Mapping[str, str]) -> str:
    """The shipped configuration with each of `options` set, in place or at the end."""
    missing = dict(options)
    lines = []
    for line in files("broker").joinpath("mosquitto.conf").read_text(encoding="utf-8").splitlines():
        option = line.partition(" ")[0]
        if option in missing:
            lines.append(f"{option} {missing.pop(option)}")
        else:
            lines.append(line)
    lines += [f"{option} {value}" for option, value in missing.items()]
    return "\n".join(lines) + "\n"
