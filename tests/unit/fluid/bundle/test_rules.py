import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fluid.bundle import IMAGE, Manifest, Stage, SubNetwork
from fluid.bundle.rules import is_one_line
from fluid.errors import BundleError
from tests.unit.fluid.bundle.example import example_bundle

EXAMPLE = example_bundle().manifest


def _read(manifest: Manifest) -> Manifest:
    """As a reader of `bundle.json` gets it."""
    return Manifest.from_json(json.loads(json.dumps(manifest.to_json())))


def _refuse(manifest: Manifest, complaint: str) -> None:
    with pytest.raises(BundleError, match=complaint) as refused:
        _read(manifest)
    assert len(str(refused.value).splitlines()) == 1


def _with_stage(**changes: Any) -> Manifest:
    first, *others = EXAMPLE.stages
    return replace(EXAMPLE, stages=(replace(first, **changes), *others))


def _with_subnetwork(**changes: Any) -> Manifest:
    *others, last = EXAMPLE.subnetworks
    return replace(EXAMPLE, subnetworks=(*others, replace(last, **changes)))


def _chain(*inputs: tuple[str, ...]) -> Manifest:
    """Stages of which the n-th, from 0, yields `map n`, and the last one yields logits."""
    template = replace(EXAMPLE.stages[0], slot="lower")
    stages: list[Stage] = [
        replace(template, name=f"stage {number}", inputs=read, output=f"map {number}")
        for number, read in enumerate(inputs)
    ]
    stages[-1] = replace(stages[-1], output="logits")
    whole = SubNetwork("100", tuple(stage.name for stage in stages))
    return replace(EXAMPLE, slots=("lower",), stages=tuple(stages), subnetworks=(whole,))


@pytest.mark.parametrize("field", ["slots", "stages", "subnetworks"])
def test_nothing_is_not_enough(field: str) -> None:
    nothing: dict[str, Any] = {field: ()}
    _refuse(replace(EXAMPLE, **nothing), "must not be empty")


@pytest.mark.parametrize(
    ("manifest", "field"),
    [
        (_with_stage(name="lower50"), "stages"),
        (_with_subnetwork(name="75"), "subnetworks"),
        (replace(EXAMPLE, slots=("lower", "upper", "lower")), "slots"),
    ],
)
def test_names_are_different(manifest: Manifest, field: str) -> None:
    _refuse(manifest, f"'{field}' must have different names")


def test_a_slot_has_a_stage_and_a_stage_a_slot() -> None:
    _refuse(replace(EXAMPLE, slots=("lower", "upper", "top")), "slot 'top' has no stage")
    _refuse(_with_stage(slot="middle"), "unknown slot 'middle'")


@pytest.mark.parametrize("width", [0.0, -0.5, 1.01])
def test_a_width_is_a_share(width: float) -> None:
    _refuse(_with_stage(width=width), "the width of stage 'lower25' must be above 0")
    _refuse(replace(EXAMPLE, widths=(width, 1.0)), "'widths' must be above 0")


def test_work_is_not_negative() -> None:
    _refuse(_with_stage(macs=-1), "the macs of stage 'lower25' must not be negative")


class TestStages:
    def test_one_may_read_what_another_yields(self) -> None:
        manifest = _chain((IMAGE,), (IMAGE, "map 0"), ("map 1",))
        assert _read(manifest) == manifest

    @pytest.mark.parametrize("unknown", ["features", "logits"])
    def test_one_reads_what_another_yields_as_a_feature_map(self, unknown: str) -> None:
        _refuse(_with_stage(inputs=(unknown,)), rf"unknown inputs \['{unknown}'\]")

    def test_one_reads_something(self) -> None:
        _refuse(_with_stage(inputs=()), "'lower25' must have an input")

    @pytest.mark.parametrize("outputs", [("map", "map"), (IMAGE, "map")])
    def test_a_feature_map_has_one_writer(self, outputs: tuple[str, str]) -> None:
        manifest = _chain((IMAGE,), (IMAGE,), (IMAGE,))
        first, second, last = manifest.stages
        written = (replace(first, output=outputs[0]), replace(second, output=outputs[1]))
        _refuse(replace(manifest, stages=(*written, last)), "outputs of 'stages' .* different")

    def test_none_waits_for_itself(self) -> None:
        circle = _chain((IMAGE,), (IMAGE, "map 2"), ("map 1",), ("map 2",))
        _refuse(circle, "stages stage 1, stage 2, stage 3 read each other in a circle")


class TestSubNetworks:
    def test_one_is_made_of_known_stages(self) -> None:
        _refuse(_with_subnetwork(stages=("lower99",)), r"unknown stages \['lower99'\]")

    def test_one_names_a_stage_once(self) -> None:
        _refuse(_with_subnetwork(stages=("lower50", "lower50")), "'100' names a stage twice")

    @pytest.mark.parametrize("stages", [(), ("lower25", "lower50")])
    def test_one_has_logits_of_a_slot_at_most_once(self, stages: tuple[str, ...]) -> None:
        _refuse(_with_subnetwork(stages=stages), "'100' must have logits")

    def test_one_that_ends_at_a_feature_map_is_refused(self) -> None:
        manifest = _chain((IMAGE,), ("map 0",))
        unfinished = SubNetwork("50", ("stage 0",))
        _refuse(replace(manifest, subnetworks=(unfinished,)), "'50' must have logits")

    @pytest.mark.parametrize("field", ["float_accuracy", "int8_accuracy"])
    @pytest.mark.parametrize("accuracy", [-0.1, 97.0])
    def test_accuracies_are_shares(self, field: str, accuracy: float) -> None:
        _refuse(_with_subnetwork(**{field: accuracy}), "'100' has an accuracy of")


class TestTexts:
    @pytest.mark.parametrize("text", ["a\0b", "a\nb", "\x1b[31m", "\x85", "\ud800", "\u2028"])
    @pytest.mark.parametrize(
        "place",
        [
            lambda text: replace(EXAMPLE, name=text),
            lambda text: replace(EXAMPLE, classes=("zero", text)),
            lambda text: replace(EXAMPLE, slots=("lower", "upper", text)),
            lambda text: _with_stage(name=text),
            lambda text: _with_stage(file=text),
            lambda text: _with_stage(inputs=(text,)),
            lambda text: _with_stage(output=text),
            lambda text: _with_subnetwork(name=text),
            lambda text: _with_subnetwork(stages=(text,)),
        ],
    )
    def test_one_that_is_no_line_of_unicode_is_refused(
        self, text: str, place: Callable[[str], Manifest]
    ) -> None:
        _refuse(place(text), "holds a control character or no valid Unicode")

    @pytest.mark.parametrize(
        "training", [{"by": "\ud800"}, {"\ud800": 1}, {"by": [{"x": "\udfff"}]}]
    )
    def test_provenance_has_a_digest(self, training: dict[str, Any]) -> None:
        _refuse(replace(EXAMPLE, training=training), "'training' holds a text of no valid Unicode")

    @pytest.mark.parametrize("text", ["", "Käse", "猫", "🐈", "a b-c_d", "$x^2$", "[red]"])
    def test_what_people_write_is_taken(self, text: str) -> None:
        assert is_one_line(text)
        assert _read(replace(EXAMPLE, classes=("zero", text))).classes == ("zero", text)
