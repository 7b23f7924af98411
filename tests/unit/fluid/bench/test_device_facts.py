import json

import pytest

from fluid.bench import device_facts
from fluid.bench.device_facts import DeviceFacts
from fluid.errors import InterpreterMissing

FACTS = DeviceFacts("3.11.2", "tflite-runtime 2.14.0", "1.26.4", "2.2.0")


def test_facts_are_the_same_after_a_way_through_a_pipe() -> None:
    assert DeviceFacts.from_json(FACTS.to_json()) == FACTS


@pytest.mark.parametrize("text", ["", "Python 3.11", "[]", '{"python": "3.11.2"}'])
def test_what_states_no_facts_is_refused(text: str) -> None:
    with pytest.raises((ValueError, TypeError)):
        DeviceFacts.from_json(text)


def test_this_python_can_run_an_agent(capsys: pytest.CaptureFixture[str]) -> None:
    device_facts.main()
    said = json.loads(capsys.readouterr().out)
    assert set(said) == {"python", "interpreter", "numpy", "paho_mqtt"}
    assert all(said.values())


def test_without_an_interpreter_the_mend_is_what_it_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> None:
        raise InterpreterMissing("no interpreter: install one")

    monkeypatch.setattr(device_facts, "find_interpreter", none)
    with pytest.raises(SystemExit, match="no interpreter: install one"):
        device_facts.main()


def test_without_the_agents_packages_the_missing_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named 'rich', which {name} needs")

    monkeypatch.setattr("importlib.import_module", missing)
    with pytest.raises(SystemExit, match=r"No module named 'rich', which edge_agent\.cli needs"):
        device_facts.main()
