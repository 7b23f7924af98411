import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from fluid.cli import main
from fluid.dashboard import server
from fluid.dashboard.server import Serving
from tests.unit.fluid.client.fake_bus import FakeBus


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Serving]:
    """What the command would serve."""
    served: list[Serving] = []

    def serve(serving: Serving) -> None:
        served.append(serving)
        serving.announce("http://127.0.0.1:8080/")

    monkeypatch.setattr(server, "serve", serve)
    return served


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield taken.getsockname()[1]


def test_it_is_served_to_this_machine_alone_unless_told_otherwise(served: list[Serving]) -> None:
    result = CliRunner().invoke(main, ["dashboard"], obj=FakeBus())
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "the page is at http://127.0.0.1:8080/ (Ctrl-C ends it)\n"
    (serving,) = served
    assert (serving.host, serving.port, serving.manifest) == ("127.0.0.1", 8080, None)
    assert serving.opens_browser is False


def test_another_address_comes_with_a_warning(served: list[Serving]) -> None:
    result = CliRunner().invoke(main, ["dashboard", "--host", "0.0.0.0"], obj=FakeBus())
    assert (
        result.stderr == "warning: whoever reaches 0.0.0.0 can see the cluster and set its mode\n"
    )
    assert served[0].host == "0.0.0.0"


def test_a_bundle_that_cannot_be_read_is_one_sentence(
    served: list[Serving], tmp_path: Path
) -> None:
    result = CliRunner().invoke(main, ["dashboard", "--bundle", str(tmp_path)], obj=FakeBus())
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert served == []


def test_a_port_that_is_taken_is_one_sentence(taken_port: int) -> None:
    result = CliRunner().invoke(main, ["dashboard", "--port", str(taken_port)], obj=FakeBus())
    assert result.exit_code == 1
    assert result.stderr.startswith(f"error: the page cannot be served on 127.0.0.1:{taken_port}")


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delitem(sys.modules, "fluid.dashboard.server")
    for name in [each for each in sys.modules if each.partition(".")[0] == missing]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "fluid.dashboard.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Absent(missing), *sys.meta_path])
    result = CliRunner().invoke(main, ["dashboard"], obj=FakeBus())
    assert result.exit_code == 1
    assert result.stderr == (
        "error: 'fluid dashboard' needs the dashboard extra: "
        "pip install '.[dashboard]' in the clone\n"
    )


class _Absent:
    """A finder for which a package is not installed."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name.partition(".")[0] == self._package:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
