import json
import os
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluid.bus.protocol import Closed, CloseReason, Message
from fluid.cli import main
from tests.unit.fluid.client.fake_bus import (
    FakeBus,
    FakeLink,
    answer_with_length,
    error_payload,
    never_answer,
    result_document,
)


@pytest.fixture
def images(tmp_path: Path) -> list[str]:
    """Three files, of one, two and three bytes: the fake cluster's labels."""
    files = [tmp_path / f"{length}.raw" for length in (1, 2, 3)]
    for length, file in enumerate(files, start=1):
        file.write_bytes(b"x" * length)
    return [str(file) for file in files]


def run(bus: FakeBus, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["infer", *arguments], obj=bus, env={"COLUMNS": "300"})


def refuse_two_bytes(link: FakeLink, request: Message) -> None:
    if len(request.payload) == 2:
        link.answer(request, error_payload("a", "wrong_shape", "two bytes are too few"))
    else:
        answer_with_length(link, request)


def test_prints_a_row_for_each_image(images: list[str]) -> None:
    result = run(FakeBus(), *images)
    assert result.exit_code == 0
    rows = [line for line in result.stdout.splitlines() if ".raw" in line]
    assert [row.split()[1].endswith(f"{n}.raw") for n, row in enumerate(rows, start=1)] == [
        True
    ] * 3
    assert all("90.0%" in row and "pi-1" in row for row in rows)


def test_a_pipe_gets_long_names_whole(tmp_path: Path) -> None:
    file = tmp_path / ("long" * 30 + ".raw")
    file.write_bytes(b"x")
    result = CliRunner(env={"COLUMNS": None}).invoke(main, ["infer", str(file)], obj=FakeBus())
    assert str(file) in result.stdout


def test_prints_json_lines_in_the_order_of_the_images(images: list[str]) -> None:
    result = run(FakeBus(), "--json", *images)
    assert result.exit_code == 0
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["image"], each["label"]) for each in documents] == list(
        zip(images, [1, 2, 3], strict=True)
    )
    assert all(each["latency_ms"] > 0 and each["attempts"] == 1 for each in documents)


def test_one_bad_image_does_not_stop_the_others(images: list[str]) -> None:
    result = run(FakeBus(refuse_two_bytes), images[0], "gone.png", images[1], images[2])
    assert result.exit_code == 1
    assert result.stdout.count(".raw") == 2
    assert result.stderr.splitlines() == [
        "error: gone.png: cannot be read (No such file or directory) [unreadable_file]",
        f"error: {images[1]}: two bytes are too few [wrong_shape]",
    ]


def test_errors_are_json_too(images: list[str]) -> None:
    result = run(FakeBus(refuse_two_bytes), "--json", "gone.png", images[1])
    assert result.exit_code == 1
    gone, refused = (json.loads(line) for line in result.stdout.splitlines())
    assert gone["error"]["code"] == "unreadable_file"
    assert refused["error"] == {"code": "wrong_shape", "message": "two bytes are too few"}


def test_a_minimum_and_a_deadline_go_along_with_each_image(images: list[str]) -> None:
    bus = FakeBus()
    assert run(bus, "--min-subnetwork", "100", "--deadline", "0.5", *images).exit_code == 0
    wishes = {("fluid-min-subnetwork", "100"), ("fluid-deadline-ms", "500")}
    assert [wishes <= set(each.user_properties) for each in bus.published] == [True] * 3


def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(images: list[str]) -> None:
    for option, value in (("--deadline", "0"), ("--min-subnetwork", "")):
        bus = FakeBus()
        result = run(bus, option, value, *images)
        assert result.exit_code == 2
        assert option in result.stderr
        assert bus.published == []


def test_a_time_out_is_an_error_of_its_image(images: list[str]) -> None:
    result = run(FakeBus(never_answer), "--timeout", "0.05", "--json", images[0])
    assert result.exit_code == 1
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "timeout"
    assert error["message"].endswith("; is a device online? see 'fluid status'")


def test_each_image_of_a_batch_has_its_row(images: list[str]) -> None:
    def answer_as_batch(link: FakeLink, request: Message) -> None:
        documents = [result_document("a", label) for label in (4, 5)]
        link.answer(request, json.dumps(documents).encode())

    result = run(FakeBus(answer_as_batch), "--json", images[0])
    documents = [json.loads(line) for line in result.stdout.splitlines()]
    assert [(each["image"], each["label"]) for each in documents] == [
        (f"{images[0]}[0]", 4),
        (f"{images[0]}[1]", 5),
    ]


def test_probabilities_are_asked_for_and_shown(images: list[str]) -> None:
    def answer_with_probabilities(link: FakeLink, request: Message) -> None:
        assert ("probabilities", "true") in request.user_properties
        document = result_document("a") | {"probabilities": [0.25, 0.75]}
        link.answer(request, json.dumps(document).encode())

    result = run(FakeBus(answer_with_probabilities), "--probabilities", images[0])
    assert "0.250 0.750" in result.stdout


def test_logits_are_asked_for_and_printed_as_json(images: list[str]) -> None:
    def answer_with_logits(link: FakeLink, request: Message) -> None:
        assert ("logits", "true") in request.user_properties
        document = result_document("a") | {"logits": [0.10000000149011612, -3.25]}
        link.answer(request, json.dumps(document).encode())

    result = run(FakeBus(answer_with_logits), "--logits", "--json", images[0])
    assert json.loads(result.stdout)["logits"] == [0.10000000149011612, -3.25]


def test_logits_have_no_place_in_the_table(images: list[str]) -> None:
    bus = FakeBus()
    result = run(bus, "--logits", images[0])
    assert result.exit_code == 2
    assert "give --json too" in result.stderr
    assert bus.published == []


def test_no_broker_is_one_line(images: list[str]) -> None:
    bus = FakeBus(refusals=[Closed(CloseReason.NOT_FOUND, "no such host: nowhere")])
    result = run(bus, *images)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        "error: no such host: nowhere; check the name in --broker or FLUID_BROKER\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--broker", "http://x", "a.png"], "broker address 'http://x' must begin with mqtt://"),
        (["--base-topic", "a/#", "a.png"], "base topic 'a/#' must be a plain topic name"),
        (["--timeout", "0", "a.png"], "0.0 is not in the range"),
        ([], "Missing argument"),
    ],
)
def test_bad_options_are_usage_errors(arguments: list[str], complaint: str) -> None:
    result = CliRunner().invoke(main, ["infer", *arguments])
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_the_base_topic_comes_from_the_environment(images: list[str]) -> None:
    bus = FakeBus()
    result = CliRunner().invoke(
        main, ["infer", images[0]], obj=bus, env={"FLUID_BASE_TOPIC": "lab/fluid"}
    )
    assert result.exit_code == 0
    assert bus.published[0].topic == "lab/fluid/infer"


def test_the_broker_comes_from_the_environment(images: list[str]) -> None:
    result = CliRunner().invoke(main, ["infer", images[0]], env={"FLUID_BROKER": "ftp://x"})
    assert result.exit_code == 2
    assert "'ftp://x'" in result.stderr


def test_names_that_look_like_markup_are_printed_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "[red]a.raw"
    file.write_bytes(b"x")
    assert "[red]a.raw" in run(FakeBus(), str(file)).stdout


HOSTILE = "\x1b[31m\n\ud800"
HOSTILE_SHOWN = r"\x1b[31m\n\ud800"


def answer_hostilely(link: FakeLink, request: Message) -> None:
    """A refusal for two bytes, a result for others, and no text in them can be trusted."""
    if len(request.payload) == 2:
        link.answer(request, error_payload("a", HOSTILE, f"{HOSTILE} is wrong"))
    else:
        document = result_document("a", device=HOSTILE)
        document |= {"class": f"c{HOSTILE}", "subnetwork": f"s{HOSTILE}"}
        link.answer(request, json.dumps(document).encode())


def test_what_a_peer_answers_does_not_reach_the_terminal_as_it_is(images: list[str]) -> None:
    result = run(FakeBus(answer_hostilely), *images[:2])
    assert "\x1b" not in result.output
    (row,) = (line for line in result.stdout.splitlines() if ".raw" in line)
    assert [f" {each}{HOSTILE_SHOWN} " in row for each in ("c", "s", "")] == [True] * 3
    assert result.stderr == f"error: {images[1]}: {HOSTILE_SHOWN} is wrong [{HOSTILE_SHOWN}]\n"


def test_a_file_whose_name_is_no_text_has_its_row(tmp_path: Path) -> None:
    file = tmp_path / os.fsdecode(b"sev\xff\n.raw")
    file.write_bytes(b"x")
    assert r"sev\udcff\n.raw" in run(FakeBus(), str(file)).stdout
    assert json.loads(run(FakeBus(), "--json", str(file)).stdout)["image"] == str(file)
    file.unlink()
    assert r"sev\udcff\n.raw: cannot be read" in run(FakeBus(), str(file)).stderr


def test_what_the_broker_refuses_has_its_code_once(images: list[str]) -> None:
    refused = run(FakeBus(never_answer, reasons=[0x87]), images[0])
    assert refused.stderr.endswith(
        "does not let this client publish to fluid/infer [mqtt_reason_0x87]\n"
    )
    assert refused.stderr.count("mqtt_reason_0x87") == 1


def test_of_a_message_too_large_it_is_said_what_to_do(images: list[str]) -> None:
    result = run(FakeBus(never_answer, reasons=[0x95]), "--json", images[0])
    assert json.loads(result.stdout)["error"] == {
        "code": "mqtt_reason_0x95",
        "message": "the bus takes no message of 1 bytes; send smaller images, or fewer in a file",
    }


def test_a_silent_broker_takes_no_longer_than_it_may(images: list[str], silent_broker: str) -> None:
    begun_s = time.monotonic()
    result = CliRunner().invoke(
        main, ["infer", "--timeout", "0.5", "--broker", silent_broker, images[0]]
    )
    assert (result.exit_code, result.stdout) == (1, "")
    assert time.monotonic() - begun_s < 4.0  # the client takes its leave for up to 2 s


@pytest.mark.parametrize(
    ("width", "left_out"),
    [
        (80, set()),
        (60, {"ms", "devices"}),
        (40, {"ms", "devices", "sub-network"}),
        (20, {"ms", "devices", "sub-network", "confidence"}),
    ],
)
def test_what_has_no_room_is_left_out_rather_than_folded(
    tmp_path: Path, width: int, left_out: set[str]
) -> None:
    def answer_with_a_word(link: FakeLink, request: Message) -> None:
        devices = ["devices-1", "devices-2"]
        document = result_document("a") | {"class": "sandal", "devices": devices}
        link.answer(request, json.dumps(document).encode())

    file = tmp_path / "sandal-of-a-very-long-name.raw"
    file.write_bytes(b"x")
    shown = CliRunner().invoke(
        main, ["infer", str(file)], obj=FakeBus(answer_with_a_word), env={"COLUMNS": str(width)}
    )
    lines = shown.stdout.splitlines()
    assert all(len(line) <= width for line in lines)
    everything = {"image", "class", "confidence", "sub-network", "devices", "ms"}
    assert set(lines[1].replace("┃", " ").split()) == everything - left_out
    cells = [line.strip("│").split("│") for line in lines[3:-1]]
    assert cells[0][1].strip() == "sandal"  # all of it
    assert "".join(each[0].strip() for each in cells) == str(file)  # folded, and not cut


def test_where_nothing_fits_all_is_folded_and_not_cut(images: list[str]) -> None:
    shown = (
        CliRunner().invoke(main, ["infer", images[0]], obj=FakeBus(), env={"COLUMNS": "12"}).stdout
    )
    assert "…" not in shown
    assert max(map(len, shown.splitlines())) <= 12
