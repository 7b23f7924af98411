"""The configuration template: what the launcher sets, and what it leaves alone."""

from importlib.resources import files

from broker.configuration import render


def _options(text: str) -> dict[str, str]:
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {line.partition(" ")[0]: line.partition(" ")[2] for line in lines}


def test_an_option_of_the_template_is_replaced_where_it_stands() -> None:
    options = _options(render({"listener": "41883 127.0.0.1"}))
    assert options["listener"] == "41883 127.0.0.1"
    assert render({"listener": "41883 127.0.0.1"}).count("\nlistener ") == 1


def test_an_option_that_the_template_lacks_is_added() -> None:
    assert _options(render({"user": "root"}))["user"] == "root"


def test_everything_else_is_the_file_that_an_operator_gets() -> None:
    shipped = files("broker").joinpath("mosquitto.conf").read_text(encoding="utf-8")
    assert render({}) == shipped


def test_the_shipped_file_lets_nobody_in_from_the_network() -> None:
    options = _options(render({}))
    assert options["allow_anonymous"] == "true"
    assert options["listener"].endswith(" 127.0.0.1")
