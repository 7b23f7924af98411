from fluid.bundle import InputSpec, Manifest, Stage, SubNetwork
from fluid.dashboard.model_facts import ModelFacts

MANIFEST = Manifest(
    name="digits",
    family="fluid",
    algorithm="joint",
    input=InputSpec((28, 28, 1)),
    classes=("zero", "one"),
    slots=("lower",),
    widths=(1.0,),
    stages=(Stage("lower50", "lower50.tflite", "lower", 1.0, "0" * 64, 1),),
    subnetworks=(
        SubNetwork("lower50", ("lower50",), float_accuracy=0.9, int8_accuracy=0.8),
        SubNetwork("float", ("lower50",), float_accuracy=0.7),
        SubNetwork("unmeasured", ("lower50",)),
    ),
)


def test_the_accuracy_told_is_that_of_what_devices_run_where_it_was_measured() -> None:
    assert ModelFacts.of(MANIFEST).accuracies == (("lower50", 0.8), ("float", 0.7))


def test_accuracies_hold_only_while_a_device_serves_that_bundle() -> None:
    facts = ModelFacts.of(MANIFEST)
    assert facts.to_json([MANIFEST.digest, "other"])["served"] is True
    assert facts.to_json(["other"])["served"] is False
    assert facts.to_json([])["classes"] == ["zero", "one"]
