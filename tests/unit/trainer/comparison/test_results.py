import json
from dataclasses import replace

import pytest

from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.fields import FieldError, Fields
from tests.unit.trainer.comparison.examples import comparison, result, two_seeds
from trainer.comparison.contenders import NESTED, STATIC
from trainer.comparison.results import Refusal, Result, device_macs

# Two slots that read each other, cut after one layer; `lower` can also do a part alone.
MANIFEST = Manifest(
    name="cut",
    family="dynamic",
    algorithm="incremental",
    input=InputSpec((8, 8, 1)),
    classes=("no", "yes"),
    slots=("lower", "upper"),
    widths=(1.0,),
    stages=(
        Stage("lower50", "lower50.tflite", "lower", 1.0, "", 1, macs=7),
        Stage("lower.1", "lower.1.tflite", "lower", 1.0, "", 1, output="f", macs=100),
        Stage("lower.2", "lower.2.tflite", "lower", 1.0, "", 1, ("f",), macs=20),
        Stage("upper.1", "upper.1.tflite", "upper", 1.0, "", 1, ("f",), macs=150),
    ),
    subnetworks=(
        SubNetwork("lower50", ("lower50",)),
        SubNetwork("100", ("lower.1", "lower.2", "upper.1")),
    ),
)


def test_a_result_survives_being_written_and_read() -> None:
    written = result(NESTED, 3, int8={"lower25": 0.25, "100": 0.75}, loss=0.01, wall_s=12.5)
    assert Result.from_json(Fields(json.loads(json.dumps(written.to_json())))) == written


def test_an_incomplete_result_is_not_read() -> None:
    document = result(STATIC).to_json()
    del document["device_macs"]
    with pytest.raises(FieldError, match="'device_macs' is missing"):
        Result.from_json(Fields(document))


def test_int8_may_cost_accuracy_or_bring_some() -> None:
    assert result(STATIC, loss=0.02).loss("100") == pytest.approx(0.02)
    assert result(STATIC, loss=-0.02).loss("100") == pytest.approx(-0.02)


def test_the_busiest_device_is_what_equal_work_is_about() -> None:
    assert result(NESTED, device_macs={"lower": 40, "upper": 60}).busiest_macs == 60


def test_a_device_does_all_the_stages_of_its_slot() -> None:
    assert device_macs(MANIFEST, "100") == {"lower": 120, "upper": 150}
    assert device_macs(MANIFEST, "lower50") == {"lower": 7, "upper": 0}


def test_unknown_work_is_not_taken_for_none() -> None:
    first, *others = MANIFEST.stages
    unknown = replace(MANIFEST, stages=(replace(first, macs=None), *others))
    with pytest.raises(ValueError, match="work of stage lower50 is not known"):
        device_macs(unknown, "lower50")
    with pytest.raises(ValueError, match="cut has no sub-network 75"):
        device_macs(MANIFEST, "75")


def test_sub_networks_are_listed_as_by_those_who_have_most() -> None:
    assert two_seeds().sub_networks() == ("lower50", "100", "upper50")
    assert comparison().sub_networks() == ()


def test_a_contenders_results_come_by_seed() -> None:
    compared = comparison(result(STATIC, 1), result(NESTED, 0), result(STATIC, 0))
    assert [each.seed for each in compared.of("static")] == [0, 1]


def test_the_document_has_every_raw_number_and_how_it_came_about() -> None:
    refusal = Refusal("dynamic", 1, "cannot be exported")
    compared = comparison(result(STATIC, 0, wall_s=12.5), seeds=2, refusals=(refusal,))
    document = json.loads(json.dumps(compared.to_json()))
    assert document["split"] == "test"
    assert document["test_images"] == 10_000
    assert document["environment"]["interpreter"] == "lite 1.0"
    assert len(document["trainings"]) == 8
    assert document["trainings"][2]["contender"]["algorithm"] == "nested-incremental"
    assert document["trainings"][2]["settings"]["teacher_epochs"] == 8
    assert document["results"] == [compared.results[0].to_json()]
    assert document["refusals"] == [
        {"contender": "dynamic", "seed": 1, "reason": "cannot be exported"}
    ]


def test_what_was_planned_is_read_off_the_trainings() -> None:
    compared = comparison(seeds=2)
    assert (compared.passes, compared.lessons, compared.seeds) == (24, 8, (0, 1))
