"""The tools of these tests leave no process behind, whatever becomes of a test."""

import secrets
import sys
from pathlib import Path

import pytest

from broker import LocalBroker
from fluid.messages import Mode
from tests.integration.harness.cluster import AGENTS, MASTER, Cluster
from tests.processes import processes_with

MARK = "FLUID_CLEANUP_TEST"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes through /proc")


@pytest.fixture
def mark(monkeypatch: pytest.MonkeyPatch) -> str:
    """What all processes carry that are started now."""
    mark = secrets.token_hex(8)
    monkeypatch.setenv(MARK, mark)
    return mark


def _fail_with_running_agents(bundle: Path, folder: Path, mark: str) -> None:
    with LocalBroker() as broker, Cluster(broker, bundle=bundle, folder=folder) as cluster:
        cluster.assemble(Mode.HA)
        assert len(processes_with(MARK, mark)) == 1 + len(AGENTS)
        cluster[MASTER].suspend()
        raise ZeroDivisionError


def test_a_test_that_fails_leaves_no_process_even_a_suspended_one(
    bundle_folder: Path, tmp_path: Path, mark: str
) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail_with_running_agents(bundle_folder, tmp_path, mark)
    assert processes_with(MARK, mark) == []
