import platform
from dataclasses import replace

from fluid.bench.comparison import other_conditions
from fluid.bench.device_facts import DeviceFacts
from fluid.bench.figures import Results
from fluid.bench.machine import describe_machine

DEVICES = DeviceFacts("3.11.2", "tflite-runtime 2.14.0", "1.26.4", "2.2.0")


def test_a_machine_is_described_without_the_name_of_its_host() -> None:
    described = describe_machine(DEVICES)
    assert {"processor", "cores", "memory", "interpreter", "Mosquitto"} <= set(described)
    assert all(described.values())
    assert platform.node() not in " ".join(described.values())


def test_devices_are_described_by_what_their_python_has() -> None:
    described = describe_machine(DEVICES)
    assert described["Python of the devices"] == "3.11.2"
    assert described["interpreter"] == "tflite-runtime 2.14.0"
    assert (described["NumPy"], described["paho-mqtt"]) == ("1.26.4", "2.2.0")


def test_another_interpreter_is_another_condition() -> None:
    other = replace(DEVICES, interpreter="ai-edge-litert 2.3.0", numpy="2.4.6")
    old, new = Results(describe_machine(DEVICES)), Results(describe_machine(other))
    assert other_conditions(old, new) == (
        "NumPy: 1.26.4, now 2.4.6",
        "interpreter: tflite-runtime 2.14.0, now ai-edge-litert 2.3.0",
    )
