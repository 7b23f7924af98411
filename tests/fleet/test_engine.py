"""When a missing engine is a failure. Starts no engine, and runs with all other tests."""

import pytest

from tests.fleet.engine import is_required


@pytest.mark.parametrize("name", ["CI", "FLUID_FLEET_REQUIRED"])
@pytest.mark.parametrize(("wish", "required"), [("true", True), ("1", True), ("0", False)])
def test_a_fleet_is_never_skipped_where_it_is_required(
    monkeypatch: pytest.MonkeyPatch, name: str, wish: str, *, required: bool
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("FLUID_FLEET_REQUIRED", raising=False)
    assert not is_required()
    monkeypatch.setenv(name, wish)
    assert is_required() is required
