"""What trainings came to, as plain frozen values with a JSON form. Pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fluid.bundle import Manifest
from fluid.fields import Fields
from trainer.comparison.contenders import Training
from trainer.comparison.environment import Environment


@dataclass(frozen=True, slots=True)
class Result:
    """One training of a contender, measured.

    passes: over the training images, the teacher's among them. wall_s: seconds of training, the
    teacher's included, export and measurement on the test split not. float_accuracy,
    int8_accuracy: on the test split, in [0, 1], by sub-network. device_macs: multiply-accumulates
    an image, by slot, when all devices work at full width. size_bytes: of all files together.
    digest: of the bundle.
    """

    contender: str
    seed: int
    passes: int
    wall_s: float
    float_accuracy: Mapping[str, float]
    int8_accuracy: Mapping[str, float]
    device_macs: Mapping[str, int]
    size_bytes: int
    digest: str

    @property
    def busiest_macs(self) -> int:
        """Multiply-accumulates an image of the device that has most to do."""
        return max(self.device_macs.values())

    def loss(self, sub_network: str) -> float:
        """The accuracy that int8 costs a sub-network, as a share; negative where it gains."""
        return self.float_accuracy[sub_network] - self.int8_accuracy[sub_network]

    def to_json(self) -> dict[str, Any]:
        """Every field by its name."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: Fields) -> "Result":
        """Read what `to_json` wrote; raises `FieldError`."""
        device_macs = fields.child("device_macs")
        return cls(
            contender=fields.text("contender"),
            seed=fields.integer("seed"),
            passes=fields.integer("passes"),
            wall_s=fields.number("wall_s"),
            float_accuracy=_shares(fields.child("float_accuracy")),
            int8_accuracy=_shares(fields.child("int8_accuracy")),
            device_macs={slot: device_macs.integer(slot) for slot in device_macs.names()},
            size_bytes=fields.integer("size_bytes"),
            digest=fields.text("digest"),
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A training whose network could not be exported, and why."""

    contender: str
    seed: int
    reason: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that the report tells.

    dataset: its name. train_images, test_images: how many. trainings: those that were planned, at
    least one; each has a result or a refusal.
    """

    dataset: str
    train_images: int
    test_images: int
    environment: Environment
    trainings: tuple[Training, ...]
    results: tuple[Result, ...]
    refusals: tuple[Refusal, ...] = ()

    @property
    def passes(self) -> int:
        """Over the training images, for each contender."""
        return self.trainings[0].passes

    @property
    def lessons(self) -> int:
        """How many of a fluid network's passes are its teacher's."""
        return max(each.settings.teacher_epochs for each in self.trainings)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that each contender was trained with, in order."""
        return tuple(dict.fromkeys(each.settings.seed for each in self.trainings))

    def of(self, contender: str) -> tuple[Result, ...]:
        """A contender's results, by growing seed."""
        found = (each for each in self.results if each.contender == contender)
        return tuple(sorted(found, key=lambda each: each.seed))

    def sub_networks(self) -> tuple[str, ...]:
        """Every sub-network that somebody has, in the order of those who have most."""
        by_size = sorted(self.results, key=lambda each: -len(each.int8_accuracy))
        return tuple(dict.fromkeys(name for each in by_size for name in each.int8_accuracy))

    def to_json(self) -> dict[str, Any]:
        """Every raw number; accuracies are shares in [0, 1]."""
        return {"split": "test", **asdict(self)}


def device_macs(manifest: Manifest, sub_network: str) -> dict[str, int]:
    """Multiply-accumulates an image costs each slot in a sub-network; by slot.

    Where a slot's part is cut into stages, they count together. Raises `ValueError` if a stage's
    work or the sub-network is unknown: taken for nothing, it would look cheap.
    """
    chosen = [each for each in manifest.subnetworks if each.name == sub_network]
    if not chosen:
        raise ValueError(f"{manifest.name} has no sub-network {sub_network}")
    macs = dict.fromkeys(manifest.slots, 0)
    for stage in map(manifest.stage, chosen[0].stages):
        if stage.macs is None:
            raise ValueError(f"the work of stage {stage.name} is not known")
        macs[stage.slot] += stage.macs
    return macs


def _shares(fields: Fields) -> dict[str, float]:
    return {name: fields.number(name) for name in fields.names()}
