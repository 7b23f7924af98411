import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from fluid.bus.protocol import Closed, CloseReason
from fluid.cli import main
from fluid.cli.status_view import document, table
from fluid.client.cluster import ClusterSnapshot
from fluid.client.observer import ClusterObserver, ClusterView
from fluid.messages import AgentState, ClusterState, Heartbeat, Mode, Presence, Role
from tests.unit.fluid.client.fake_bus import FakeBus

MASTER = Presence(
    "pi-1", AgentState.ONLINE, Role.MASTER, 100, 3, bundle="0123456789abcdef", serving=Mode.HT,
    pins=("lower",), capacity=2.5,
)  # fmt: skip
WORKER = Presence("pi-2", AgentState.OFFLINE, Role.WORKER, 10, 7, bundle="other")
STATE = ClusterState(4, 2, "pi-1", Mode.HT, Mode.AUTO, ("pi-1",), {"lower": ("pi-1",)})
SNAPSHOT = ClusterSnapshot(
    (MASTER, WORKER), STATE, {"pi-1": Heartbeat("pi-1", 3, 9, 12, 0.75)}, 0, {"pi-1": 10.0}
)


def cells_of(name: str, shown: str) -> list[str]:
    (row,) = (line for line in shown.splitlines() if line.strip().startswith(name))
    return re.split(r"\s{2,}", row.strip())


def printed(snapshot: ClusterSnapshot, *, trouble: str = "", width: int = 200) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(table(snapshot, 11.5, trouble=trouble))
    return capture.get()


def test_a_row_says_what_a_device_is_does_and_when_it_was_heard() -> None:
    assert cells_of("pi-1 *", printed(SNAPSHOT)) == [
        "pi-1 *", "master", "online", "lower", "ht", "12", "75%", "1.5 s", "0123456789ab",
    ]  # fmt: skip


def test_of_a_device_that_was_never_heard_nothing_is_claimed() -> None:
    # It neither holds nor serves anything.
    assert cells_of("pi-2", printed(SNAPSHOT)) == [
        "pi-2", "worker", "offline", "?", "?", "?", "other",
    ]  # fmt: skip


def test_eighty_columns_have_room_for_all_when_a_device_is_offline() -> None:
    master, worker = (replace(each, agent=each.role) for each in (MASTER, WORKER))
    state = replace(STATE, leader="master", placement={"lower": ("master",)})
    heartbeats = {"master": Heartbeat("master", 3, 9, 12, 1.0)}
    gone = replace(worker, bundle=master.bundle)
    snapshot = ClusterSnapshot((master, gone), state, heartbeats, 0, {"master": 10.0})
    narrow = printed(snapshot, width=80)
    assert [line.rstrip() for line in narrow.splitlines()] == [
        line.rstrip() for line in printed(snapshot, width=200).splitlines()
    ]
    assert "offline" in narrow


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (200, set()),
        (80, {"role"}),
        (60, {"role", "bundle"}),
        (40, {"role", "bundle", "busy", "queue", "seen"}),
    ],
)
def test_what_has_no_room_is_left_out_rather_than_folded(width: int, left_out: set[str]) -> None:
    state = replace(STATE, placement={"lower": ("pi-1",), "upper": ("pi-1",)})
    lines = printed(replace(SNAPSHOT, state=state), width=width).splitlines()
    (headings,) = (line for line in lines if "device" in line)
    everything = {"device", "role", "state", "slots", "serves", "queue", "busy", "seen", "bundle"}
    assert set(headings.split()) == everything - left_out
    assert sum("lower, upper" in line for line in lines) == 1
    assert sum("pi-" in line for line in lines if "mode" not in line) == 2


def test_what_has_no_room_at_all_is_folded_and_not_cut() -> None:
    state = replace(STATE, placement={"lower": ("pi-1",), "upper": ("pi-1",)})
    shown = printed(replace(SNAPSHOT, state=state), width=30)
    assert all(each in shown for each in ("onlin", "lower", "upper", "offli"))
    assert "…" not in shown


def test_the_json_says_the_same_and_what_a_device_may_hold() -> None:
    said = document(SNAPSHOT, 11.5)
    assert (said["bundles"], said["trouble"]) == ({"0123456789abcdef": ["pi-1"]}, None)
    master, worker = said["members"]
    assert (master["leads"], master["serving"], master["last_seen_s"]) == (True, "ht", 1.5)
    assert (master["pins"], master["capacity"], master["max_slots"]) == (["lower"], 2.5, 1)
    assert (worker["leads"], worker["last_seen_s"]) == (False, None)


def test_a_broker_that_is_gone_is_said_with_what_was_known() -> None:
    shown = printed(SNAPSHOT, trouble="nothing listens there")
    assert "the broker is gone (nothing listens there)" in shown
    assert "pi-1 *" in shown
    assert document(SNAPSHOT, 0.0, trouble="gone")["trouble"] == "gone"


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[ClusterView]:
    """What the observer shows, one after the other; then somebody presses Ctrl-C."""
    shown: list[ClusterView] = []

    def wait(_observer: ClusterObserver, _timeout_s: float) -> ClusterView:
        view = next(upcoming, None)
        if view is None:
            raise KeyboardInterrupt
        return view

    def later() -> Iterator[ClusterView]:
        yield from shown

    upcoming = later()
    monkeypatch.setattr(ClusterObserver, "wait", wait)
    return shown


def watch(*arguments: str, bus: FakeBus | None = None) -> Result:
    runner = CliRunner(env={"COLUMNS": "200"})
    return runner.invoke(main, ["status", "--watch", *arguments], obj=bus or FakeBus())


def test_watching_prints_a_line_for_each_view_until_interrupted(views: list[ClusterView]) -> None:
    views += [ClusterView(SNAPSHOT), ClusterView(SNAPSHOT, "gone"), ClusterView(ClusterSnapshot())]
    bus = FakeBus()
    result = watch("--json", bus=bus)
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["trouble"] for line in lines] == [None, "gone", None]
    assert [len(line["members"]) for line in lines] == [2, 2, 0]
    assert (result.exit_code, result.stderr) == (130, "interrupted\n")
    assert [link.is_open for link in bus.links] == [False]


def test_without_a_terminal_each_view_is_a_table(views: list[ClusterView]) -> None:
    views += [ClusterView(SNAPSHOT), ClusterView(SNAPSHOT, "gone")]
    result = watch()
    assert result.stdout.count("pi-1 *  ") == 2
    assert result.stdout.count("the broker is gone") == 1
    assert result.exit_code == 130


def test_on_a_terminal_one_table_is_kept_up_to_date(
    views: list[ClusterView], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    views += [ClusterView(SNAPSHOT), ClusterView(SNAPSHOT, "gone")]
    result = watch()
    assert "\x1b[1A" in result.stdout  # the cursor goes up, over the table before
    assert "the broker is gone" in result.stdout
    assert result.exit_code == 130


def test_where_there_is_colour_a_device_that_is_gone_is_red(
    views: list[ClusterView], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    views += [ClusterView(SNAPSHOT)]
    shown = watch().stdout
    assert "\x1b[32monline" in shown
    assert "\x1b[31moffline" in shown


def test_waiting_and_watching_do_not_go_together() -> None:
    result = watch("--wait", "2")
    assert result.exit_code == 2
    assert "use one of them" in result.stderr


def test_a_broker_that_is_not_there_is_an_error() -> None:
    result = watch(bus=FakeBus(refusals=[Closed(CloseReason.UNREACHABLE, "nothing listens")]))
    assert result.exit_code == 1
    assert result.stderr.startswith("error: nothing listens; start a broker there")


def test_why_the_broker_is_gone_is_one_line_whatever_it_said() -> None:
    shown = printed(SNAPSHOT, trouble="no\n\x1b[31m")
    assert r"the broker is gone (no\n\x1b[31m); this is how it was" in shown
