import platform

from fluid.bench.machine import describe_machine


def test_a_machine_is_described_without_the_name_of_its_host() -> None:
    described = describe_machine()
    assert {"processor", "cores", "memory", "interpreter", "Mosquitto"} <= set(described)
    assert all(described.values())
    assert platform.node() not in " ".join(described.values())
