import pytest

from fluid.bus.memory import MemoryBus
from fluid.client.connecting import new_client_id, own_topic
from fluid.topics import Topics


class Known(MemoryBus):
    """A bus whose broker knows us by a name."""

    def __init__(self, user: str | None) -> None:
        super().__init__()
        self.user = user


def test_no_client_has_the_name_of_another_or_of_an_agent() -> None:
    names = {new_client_id() for _ in range(100)}
    assert len(names) == 100
    assert all(name.startswith("fluid-client-") for name in names)
    assert not any(":" in name for name in names)


def test_answers_come_below_the_name_that_the_broker_knows_us_by() -> None:
    assert own_topic(Topics(), Known("alice"), "c") == "fluid/result/alice/c"


@pytest.mark.parametrize("bus", [MemoryBus(), Known(None), Known(""), Known("a+b"), Known("#")])
def test_without_a_name_that_fits_a_topic_they_come_to_the_client_alone(bus: MemoryBus) -> None:
    assert own_topic(Topics(), bus, "c") == "fluid/result/c"
