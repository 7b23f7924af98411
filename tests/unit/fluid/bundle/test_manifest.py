import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluid.bundle import LOGITS, InputSpec, Manifest, Stage, SubNetwork
from fluid.errors import BundleError
from tests.unit.fluid.bundle.example import example_bundle

EXAMPLE = example_bundle().manifest

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=8)
ACCURACIES = st.none() | st.floats(0.0, 1.0)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def manifests(draw: st.DrawFn) -> Manifest:
    slots = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    stages = tuple(
        Stage(
            name=f"stage {index}",
            file=f"{index}.tflite",
            slot=slot,
            width=draw(st.floats(0.1, 1.0)),
            sha256=draw(st.text("0123456789abcdef", min_size=64, max_size=64)),
            size_bytes=draw(st.integers(0, 10**9)),
            macs=draw(st.none() | st.integers(0, 2**53)),
        )
        for index, slot in enumerate(slots)
    )
    members = st.lists(st.sampled_from([stage.name for stage in stages]), min_size=1, unique=True)
    return Manifest(
        name=draw(NAMES),
        family=draw(NAMES),
        algorithm=draw(NAMES),
        input=InputSpec(
            shape=(
                draw(st.integers(1, 99)),
                draw(st.integers(1, 99)),
                draw(st.sampled_from([1, 3])),
            ),
            resize=draw(st.sampled_from(["exact", "bilinear"])),
        ),
        classes=tuple(draw(st.lists(NAMES, max_size=3))),
        slots=slots,
        widths=tuple(draw(st.lists(st.floats(0.1, 1.0), max_size=3))),
        stages=stages,
        subnetworks=(
            SubNetwork(draw(NAMES), tuple(draw(members)), draw(ACCURACIES), draw(ACCURACIES)),
        ),
        training=draw(st.dictionaries(st.text(), JSON, max_size=2)),
    )


def as_written(manifest: Manifest) -> dict[str, Any]:
    """What a reader of `bundle.json` gets."""
    document: dict[str, Any] = json.loads(json.dumps(manifest.to_json()))
    return document


@given(manifests())
def test_a_manifest_comes_back_as_it_was(manifest: Manifest) -> None:
    read = Manifest.from_json(as_written(manifest))
    assert read == manifest
    assert read.digest == manifest.digest


@given(
    st.recursive(
        JSON, lambda inner: st.dictionaries(st.sampled_from(list(as_written(EXAMPLE))), inner)
    )
)
def test_reading_any_json_raises_nothing_but_a_bundle_error(document: object) -> None:
    with pytest.raises(BundleError, match=r"^bundle\.json: "):
        Manifest.from_json(document)


@given(st.sampled_from(sorted(as_written(EXAMPLE))), JSON)
def test_reading_a_manifest_with_any_field_replaced_raises_nothing_but_a_bundle_error(
    field: str, value: object
) -> None:
    document = as_written(EXAMPLE) | {field: value}
    try:
        manifest = Manifest.from_json(document)
    except BundleError as error:
        assert "\n" not in str(error)  # noqa: PT017 -- either outcome is right
    else:
        assert as_written(manifest)[field] == value


@pytest.mark.parametrize("field", sorted(as_written(EXAMPLE)))
def test_every_field_must_be_there(field: str) -> None:
    document = as_written(EXAMPLE)
    del document[field]
    with pytest.raises(BundleError, match=f"'{field}' is missing"):
        Manifest.from_json(document)


def test_another_format_version_says_what_to_do() -> None:
    document = as_written(EXAMPLE) | {"format_version": 2}
    with pytest.raises(BundleError, match=r"format version 2 is unknown.*upgrade the older"):
        Manifest.from_json(document)


@pytest.mark.parametrize("macs", [2**63, 0.5, "1", True, float("nan")])
def test_macs_that_are_no_integer_of_64_bits_are_refused(macs: object) -> None:
    document = as_written(EXAMPLE)
    document["stages"][0]["macs"] = macs
    with pytest.raises(BundleError, match=r"'stages\[0\]\.macs' must be"):
        Manifest.from_json(document)


@pytest.mark.parametrize(
    "file", ["", ".", "..", "../x.tflite", "/etc/passwd", "a/b.tflite", "./a.tflite", "a\n/b"]
)
def test_a_file_outside_the_bundle_is_refused(file: str) -> None:
    document = as_written(EXAMPLE)
    document["stages"][0]["file"] = file
    with pytest.raises(BundleError, match="must be a plain file name") as refused:
        Manifest.from_json(document)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"shape": [8, 8]}, r"input\.shape"),
        ({"shape": [8, 8, 2]}, r"input\.shape"),
        ({"shape": [0, 8, 1]}, r"input\.shape"),
        ({"dtype": "float32"}, r"input\.dtype"),
        ({"resize": "cubic"}, r"input\.resize"),
    ],
)
def test_an_input_that_nobody_can_send_is_refused(
    changes: dict[str, object], complaint: str
) -> None:
    document = as_written(EXAMPLE)
    document["input"] |= changes
    with pytest.raises(BundleError, match=complaint):
        Manifest.from_json(document)


class TestDigest:
    def test_it_does_not_depend_on_the_order_of_keys_in_the_file(self) -> None:
        document = dict(reversed(as_written(EXAMPLE).items()))
        assert Manifest.from_json(document).digest == EXAMPLE.digest

    @pytest.mark.parametrize(
        "changes", [{"name": "other"}, {"classes": ("one", "zero")}, {"training": {}}]
    )
    def test_it_names_every_difference(self, changes: dict[str, Any]) -> None:
        assert replace(EXAMPLE, **changes).digest != EXAMPLE.digest


class TestQuestions:
    @pytest.mark.parametrize(
        ("online", "names"),
        [
            (["lower"], {"lower25", "lower50"}),
            (["upper"], {"upper25", "upper50"}),
            (["lower", "upper"], {"lower25", "lower50", "upper25", "upper50", "75", "100"}),
            ([], set()),
            (["stranger"], set()),
        ],
    )
    def test_a_subnetwork_runs_where_all_its_slots_are_online(
        self, online: list[str], names: set[str]
    ) -> None:
        assert {each.name for each in EXAMPLE.runnable(online)} == names

    def test_the_widest_stage_of_a_slot(self) -> None:
        assert EXAMPLE.widest_stage("lower").name == "lower50"
        with pytest.raises(KeyError, match="middle"):
            EXAMPLE.widest_stage("middle")

    def test_of_equally_wide_stages_the_first_is_the_widest(self) -> None:
        first, *others = (stage for stage in EXAMPLE.stages if stage.slot == "lower")
        equal = tuple(replace(stage, width=first.width) for stage in (first, *others))
        assert replace(EXAMPLE, stages=equal).widest_stage("lower") == first

    def test_a_stage_by_its_name(self) -> None:
        assert EXAMPLE.stage("upper25").output == LOGITS
        with pytest.raises(KeyError, match="upper99"):
            EXAMPLE.stage("upper99")

    def test_a_set_of_stages_has_the_subnetworks_name_in_any_order(self) -> None:
        assert EXAMPLE.subnetwork_name(["upper50", "lower50"]) == "100"
        assert EXAMPLE.subnetwork_name(["upper25", "lower25"]) == "lower25+upper25"

    def test_raw_images_have_the_bytes_of_their_shape(self) -> None:
        assert InputSpec(shape=(28, 20, 3)).size_bytes == 28 * 20 * 3
