"""What the tests against real processes share; `harness` has the tools themselves."""

import os
import secrets
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from broker import LocalBroker
from fluid import FluidClient
from fluid.bundle import Bundle
from fluid.client import Backoff, ResendPolicy
from fluid.interpreter import InterpreterPackage
from tests.integration.harness.cluster import Cluster
from tests.integration.harness.fleet import Fleet
from tests.integration.harness.oracle import Oracle
from tests.processes import processes_with, wait_until

if TYPE_CHECKING:
    from trainer.data import Dataset

_MARK = "FLUID_INTEGRATION_TESTS"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the agents' logs with a test that has failed."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Cluster | Fleet):
                report.sections += [(f"log of {name}", log) for name, log in value.logs.items()]
    return report


@pytest.fixture(scope="session", autouse=True)
def _no_process_stays() -> Iterator[None]:
    """Whatever the tests of this folder start has ended when they have."""
    os.environ[_MARK] = mark = secrets.token_hex(8)
    yield
    del os.environ[_MARK]
    if Path("/proc/self/environ").exists():
        wait_until(lambda: not processes_with(_MARK, mark), what="processes are left over")


@pytest.fixture(scope="session")
def oracle(bundle: Bundle, digits: "Dataset", package: InterpreterPackage) -> Oracle:
    return Oracle(bundle, digits.test.images, package=package)


@pytest.fixture(scope="module")
def cluster(bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A broker, and two agents that are not started: `cluster.assemble(mode)` does."""
    with (
        LocalBroker(persistence=True) as broker,
        Cluster(broker, bundle=bundle_folder, folder=tmp_path_factory.mktemp("agents")) as cluster,
    ):
        yield cluster


@pytest.fixture
def client(cluster: Cluster) -> Iterator[FluidClient]:
    """A client that never asks again for want of an answer: what the cluster loses is lost."""
    never = Backoff(first_s=3600.0, greatest_s=3600.0)
    with FluidClient(cluster.broker.url, resend=ResendPolicy(unanswered=never)) as client:
        yield client
