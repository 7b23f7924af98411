"""What one check found: a line for people, an object for programs."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum


class Status(StrEnum):
    OK = "ok"
    WARNING = "warning"  # an agent works, for now or not as it should
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Finding:
    """check: what was looked at. message: what was found and, unless all is well, what to do.
    broker: at which, for what is looked at for each."""

    check: str
    status: Status
    message: str
    broker: str = ""

    def __str__(self) -> str:
        name = f"{self.check} of {self.broker}" if self.broker else self.check
        return f"{self.status:<8} {name}: {self.message}"

    def to_json(self) -> dict[str, str]:
        return {name: str(value) for name, value in asdict(self).items() if value}


def worst(findings: Iterable[Finding]) -> Status:
    """Of all; ok of none."""
    found = {each.status for each in findings}
    return next((each for each in (Status.FAILED, Status.WARNING) if each in found), Status.OK)
