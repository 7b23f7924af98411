"""Things that exist during a `with` block only, such as the devices of a test."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Temporary(ABC):
    """Built as the block begins, and removed however that ends, or building it does."""

    def __enter__(self) -> Self:
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _value: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._remove()

    @abstractmethod
    def _build(self) -> None:
        """Make all of it."""

    @abstractmethod
    def _remove(self) -> None:
        """Remove what was built so far."""
