"""Clears what an agent has retained at each of its brokers, with its own certificate.

Run by uninstall.yml in the agent's virtual environment, after the agent has ended: only the agent
may write these topics.
"""

import re
import shlex
import ssl
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt

# So that the others have seen that it went, and have taken up what lay in its session.
SETTLE_S = 4.0
TIMEOUT_S = 10.0
KINDS = ("presence", "term", "condemned", "attempt")


def settings(path: str) -> dict[str, str]:
    """The variables of agent.env."""
    words = shlex.split(Path(path).read_text(encoding="utf-8"), comments=True)
    return dict(word.split("=", 1) for word in words)


def retained(variables: dict[str, str]) -> list[str]:
    """The topics that hold something of this agent."""
    agent = variables["FLUID_ID"]
    topics = [f"{variables['FLUID_BASE_TOPIC']}/{kind}/{agent}" for kind in KINDS]
    if variables.get("FLUID_HOME_ASSISTANT") == "true":
        # As edge_agent/home_assistant/discovery.py names it.
        name = re.sub("[^a-zA-Z0-9_-]", "-", f"{variables['FLUID_BASE_TOPIC']}-{agent}")
        topics.append(f"homeassistant/device/{name}/config")
    return topics


def clear(url: str, variables: dict[str, str]) -> bool:
    """Whether the broker has confirmed that all is cleared."""
    client = mqtt.Client(
        mqtt.CallbackAPIVersion.VERSION2,
        client_id=f"{variables['FLUID_BASE_TOPIC']}:{variables['FLUID_ID']}:uninstall",
        protocol=mqtt.MQTTv5,
    )
    context = ssl.create_default_context(cafile=variables["FLUID_CA_FILE"])
    context.load_cert_chain(variables["FLUID_CERT_FILE"], variables["FLUID_KEY_FILE"])
    client.tls_set_context(context)
    address = urlsplit(url)
    try:
        client.connect(str(address.hostname), address.port or 8883)
    except OSError as error:
        sys.stderr.write(f"{url}: {error}\n")
        return False
    client.loop_start()
    try:
        deadline = time.monotonic() + TIMEOUT_S
        cleared = True
        for topic in retained(variables):
            sent = client.publish(topic, b"", qos=1, retain=True)
            sent.wait_for_publish(max(deadline - time.monotonic(), 0.1))
            cleared = cleared and sent.is_published()
        client.disconnect()
    finally:
        client.loop_stop()
    return cleared


def main() -> int:
    variables = settings("/etc/fluid/agent.env")
    time.sleep(SETTLE_S)
    outcomes = [clear(url, variables) for url in variables["FLUID_BROKER"].split(",")]
    return 0 if all(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
