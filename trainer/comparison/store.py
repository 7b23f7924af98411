"""Keeps each finished training's result, so that an interrupted comparison goes on from there."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from fluid.fields import FieldError, Fields
from trainer.comparison.contenders import Training
from trainer.comparison.environment import Environment
from trainer.comparison.results import Result
from trainer.data import Dataset
from trainer.data.digest import images_digest
from trainer.errors import ExportError, ResumeError
from trainer.observers.files import write_whole


@dataclass(frozen=True, slots=True)
class ResultStore:
    """Results of one data set on one machine, each a small JSON file in `folder`.

    Its name holds a fingerprint of all that the result follows from (data, topology, settings,
    versions), so a result of another comparison is not found, and several share a folder. What
    the fingerprint cannot see is a change of the trainer's own code: empty the folder after one.
    """

    folder: Path
    dataset_digest: str
    environment: Environment

    def find(self, training: Training) -> Result | None:
        """The result of a training that is done; raises `ResumeError` if it cannot be read."""
        path = self._path(training)
        try:
            return Result.from_json(Fields(json.loads(path.read_bytes())))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ResumeError(f"{path}: cannot be read ({error.strerror})") from error
        except (ValueError, FieldError) as error:
            raise ResumeError(f"{path}: is no result ({error}); delete it") from error

    def keep(self, training: Training, result: Result) -> None:
        """Store a result; raises `ExportError` if it cannot be written."""
        path = self._path(training)
        text = json.dumps(result.to_json(), indent=1) + "\n"
        try:
            write_whole(path, lambda file: file.write(text.encode()))
        except OSError as error:
            raise ExportError(f"{path}: cannot be written ({error.strerror})") from error

    def _path(self, training: Training) -> Path:
        contender, settings = training.contender, training.settings
        basis = {
            "dataset": self.dataset_digest,
            "environment": asdict(self.environment),
            "topology": asdict(contender.topology),
            "algorithm": contender.algorithm,
            "settings": settings.to_json(),
        }
        fingerprint = hashlib.sha256(json.dumps(basis, sort_keys=True).encode()).hexdigest()
        name = contender.name.replace(" ", "-")
        return self.folder / f"{name}-seed{settings.seed}-{fingerprint[:16]}.json"


def dataset_digest(dataset: Dataset) -> str:
    """sha256 (hex) of all that training and measuring take from a data set."""
    about = [dataset.name, dataset.classes, dataset.resize, asdict(dataset.augmentation)]
    about.append(images_digest(dataset))
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
